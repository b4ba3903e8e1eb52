import { fireEvent, render, screen } from '@testing-library/react';
import React from 'react';
import { describe, expect, it, vi } from 'vitest';
import { aJob, FakeStream } from '../../../api/__tests__/fakes';
import { Client } from '../../../api/client';
import { Job } from '../../../api/types';
import { JobRow, SweepRow } from '../JobList';
import { JobsModel } from '../model';
import { distinctParams, rowsOf, Sweep, sweepCounts, sweepDone, sweepStatus } from '../sweeps';

function trial(id: string, params: Record<string, unknown>, values: Partial<Job> = {}): Job {
  const job = aJob({ status: 'succeeded', ended_at: 1010, ...values }, 'sweep');
  return { ...job, spec: { ...job.spec, id, params, sweep_id: 'S' } };
}

const newest = trial('j3', { C: 1, seed: 0 });
const middle = trial('j2', { C: 0.1, seed: 0 });
const oldest = trial('j1', { C: 0.01, seed: 0 });
const sweep: Sweep = { id: 'S', name: 'sweep', jobs: [newest, middle, oldest] };

describe('the rows of the list of jobs', () => {
  it('show a sweep once, where its newest job stands', () => {
    const alone = aJob();
    expect(rowsOf([newest, alone, middle, oldest], new Set())).toEqual([{ sweep }, { job: alone }]);
  });

  it('show the jobs of an unfolded sweep as they were submitted', () => {
    const rows = rowsOf([newest, middle, oldest], new Set(['S']));
    expect(rows.map(row => row.job?.spec.id ?? row.sweep?.id)).toEqual(['S', 'j1', 'j2', 'j3']);
  });

  it('stay unfolded when the jobs are read again', async () => {
    const client = { jobs: async () => [newest, oldest] } as unknown as Client;
    const model = new JobsModel(client, new FakeStream().changes);
    await model.refresh();
    model.unfold('S', true);
    await model.refresh();
    expect(model.rows).toHaveLength(3);
    model.unfold('S', false);
    expect(model.rows).toHaveLength(1);
  });
});

describe('a sweep', () => {
  const failed = { ...middle, status: 'failed' as const };
  const running = { ...newest, status: 'running' as const, progress: { done: 2, total: 4 } };

  it.each([
    [[newest, middle], 'succeeded', '2 jobs · all succeeded', 2],
    [[newest, failed, oldest], 'failed', '3 jobs · 1 failed, 2 succeeded', 3],
    [[running, failed, oldest], 'running', '3 jobs · 1 running, 1 failed, 1 succeeded', 2.5]
  ])('is counted as one thing', (jobs, status, counts, done) => {
    const one = { ...sweep, jobs };
    expect([sweepStatus(one), sweepCounts(one), sweepDone(one)]).toEqual([status, counts, done]);
  });

  it('tells its jobs apart by the params that differ', () => {
    expect(distinctParams(oldest, sweep)).toEqual({ C: 0.01 });
    render(<JobRow job={oldest} within={sweep} now={1100} onCancel={() => undefined} />);
    expect(screen.getByText('C=0.01')).toBeTruthy();
  });

  it('is cancelled with one button while a job of it is open', () => {
    const cancel = vi.fn();
    const row = (jobs: Job[]) => (
      <SweepRow sweep={{ ...sweep, jobs }} unfolded={false} now={1100} onCancel={cancel} />
    );
    const { rerender } = render(row([running, oldest]));
    fireEvent.click(screen.getByRole('button', { name: 'Cancel sweep sweep' }));
    expect(cancel).toHaveBeenCalledWith('S');
    rerender(row([newest, oldest]));
    expect(screen.queryByRole('button')).toBeNull();
  });
});
