import React from 'react';
import { JobStatus, RunStatus, TrialStatus } from '../api/types';
import { statusIcons } from './icons';

type Status = RunStatus | JobStatus | TrialStatus;

const SHAPE: Record<Status, string> = {
  running: 'running',
  starting: 'running',
  queued: 'waiting',
  finished: 'ok',
  succeeded: 'ok',
  failed: 'bad',
  cancelled: 'stopped',
  pruned: 'pruned',
  lost: 'lost'
};

/** A status as an icon whose name screen readers say. */
export function StatusIcon(props: {
  status: Status;
  reason?: string | null;
  /** Other words than the status. */
  label?: string;
}): JSX.Element {
  const { status, reason, label = status } = props;
  const Icon = statusIcons[SHAPE[status] ?? 'lost'].react;
  const text = reason ? `${label}: ${reason}` : label;
  return (
    <span
      className={`jp-mlops-Status jp-mlops-mod-${status}`}
      role="img"
      aria-label={text}
      title={text}
    >
      <Icon tag={null} />
    </span>
  );
}

/** A status in words, beside its icon. */
export function StatusBadge(props: { status: Status; reason?: string | null }): JSX.Element {
  return (
    <span className={`jp-mlops-Badge jp-mlops-mod-${props.status}`}>
      <StatusIcon {...props} />
      {props.status}
    </span>
  );
}

/** `done` of `total` as a bar. */
export function ProgressBar(props: { done: number; total: number; label: string }): JSX.Element {
  const percent = props.total > 0 ? Math.min(100, (100 * props.done) / props.total) : 0;
  return (
    <div
      className="jp-mlops-Progress"
      role="progressbar"
      aria-label={props.label}
      aria-valuemin={0}
      aria-valuemax={props.total}
      aria-valuenow={props.done}
    >
      <div className="jp-mlops-Progress-bar" style={{ width: `${percent}%` }} />
    </div>
  );
}
