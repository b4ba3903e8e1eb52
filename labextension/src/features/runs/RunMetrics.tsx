import React from 'react';
import { MetricSummary, RunDetail } from '../../api/types';
import { ChartGrid, NamedLines, useChartSettings } from '../../ui/charts';
import { formatNumber } from '../../ui/format';
import { Button, Section } from '../../ui/page';
import { RunModel } from './runModel';

/** Beyond as many metrics the table is folded away: the charts tell more. */
const MOST_ROWS = 12;

interface Props {
  model: RunModel;
  detail: RunDetail;
}

export function RunMetrics(props: Props): JSX.Element {
  const metrics = Object.entries(props.detail.run.metrics);
  const table = <Table metrics={metrics} />;
  return (
    <Section title="Metrics" count={metrics.length}>
      {metrics.length === 0 ? (
        <p className="jp-mlops-Hint">
          None. <code>mlops.log(loss=0.3, step=1)</code> records one.
        </p>
      ) : metrics.length > MOST_ROWS ? (
        <details className="jp-mlops-Fold">
          <summary>{metrics.length} metrics with their last, least and greatest values</summary>
          {table}
        </details>
      ) : (
        table
      )}
      {metrics.some(([, summary]) => summary.count > 1) && <Charts {...props} />}
    </Section>
  );
}

function Table(props: { metrics: readonly [string, MetricSummary][] }): JSX.Element {
  return (
    <table className="jp-mlops-Table" aria-label="Metrics">
      <thead>
        <tr>
          {['metric', 'last', 'min', 'max', 'points'].map(title => (
            <th key={title} scope="col">
              {title}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {props.metrics.map(([name, summary]) => (
          <tr key={name}>
            <th scope="row">{name}</th>
            <td title={String(summary.last)}>
              <strong>{formatNumber(summary.last)}</strong>
            </td>
            <td title={String(summary.min)}>{formatNumber(summary.min)}</td>
            <td title={String(summary.max)}>{formatNumber(summary.max)}</td>
            <td>{summary.count.toLocaleString('en')}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function Charts(props: Props): JSX.Element {
  const { model } = props;
  const [settings, controls] = useChartSettings();
  const { histories } = model;
  const names = model.charts.join('\n');
  const charts = React.useMemo(
    () =>
      names.split('\n').flatMap((name): NamedLines[] => {
        const history = histories.get(name);
        return history ? [{ name, lines: [{ key: name, label: name, history, color: 0 }] }] : [];
      }),
    [histories, names]
  );
  const more = model.chartable.length - model.charts.length;
  const several = Object.keys(props.detail.run.metrics).length > 6;
  return (
    <>
      <div className="jp-mlops-ChartBar">
        {several && (
          <input
            type="search"
            className="jp-mlops-Field"
            aria-label="Find charts"
            placeholder="Find charts"
            onChange={event => model.searchCharts(event.target.value)}
          />
        )}
        {controls}
      </div>
      <ChartGrid charts={charts} settings={settings} />
      {more > 0 && (
        <Button onClick={() => model.showMoreCharts()}>Show more charts ({more} left)</Button>
      )}
    </>
  );
}
