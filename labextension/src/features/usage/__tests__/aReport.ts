import { Usage, UsageReport } from '../../../api/types';

export function aUsage(group: string, values: Partial<Usage> = {}): Usage {
  return {
    group,
    attempts: 4,
    running: 0,
    succeeded: 4,
    failed: 0,
    cancelled: 0,
    lost: 0,
    measured: 4,
    gpu_hours: 8,
    gpu_idle_hours: 2,
    gpu_load: 0.425,
    cpu_hours: 3,
    cpu_asked_hours: 16,
    memory_asked_gib_hours: 64,
    memory_used_gib_hours: 16,
    wait_mean_s: 61,
    wait_longest_s: 300,
    ...values
  };
}

export function aReport(usage: Usage[], values: Partial<UsageReport> = {}): UsageReport {
  return {
    by: 'user',
    since: 1_700_000_000,
    until: 1_700_600_000,
    usage,
    total: aUsage('total', { attempts: 9, measured: 7, running: 1 }),
    ...values
  };
}
