import { caretDownIcon } from '@jupyterlab/ui-components';
import React from 'react';
import { Job } from '../../api/types';
import { useRefusal } from '../../ui/access';
import { formatAgo, formatDuration, formatNumber, formatParams, shortId } from '../../ui/format';
import { VirtualList } from '../../ui/list';
import { useModel, useNow } from '../../ui/signals';
import { EmptyState, Loaded } from '../../ui/states';
import { ProgressBar, StatusIcon } from '../../ui/status';
import { hasEnded, JobsModel } from './model';
import {
  distinctParams,
  isBeingCancelled,
  isOpen,
  JobsRow,
  Sweep,
  sweepCounts,
  sweepDone,
  sweepEnd,
  sweepStatus
} from './sweeps';

const ROW_HEIGHT = 46;

/** The sidebar's list of jobs, in which a sweep is one row that opens its page and unfolds. */
export function JobList(props: {
  model: JobsModel;
  onOpen: (id: string) => void;
  onOpenSweep: (id: string) => void;
  onCancel: (id: string) => void;
  onCancelSweep: (id: string) => void;
}): JSX.Element {
  const { model, onOpen } = props;
  useModel(model);
  const now = useNow(1_000);
  const rows = model.rows;
  const onFold = (index: number, shown: boolean) => {
    const { sweep, within } = rows[index];
    const id = sweep?.id ?? (shown ? undefined : within?.id);
    if (id) {
      model.unfold(id, shown);
      return rows.findIndex(row => row.sweep?.id === id);
    }
    return index;
  };
  return (
    <Loaded of={model}>
      {() =>
        rows.length === 0 ? (
          <NoJobs />
        ) : (
          <VirtualList
            label="Jobs"
            count={rows.length}
            rowHeight={ROW_HEIGHT}
            row={index => <Row {...props} row={rows[index]} now={now} />}
            level={index => (rows[index].within ? 2 : 1)}
            unfolded={index => {
              const { sweep } = rows[index];
              return sweep?.jobs.length ? model.isUnfolded(sweep.id) : undefined;
            }}
            onFold={onFold}
            onOpen={index => {
              const { sweep, job } = rows[index];
              if (sweep?.record) {
                props.onOpenSweep(sweep.id);
              } else if (sweep) {
                model.unfold(sweep.id, !model.isUnfolded(sweep.id));
              } else {
                onOpen(job.spec.id);
              }
            }}
          />
        )
      }
    </Loaded>
  );
}

function Row(props: {
  row: JobsRow;
  now: number;
  model: JobsModel;
  onCancel: (id: string) => void;
  onCancelSweep: (id: string) => void;
}): JSX.Element {
  const { row, now, model } = props;
  if (row.sweep) {
    return (
      <SweepRow
        sweep={row.sweep}
        unfolded={model.isUnfolded(row.sweep.id)}
        now={now}
        onUnfold={shown => model.unfold(row.sweep.id, shown)}
        onCancel={props.onCancelSweep}
      />
    );
  }
  return <JobRow job={row.job} within={row.within} now={now} onCancel={props.onCancel} />;
}

/** All jobs of a sweep as one thing. */
export function SweepRow(props: {
  sweep: Sweep;
  unfolded: boolean;
  now: number;
  onUnfold: (shown: boolean) => void;
  onCancel: (id: string) => void;
}): JSX.Element {
  const { sweep, unfolded, now } = props;
  const open = isOpen(sweep);
  const counts = sweepCounts(sweep);
  const { reason = '' } = sweep.record ?? {};
  return (
    <div
      className="jp-mlops-Row-body"
      title={[`Sweep ${sweep.name}: ${counts}`, reason].filter(Boolean).join('\n')}
    >
      <Caret unfolded={unfolded} empty={sweep.jobs.length === 0} onUnfold={props.onUnfold} />
      <StatusIcon status={sweepStatus(sweep)} reason={reason} />
      <div className="jp-mlops-Row-text">
        <div className="jp-mlops-Row-title">
          <span>{sweep.name}</span>
          <BestValue sweep={sweep} />
          {!sweep.record && <span className="jp-mlops-Count">sweep</span>}
        </div>
        <div className="jp-mlops-Row-details">
          <span>{open ? counts : `${counts} · ${formatAgo(sweepEnd(sweep), now)}`}</span>
        </div>
        {open && <ProgressBar {...sweepDone(sweep)} label={`Progress of sweep ${sweep.name}`} />}
      </div>
      {open && (
        <CancelButton
          label={`Cancel sweep ${sweep.name}`}
          title="Cancel all jobs of this sweep"
          disabled={isBeingCancelled(sweep)}
          onClick={() => props.onCancel(sweep.id)}
        />
      )}
    </div>
  );
}

