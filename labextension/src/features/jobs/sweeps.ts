import { Job, JobStatus, Sweep as SweepRecord, SweepStatus, TrialStatus } from '../../api/types';
import { counted, formatParams } from '../../ui/format';
import { hasEnded } from './status';

/** The jobs of one sweep, newest first, and what the server keeps of it as one thing. */
export interface Sweep {
  id: string;
  name: string;
  jobs: Job[];
  /** Null for what older versions submitted, where jobs alone tell of their sweep. */
  record: SweepRecord | null;
}

/** A row of the list of jobs: a sweep, a job of an unfolded sweep (`within`), or a job by itself. */
export type JobsRow =
  | { sweep: Sweep; job?: undefined; within?: undefined }
  | { job: Job; within?: Sweep; sweep?: undefined };

/**
 * A sweep is one row where its newest job stands; `unfolded` ones are followed by their jobs.
 *
 * One of whose jobs none is listed stands where it was submitted.
 */
export function rowsOf(
  jobs: readonly Job[],
  records: readonly SweepRecord[],
  unfolded: ReadonlySet<string>
): JobsRow[] {
  const kept = new Map(records.map(record => [record.spec.id, record]));
  const sweeps = new Map<string, Sweep>();
  const rows: JobsRow[] = [];
  for (const job of jobs) {
    const id = job.spec.sweep_id;
    const known = id === null ? undefined : sweeps.get(id);
    if (id === null) {
      rows.push({ job });
    } else if (known) {
      known.jobs.push(job);
    } else {
      const record = kept.get(id) ?? null;
      const sweep = { id, name: record?.spec.name ?? job.spec.name, jobs: [job], record };
      sweeps.set(id, sweep);
      rows.push({ sweep });
    }
  }
  for (const record of records) {
    const { id, name } = record.spec;
    if (!sweeps.has(id)) {
      rows.push({ sweep: { id, name, jobs: [], record } });
    }
  }
  rows.sort((a, b) => submittedAt(b) - submittedAt(a));
  return rows.flatMap(row =>
    row.sweep && unfolded.has(row.sweep.id)
      ? [row, ...inOrder(row.sweep).map(job => ({ job, within: row.sweep }))]
      : [row]
  );
}

function submittedAt({ sweep, job }: JobsRow): number {
  return job?.spec.submitted_at ?? sweep?.jobs[0]?.spec.submitted_at ?? startOf(sweep);
}

function startOf(sweep: Sweep | undefined): number {
  return sweep?.record?.spec.submitted_at ?? 0;
}

/** As they were submitted: the order of the values that the user gave. */
function inOrder(sweep: Sweep): Job[] {
  return [...sweep.jobs].reverse();
}

const BY_URGENCY: readonly JobStatus[] = [
  'running',
  'starting',
  'queued',
  'failed',
  'lost',
  'cancelled',
  'succeeded'
];

/** What a sweep is doing, or the worst that became of its jobs. */
export function sweepStatus(sweep: Sweep): JobStatus | SweepStatus {
  return sweep.record?.status ?? jobsStatus(sweep);
}

function jobsStatus(sweep: Sweep): JobStatus {
  return BY_URGENCY.find(status => sweep.jobs.some(job => job.status === status)) ?? 'queued';
}

const TRIALS_BY_URGENCY: readonly TrialStatus[] = [
  'running',
  'queued',
  'failed',
  'pruned',
  'cancelled',
  'finished'
];

/** `3 of 12 trials · 2 running, 1 failed`, or in jobs where that is all that is known. */
export function sweepCounts(sweep: Sweep): string {
  const { record, jobs } = sweep;
  if (record) {
    const parts = TRIALS_BY_URGENCY.map(status => [status, record.counts[status] ?? 0] as const);
    const made = parts.reduce((sum, [, count]) => sum + count, 0);
    const total = Math.max(record.spec.trials, made);
    const open = record.status === 'running';
    const all = counted(total, 'trial');
    return inWords(open ? `${endedTrials(record)} of ${all}` : all, parts, open ? 0 : total);
  }
  const parts = BY_URGENCY.map(
    status => [status, jobs.filter(job => job.status === status).length] as const
  );
  return inWords(counted(jobs.length, 'job'), parts, jobs.length);
}

function inWords(
  total: string,
  parts: readonly (readonly [string, number])[],
  all: number
): string {
  const some = parts.filter(([, count]) => count > 0);
  const told = some.map(([status, count]) =>
    count === all && all > 1 ? `all ${status}` : `${count} ${status}`
  );
  return told.length ? `${total} · ${told.join(', ')}` : total;
}

function endedTrials(record: SweepRecord): number {
  return TRIALS_BY_URGENCY.slice(2).reduce((sum, status) => sum + (record.counts[status] ?? 0), 0);
}

export function isOpen(sweep: Sweep): boolean {
  return sweep.record ? sweep.record.status === 'running' : sweep.jobs.some(job => !hasEnded(job));
}

/** Whether it was asked to end already. */
export function isBeingCancelled(sweep: Sweep): boolean {
  return sweep.record
    ? sweep.record.cancel_requested
    : sweep.jobs.every(job => hasEnded(job) || job.cancel_requested);
}

/** How far it is, in trials: ended ones count whole, running ones as far as their cells. */
export function sweepDone(sweep: Sweep): { done: number; total: number } {
  const { record, jobs } = sweep;
  const going = jobs
    .filter(job => !hasEnded(job))
    .map(job => (job.progress?.total ? job.progress.done / job.progress.total : 0));
  const part = going.reduce((sum, each) => sum + each, 0);
  return record
    ? { done: endedTrials(record) + part, total: record.spec.trials }
    : { done: jobs.filter(hasEnded).length + part, total: jobs.length };
}

/** When the last of it ended. */
export function sweepEnd(sweep: Sweep): number {
  const ends = sweep.jobs.map(job => job.ended_at ?? job.spec.submitted_at);
  return sweep.record?.ended_at ?? Math.max(startOf(sweep), ...ends);
}

/** What tells a job from the others of its sweep: the params that are not the same in all. */
export function distinctParams(job: Job, sweep: Sweep): Record<string, unknown> {
  const same = (key: string) =>
    sweep.jobs.every(
      other => formatParams(other.spec.params, key) === formatParams(job.spec.params, key)
    );
  const varying = Object.entries(job.spec.params).filter(([key]) => !same(key));
  return varying.length ? Object.fromEntries(varying) : job.spec.params;
}
