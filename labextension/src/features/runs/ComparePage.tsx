import { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import React from 'react';
import { History, Node, Run } from '../../api/types';
import { ChartGrid, NamedLines, useChartSettings } from '../../ui/charts';
import { counted, formatDuration, formatTime, shortId } from '../../ui/format';
import { compareIcon } from '../../ui/icons';
import { Button, LinkButton, PageHeader, Section } from '../../ui/page';
import { Parallel } from '../../ui/parallel';
import { colorVariable } from '../../ui/chart';
import { Line } from '../../ui/series';
import { useModel } from '../../ui/signals';
import { Loaded } from '../../ui/states';
import { StatusIcon } from '../../ui/status';
import { CompareFigures } from './CompareFigures';
import { ComparePair } from './ComparePair';
import { CompareTable } from './CompareTable';
import { Compared, ComparisonModel } from './compareModel';

export interface ComparePageProps {
  model: ComparisonModel;
  rendermime: IRenderMimeRegistry;
  onOpen: (node: Node) => void;
}

/** Runs side by side: what differs, and nothing of what is the same. */
export function ComparePage(props: ComparePageProps): JSX.Element {
  useModel(props.model);
  return (
    <div className="jp-mlops-Page jp-mod-wide">
      <Loaded of={props.model}>{compared => <Content {...props} compared={compared} />}</Loaded>
    </div>
  );
}

type ContentProps = ComparePageProps & { compared: Compared };

function Content(props: ContentProps): JSX.Element {
  const { compared, model, rendermime, onOpen } = props;
  const { table, pair, coordinates } = compared;
  const Icon = compareIcon.react;
  const openRun = (id: string) => onOpen(nodeOf(id));
  return (
    <>
      <PageHeader
        icon={<Icon tag={null} />}
        title={titleOf(table.runs)}
        subtitle="What differs among runs; what is the same is left out"
      />
      <Runs model={model} runs={table.runs} onOpen={openRun} />
      {coordinates && coordinates.axes.length > 1 && (
        <Section title="Parallel coordinates">
          <Parallel
            coordinates={coordinates}
            hidden={model.hidden}
            focus={model.focus}
            onSelect={ids => model.showOnly(ids)}
            onFocus={id => model.pointAt(id)}
            onOpen={openRun}
          />
        </Section>
      )}
      <Charts model={model} />
      {pair ? <ComparePair comparison={pair} /> : <CompareTable table={table} model={model} />}
      {model.figures && (
        <CompareFigures figures={model.figures} model={model} rendermime={rendermime} />
      )}
    </>
  );
}

function nodeOf(id: string): Node {
  return { id: `run:${id}`, kind: 'run', label: '', status: '' };
}

function titleOf(runs: readonly Run[]): string {
  const [a, b] = runs;
  const names = new Set(runs.map(run => run.name));
  if (names.size === 1) {
    return runs.length === 2
      ? `Two runs of ${a.name || a.kind}`
      : `${runs.length} runs of ${a.name || a.kind}`;
  }
  return runs.length === 2 ? `${a.name} and ${b.name}` : counted(runs.length, 'run');
}

/** Which run has which colour, and whether its lines are drawn. */
function Runs(props: {
  model: ComparisonModel;
  runs: readonly Run[];
  onOpen: (id: string) => void;
}): JSX.Element {
  const { model, runs, onOpen } = props;
  return (
    <div className="jp-mlops-Legend-box">
      <table className="jp-mlops-Table jp-mlops-Legend" aria-label="The runs">
        <thead>
          <tr>
            {['run', 'experiment', 'started', 'duration'].map(title => (
              <th key={title} scope="col">
                {title}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {runs.map((run, place) => (
            <tr
              key={run.id}
              className={model.focus === run.id ? 'jp-mod-focus' : ''}
              onPointerEnter={() => model.pointAt(run.id)}
              onPointerLeave={() => model.pointAt(null)}
            >
              <th scope="row">
                <input
                  type="checkbox"
                  aria-label={`Draw ${run.name || run.kind} ${shortId(run.id)}`}
                  title="Draw its lines"
                  checked={!model.hidden.has(run.id)}
                  style={{ accentColor: `var(${colorVariable(place)})` }}
                  onChange={() => model.toggle(run.id)}
                />
                <i
                  className="jp-mlops-Swatch"
                  style={{ background: `var(${colorVariable(place)})` }}
                />
                <StatusIcon status={run.status} reason={run.status_reason} />
                <LinkButton title="Open this run" onClick={() => onOpen(run.id)}>
                  {run.name || run.kind} <code>{shortId(run.id)}</code>
                </LinkButton>
              </th>
              <td>{run.experiment}</td>
              <td>{formatTime(run.started_at)}</td>
              <td>{formatDuration(run.duration_s)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** The metrics of all runs over each other. */
function Charts(props: { model: ComparisonModel }): JSX.Element | null {
  const { model } = props;
  const [settings, controls] = useChartSettings();
  const { hidden, histories, runs } = model;
  const names = model.charts.join('\n');
  const charts = React.useMemo(() => {
    const places = new Map(runs.map((run, place) => [run.id, place]));
    const lineOf = (history: History): Line => {
      const place = places.get(history.run_id) ?? 0;
      const label = `${runs[place]?.name ?? ''} ${shortId(history.run_id)}`.trim();
      return { key: history.run_id, label, history, color: place };
    };
    return names.split('\n').map((name): NamedLines => {
      const shown = (histories.get(name) ?? []).filter(each => !hidden.has(each.run_id));
      return { name, lines: shown.map(lineOf) };
    });
  }, [names, histories, hidden, runs]);
  if (!names) {
    return null;
  }
  const more = model.chartable.length - model.charts.length;
  return (
    <Section title="Charts" count={model.chartable.length}>
      <div className="jp-mlops-ChartBar">{controls}</div>
      <ChartGrid charts={charts} settings={settings} />
      {more > 0 && (
        <Button onClick={() => model.showMoreCharts()}>Show more charts ({more} left)</Button>
      )}
    </Section>
  );
}
