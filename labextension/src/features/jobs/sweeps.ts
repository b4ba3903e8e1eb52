import { Job, JobStatus } from '../../api/types';
import { counted, formatParams } from '../../ui/format';
import { hasEnded } from './status';

/** The jobs of one sweep, newest first. */
export interface Sweep {
  id: string;
  name: string;
  jobs: Job[];
}

/** A row of the list of jobs: a sweep, a job of an unfolded sweep (`within`), or a job by itself. */
export type JobsRow =
  | { sweep: Sweep; job?: undefined; within?: undefined }
  | { job: Job; within?: Sweep; sweep?: undefined };

/** A sweep is one row where its newest job stands; `unfolded` ones are followed by their jobs. */
export function rowsOf(jobs: readonly Job[], unfolded: ReadonlySet<string>): JobsRow[] {
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
      const sweep = { id, name: job.spec.name, jobs: [job] };
      sweeps.set(id, sweep);
      rows.push({ sweep });
    }
  }
  return rows.flatMap(row =>
    row.sweep && unfolded.has(row.sweep.id)
      ? [row, ...inOrder(row.sweep).map(job => ({ job, within: row.sweep }))]
      : [row]
  );
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
export function sweepStatus(sweep: Sweep): JobStatus {
  return BY_URGENCY.find(status => sweep.jobs.some(job => job.status === status)) ?? 'queued';
}

/** `4 jobs · 2 running, 1 failed, 1 succeeded`. */
export function sweepCounts(sweep: Sweep): string {
  const parts = BY_URGENCY.map(status => {
    const count = sweep.jobs.filter(job => job.status === status).length;
    return count ? `${count} ${status}` : '';
  }).filter(Boolean);
  const total = counted(sweep.jobs.length, 'job');
  const all = sweep.jobs.length;
  return parts.length === 1 && all > 1
    ? `${total} · all ${sweepStatus(sweep)}`
    : `${total} · ${parts.join(', ')}`;
}

export function isOpen(sweep: Sweep): boolean {
  return sweep.jobs.some(job => !hasEnded(job));
}

/** Ended jobs count whole, running ones as far as their cells. */
export function sweepDone(sweep: Sweep): number {
  const done = sweep.jobs.map(job => {
    if (hasEnded(job)) {
      return 1;
    }
    return job.progress?.total ? job.progress.done / job.progress.total : 0;
  });
  return done.reduce((sum: number, each) => sum + each, 0);
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