/** For the pointer; the list's arrow keys do the same. */
function Caret(props: {
  unfolded: boolean;
  empty: boolean;
  onUnfold: (shown: boolean) => void;
}): JSX.Element {
  const { unfolded, empty, onUnfold } = props;
  const Icon = caretDownIcon.react;
  return (
    <span
      className={`jp-mlops-Caret${unfolded ? '' : ' jp-mod-folded'}${empty ? ' jp-mod-empty' : ''}`}
      title={unfolded ? 'Hide its jobs' : 'Show its jobs'}
      onClick={event => {
        event.stopPropagation();
        onUnfold(!unfolded);
      }}
    >
      <Icon tag={null} />
    </span>
  );
}

function BestValue(props: { sweep: Sweep }): JSX.Element | null {
  const { record } = props.sweep;
  if (!record?.spec.goal || record.best_value === null) {
    return null;
  }
  return (
    <span
      className="jp-mlops-Row-metric"
      title={`best so far: ${formatParams(record.best_params)}`}
    >
      <span>{record.spec.goal.metric}</span>
      <strong>{formatNumber(record.best_value, 4)}</strong>
    </span>
  );
}

function NoJobs(): JSX.Element {
  return (
    <EmptyState title="No jobs yet" code={'%%submit train --gpus 1 -p lr=0.1,0.01\nfit(lr)'}>
      Put <code>%%submit</code> on top of a cell, or press “Run as batch job” in a notebook’s
      toolbar:
    </EmptyState>
  );
}

/** A job; `within` a sweep it is named by what tells it from the others there. */
export function JobRow(props: {
  job: Job;
  within?: Sweep;
  now: number;
  onCancel: (id: string) => void;
}): JSX.Element {
  const { job, within, now, onCancel } = props;
  const { name, params } = job.spec;
  const told = formatParams(within ? distinctParams(job, within) : params);
  const title = within && told ? told : name;
  return (
    <div
      className={`jp-mlops-Row-body${within ? ' jp-mod-nested' : ''}`}
      title={[`${name} ${formatParams(params)}`.trim(), job.reason, job.warning]
        .filter(Boolean)
        .join('\n')}
    >
      <StatusIcon status={job.status} reason={job.reason} />
      <div className="jp-mlops-Row-text">
        <div className="jp-mlops-Row-title">
          <span>{title}</span>
          <Warning text={job.warning} />
          <code>{shortId(job.spec.id)}</code>
        </div>
        {job.status === 'running' && job.progress && !job.cancel_requested ? (
          <div className="jp-mlops-Row-progress">
            <ProgressBar {...job.progress} label={`Progress of ${title}`} />
            <span>
              {job.progress.done}/{job.progress.total}
            </span>
          </div>
        ) : (
          <div className="jp-mlops-Row-details">
            <span>{[within ? '' : told, describe(job, now)].filter(Boolean).join(' · ')}</span>
          </div>
        )}
      </div>
      {!hasEnded(job) && (
        <CancelButton
          label={`Cancel job ${within ? `${name} ${title}` : name}`}
          title="Cancel this job"
          disabled={job.cancel_requested}
          onClick={() => onCancel(job.spec.id)}
        />
      )}
    </div>
  );
}

/** What somebody should see to, as that its GPU is idle. */
function Warning(props: { text: string }): JSX.Element | null {
  return props.text ? (
    <span className="jp-mlops-Warning" role="img" aria-label={`Warning: ${props.text}`}>
      ⚠
    </span>
  ) : null;
}

function CancelButton(props: {
  label: string;
  title: string;
  disabled: boolean;
  onClick: () => void;
}): JSX.Element {
  const refused = useRefusal('cancel');
  return (
    <button
      className="jp-mlops-Icon-button"
      aria-label={props.label}
      title={refused || props.title}
      disabled={props.disabled || refused !== ''}
      onClick={event => {
        event.stopPropagation();
        props.onClick();
      }}
      onKeyDown={event => event.stopPropagation()}
    >
      ×
    </button>
  );
}

/** One line about a job: what it waits for, how long it took, why it ended. */
export function describe(job: Job, now: number): string {
  if (job.cancel_requested && !hasEnded(job)) {
    return 'cancelling…';
  }
  if (job.started_at === null) {
    return [job.status, job.reason || `submitted ${formatAgo(job.spec.submitted_at, now)}`].join(
      ' · '
    );
  }
  const duration = formatDuration((job.ended_at ?? now) - job.started_at);
  const ended = job.ended_at === null ? job.status : formatAgo(job.ended_at, now);
  return [ended, duration, job.status === 'succeeded' ? '' : job.reason]
    .filter(Boolean)
    .join(' · ');
}
