import { Job, JobStatus } from '../../api/types';

const ENDED: readonly JobStatus[] = ['succeeded', 'failed', 'cancelled', 'lost'];

export function hasEnded(job: Job): boolean {
  return ENDED.includes(job.status);
}
