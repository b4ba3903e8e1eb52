import React from 'react';
import { MetricSummary, Run } from '../../api/types';
import {
  counted,
  formatAgo,
  formatDuration,
  formatNumber,
  formatParams,
  shortId
} from '../../ui/format';
import { VirtualList } from '../../ui/list';
import { Button } from '../../ui/page';
import { useModel, useNow } from '../../ui/signals';
import { EmptyState, Loading } from '../../ui/states';
import { StatusIcon } from '../../ui/status';
import { EXAMPLES } from './filter';
import { RunsModel } from './model';
import { RunFilter, RunProblem } from './RunFilter';

const ROW_HEIGHT = 46;
const FIRST_CELLS =
  '%load_ext jupyter_mlops\n\n%%track my-first-run\nimport jupyter_mlops as mlops\nmlops.log(loss=0.3)';

export interface RunListProps {
  model: RunsModel;
  onOpen: (id: string) => void;
  onCompare: (ids: string[]) => void;
}

/** The sidebar's list of runs, with the filter above it. */
export function RunList(props: RunListProps): JSX.Element {
  const { model, onOpen } = props;
  useModel(model);
  const now = useNow(5_000);
  const onRange = React.useCallback(
    (first: number, last: number) => model.show(first, last),
    [model]
  );
  return (
    <div className="jp-mlops-Runs">
      <RunFilter model={model} />
      <Picked model={model} onCompare={props.onCompare} />
      <RunProblem model={model} />
      {model.data === null && !model.error && <Loading />}
      {model.data && model.total === 0 && <NoRuns model={model} />}
      {model.total > 0 && (
        <VirtualList
          label="Runs"
          count={model.total}
          rowHeight={ROW_HEIGHT}
          row={index => {
            const run = model.at(index);
            return (
              <RunRow
                run={run}
                now={now}
                picked={!!run && model.isPicked(run.id)}
                onPick={run && (() => model.pick(run))}
              />
            );
          }}
          onPick={index => {
            const run = model.at(index);
            if (run) {
              model.pick(run);
            }
          }}
          onPickTo={index => model.pickTo(index)}
          onOpen={index => {
            const run = model.at(index);
            if (run) {
              onOpen(run.id);
            }
          }}
          onRange={onRange}
        />
      )}
    </div>
  );
}

/** The runs that were picked, and what can be done with them. */
function Picked(props: {
  model: RunsModel;
  onCompare: (ids: string[]) => void;
}): JSX.Element | null {
  const { picked } = props.model;
  if (picked.length === 0) {
    return null;
  }
  const names = picked.map(run => run.name || shortId(run.id));
  const told =
    picked.length === 1 ? `${names[0]}: pick another` : `${counted(picked.length, 'run')} picked`;
  return (
    <div className="jp-mlops-Picked" role="group" aria-label="Compare runs">
      <span role="status" title={names.join('\n')}>
        {told}
      </span>
      <Button
        disabled={picked.length < 2}
        onClick={() => props.onCompare(picked.map(run => run.id))}
      >
        Compare
      </Button>
      <button
        className="jp-mlops-Icon-button"
        aria-label="Pick none"
        title="Pick none"
        onClick={() => props.model.unpickAll()}
      >
        ×
      </button>
    </div>
  );
}

function NoRuns(props: { model: RunsModel }): JSX.Element {
  if (props.model.filter && !props.model.error) {
    return (
      <EmptyState
        title="No run matches this filter."
        code={`Examples:\n  ${EXAMPLES.slice(0, 3).join('\n  ')}`}
      />
    );
  }
  return (
    <EmptyState title="No runs yet" code={FIRST_CELLS}>
      Put <code>%%track</code> on top of a cell and run it:
    </EmptyState>
  );
}

export function RunRow(props: {
  run: Run | undefined;
  now: number;
  picked?: boolean;
  onPick?: () => void;
}): JSX.Element {
  const { run, now, picked = false } = props;
  if (!run) {
    return <div className="jp-mlops-Row-body jp-mod-missing" aria-label="loading" />;
  }
  const duration = run.status === 'running' ? now - run.started_at : run.duration_s;
  const details = [formatAgo(run.started_at, now), formatDuration(duration), run.experiment];
  const [first, second] = Object.entries(run.metrics);
  return (
    <div
      className={`jp-mlops-Row-body${picked ? ' jp-mod-picked' : ''}`}
      title={[run.name, formatParams(run.params), run.status_reason].filter(Boolean).join('\n')}
    >
      {props.onPick && (
        <input
          type="checkbox"
          className="jp-mlops-Pick"
          tabIndex={-1}
          checked={picked}
          title="Pick runs to compare them (space bar, Ctrl and a click; Shift and a click for all between)"
          aria-label={`Pick ${run.name || run.kind} ${shortId(run.id)}`}
          onClick={event => event.stopPropagation()}
          onChange={props.onPick}
        />
      )}
      <StatusIcon status={run.status} reason={run.status_reason} />
      <div className="jp-mlops-Row-text">
        <div className="jp-mlops-Row-title">
          <span>{run.name || run.kind}</span>
          <Metric entry={first} />
        </div>
        <div className="jp-mlops-Row-details">
          <span>
            {run.sweep_id && `${formatParams(run.params)} · `}
            <code>{shortId(run.id)}</code> · {details.filter(Boolean).join(' · ')}
          </span>
          <Metric entry={second} />
        </div>
      </div>
    </div>
  );
}

/** The first metrics of a run, at a glance. */
function Metric(props: { entry: [string, MetricSummary] | undefined }): JSX.Element | null {
  if (!props.entry) {
    return null;
  }
  const [name, { last }] = props.entry;
  return (
    <span className="jp-mlops-Row-metric" title={`${name}: ${last}`}>
      <span>{name}</span> <strong>{formatNumber(last, 4)}</strong>
    </span>
  );
}
