import React from 'react';
import { Node, SweepDetail, Trial } from '../../api/types';
import { counted, formatDuration, formatNumber, formatValue, shortId } from '../../ui/format';
import { Button, LinkButton } from '../../ui/page';
import { useNow } from '../../ui/signals';
import { StatusBadge } from '../../ui/status';
import { Column, VirtualTable } from '../../ui/table';
import { MOST_COMPARED, SweepModel } from './model';
import { isOpen, ranked } from './trials';

const BEST = 5;

export interface TrialTableProps {
  detail: SweepDetail;
  model: SweepModel;
  onOpen: (trial: Trial) => void;
  onOpenNode: (node: Node) => void;
  onCompare: (runs: string[]) => void;
}

/** Every trial, in the order that the reader wants; picked ones are compared. */
export function TrialTable(props: TrialTableProps): JSX.Element {
  const { detail, model } = props;
  const running = detail.trials.some(isOpen);
  const now = useNow(running ? 1_000 : 60_000);
  return (
    <>
      <Picked {...props} />
      <VirtualTable
        label="Trials"
        columns={columnsOf(props, now)}
        rows={model.rows}
        rowKey={trial => trial.number}
        rowClass={trial => rowClass(trial, props)}
        order={model.order}
        onOrder={order => model.setOrder(order)}
        onPoint={trial => model.pointAt(trial?.number ?? null)}
      />
    </>
  );
}

function rowClass(trial: Trial, { detail, model }: TrialTableProps): string {
  return [
    trial.number === detail.sweep.best && 'jp-mod-best',
    trial.number === model.focus && 'jp-mod-focus',
    ['pruned', 'failed', 'cancelled'].includes(trial.status) && 'jp-mod-quiet'
  ]
    .filter(Boolean)
    .join(' ');
}

/** What can be done with the picked trials. */
function Picked(props: TrialTableProps): JSX.Element {
  const { model, detail, onCompare } = props;
  const runs = model.pickedRuns;
  const several = Math.min(BEST, ranked(detail).length);
  return (
    <div className="jp-mlops-TrialBar">
      <span role="status">
        {model.picked.size
          ? `${counted(model.picked.size, 'trial')} picked`
          : model.passing
            ? `${model.rows.length} of ${counted(model.trials.length, 'trial')}: those that pass above`
            : 'Pick trials to compare their runs'}
      </span>
      {several > 1 && (
        <Button onClick={() => model.pickBest(several)}>Pick the best {several}</Button>
      )}
      <Button
        disabled={runs.length < 2 || runs.length > MOST_COMPARED}
        title={
          runs.length > MOST_COMPARED
            ? `At most ${MOST_COMPARED} runs can be compared at once`
            : runs.length < 2
              ? 'Pick at least two trials that have run'
              : 'What differs among their runs, side by side'
        }
        onClick={() => onCompare(runs)}
      >
        Compare
      </Button>
      {model.picked.size > 0 && <Button onClick={() => model.clearPicked()}>Clear</Button>}
    </div>
  );
}

function columnsOf(props: TrialTableProps, now: number): Column<Trial>[] {
  const { detail, model } = props;
  const { goal, space } = detail.sweep.spec;
  const sortable = true;
  const value: Column<Trial> = {
    key: 'value',
    title: goal?.metric ?? 'value',
    width: 110,
    numeric: true,
    sortable,
    cell: trial => (
      <span title={trial.value === null ? undefined : String(trial.value)}>
        {trial.number === detail.sweep.best && (
          <span className="jp-mlops-Star" role="img" aria-label="best" title="the best so far">
            ★
          </span>
        )}
        {formatNumber(trial.value)}
      </span>
    )
  };
  const params = Object.keys(space).map((name): Column<Trial> => ({
    key: `params.${name}`,
    title: name,
    width: 124,
    numeric: space[name].kind !== 'choice',
    sortable,
    cell: ({ params }) => <Param value={params[name]} />
  }));
  return [
    {
      key: 'pick',
      title: '',
      width: 30,
      cell: ({ number }) => (
        <input
          type="checkbox"
          aria-label={`Pick trial ${number}`}
          checked={model.picked.has(number)}
          onChange={() => model.toggle(number)}
        />
      )
    },
    {
      key: 'trial',
      title: 'trial',
      width: 64,
      sortable,
      cell: trial => <TrialLink {...props} trial={trial} />
    },
    {
      key: 'status',
      title: 'status',
      width: 104,
      sortable,
      cell: ({ status, reason }) => (
        <span title={reason || status}>
          <StatusBadge status={status} reason={reason} />
        </span>
      )
    },
    ...(goal ? [value] : []),
    ...params,
    {
      key: 'duration',
      title: 'duration',
      width: 96,
      numeric: true,
      sortable,
      cell: ({ started_at, ended_at }) =>
        formatDuration(started_at === null ? null : (ended_at ?? now) - started_at)
    },
    { key: 'job', title: 'job', width: 74, cell: trial => <JobLink {...props} trial={trial} /> }
  ];
}

function TrialLink(props: TrialTableProps & { trial: Trial }): JSX.Element {
  const { trial, onOpen } = props;
  const opens = trial.run_id ? 'run' : trial.job_id ? 'job' : null;
  if (!opens) {
    return <>{trial.number}</>;
  }
  return (
    <LinkButton
      label={`Trial ${trial.number}: open its ${opens}`}
      title={`Open the ${opens} of trial ${trial.number}`}
      onClick={() => onOpen(trial)}
    >
      {trial.number}
    </LinkButton>
  );
}

function JobLink(props: TrialTableProps & { trial: Trial }): JSX.Element {
  const { trial, onOpenNode } = props;
  if (!trial.job_id) {
    return <>–</>;
  }
  const node: Node = { id: `job:${trial.job_id}`, kind: 'job', label: '', status: '' };
  return (
    <LinkButton
      label={`Open the job of trial ${trial.number}`}
      title={`Open the job of trial ${trial.number}`}
      onClick={() => onOpenNode(node)}
    >
      <code>{shortId(trial.job_id)}</code>
    </LinkButton>
  );
}

function Param(props: { value: unknown }): JSX.Element {
  const { value } = props;
  if (value === undefined) {
    return <>–</>;
  }
  return (
    <span title={formatValue(value)}>
      {typeof value === 'number' ? formatNumber(value) : formatValue(value)}
    </span>
  );
}
