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
import { EmptyState, ErrorBox, Loading } from '../../ui/states';
import { StatusIcon } from '../../ui/status';
import { RunsModel } from './model';

const ROW_HEIGHT = 46;
const TYPING_PAUSE_MS = 300;
const FILTER_HELP =
  "Examples:\n  metrics.acc > 0.9 and params.lr < 0.01\n  status = 'failed' or tags.team = 'a'\n  name like 'digits%' and duration > 60";
const FIRST_CELLS =
  '%load_ext jupyter_mlops\n\n%%track my-first-run\nimport jupyter_mlops as mlops\nmlops.log(loss=0.3)';

const ORDERS: readonly [string, string][] = [
  ['started desc', 'Newest'],
  ['started asc', 'Oldest'],
  ['duration desc', 'Longest'],
  ['name asc', 'Name']
];

export interface RunListProps {
  model: RunsModel;
  onOpen: (id: string) => void;
  onCompare: (a: string, b: string) => void;
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

function RunFilter(props: { model: RunsModel }): JSX.Element {
  const { model } = props;
  const [text, setText] = React.useState(model.filter);
  React.useEffect(() => {
    if (text === model.filter) {
      return;
    }
    const timer = window.setTimeout(() => void model.search({ filter: text }), TYPING_PAUSE_MS);
    return () => window.clearTimeout(timer);
  }, [model, text]);
  const refused = model.isRefused;
  return (
    <div className="jp-mlops-Filter">
      <input
        type="search"
        className={`jp-mlops-Field${refused ? ' jp-mod-invalid' : ''}`}
        aria-label="Filter runs"
        aria-invalid={refused}
        placeholder="Filter: metrics.acc > 0.9"
        title={FILTER_HELP}
        spellCheck={false}
        value={text}
        onChange={event => setText(event.target.value)}
      />
      <div className="jp-mlops-Filter-options">
        <span role="status">{model.data ? counted(model.total, 'run') : ''}</span>
        <label>
          <input
            type="checkbox"
            checked={model.archived}
            onChange={event => void model.search({ archived: event.target.checked })}
          />
          archived
        </label>
        <select
          aria-label="Order of runs"
          value={model.orderBy}
          onChange={event => void model.search({ order_by: event.target.value })}
        >
          {ORDERS.map(([value, label]) => (
            <option key={value} value={value}>
              {label}
            </option>
          ))}
        </select>
      </div>
    </div>
  );
}

/** The runs that were picked, and what can be done with two of them. */
function Picked(props: {
  model: RunsModel;
  onCompare: (a: string, b: string) => void;
}): JSX.Element | null {
  const [a, b] = props.model.picked;
  if (!a) {
    return null;
  }
  const twins = a.name === b?.name;
  const name = (run: Run) => (run.name && !twins ? run.name : shortId(run.id));
  return (
    <div className="jp-mlops-Picked" role="group" aria-label="Compare runs">
      <span role="status" title={b ? `${name(a)} and ${name(b)}` : name(a)}>
        {b ? `${name(a)} ↔ ${name(b)}` : `${name(a)}: pick another`}
      </span>
      <Button disabled={!b} onClick={() => props.onCompare(a.id, b.id)}>
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

/** The filter's mistake in the server's words; for anything else a way to try again. */
function RunProblem(props: { model: RunsModel }): JSX.Element | null {
  const { model } = props;
  if (!model.error) {
    return null;
  }
  const retry = model.isRefused ? undefined : () => void model.refresh();
  return <ErrorBox error={model.error} retry={retry} />;
}

function NoRuns(props: { model: RunsModel }): JSX.Element {
  if (props.model.filter && !props.model.error) {
    return <EmptyState title="No run matches this filter." code={FILTER_HELP} />;
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
          title="Pick two runs to compare them (space bar, or Ctrl and a click)"
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
