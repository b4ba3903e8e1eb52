import { fireEvent, render, screen } from '@testing-library/react';
import React from 'react';
import { describe, expect, it, vi } from 'vitest';
import { aJob, FakeStream } from '../../../api/__tests__/fakes';
import { Client } from '../../../api/client';
import { Job, Sweep as SweepRecord } from '../../../api/types';
import { JobRow, SweepRow } from '../JobList';
import { JobsModel } from '../model';
import {
  distinctParams,
  isOpen,
  rowsOf,
  Sweep,
  sweepCounts,
  sweepDone,
  sweepEnd,
  sweepStatus
} from '../sweeps';

function trial(id: string, params: Record<string, unknown>, values: Partial<Job> = {}): Job {
  const job = aJob({ status: 'succeeded', ended_at: 1010, ...values }, 'sweep');
  return { ...job, spec: { ...job.spec, id, params, sweep_id: 'S' } };
}

const newest = trial('j3', { C: 1, seed: 0 });
const middle = trial('j2', { C: 0.1, seed: 0 });
const oldest = trial('j1', { C: 0.01, seed: 0 });
const sweep: Sweep = { id: 'S', name: 'sweep', jobs: [newest, middle, oldest], record: null };

function aRecord(id: string, values: Partial<SweepRecord> = {}): SweepRecord {
  const goal = { metric: 'acc', direction: 'maximize' };
  const record = { status: 'running', reason: '', ended_at: null, cancel_requested: false };
  return {
    ...record,
    spec: { id, name: 'search', trials: 12, goal, submitted_at: 1000 },
    counts: { finished: 3, pruned: 1, running: 2 },
    best: 2,
    best_value: 0.97531,
    best_params: { C: 0.1 },
    ...values
  } as unknown as SweepRecord;
}

describe('the rows of the list of jobs', () => {
  it('show a sweep once, where its newest job stands', () => {
    const alone = aJob();
    expect(rowsOf([newest, alone, middle, oldest], [], new Set())).toEqual([
      { sweep },
      { job: alone }
    ]);
  });

  it('show the jobs of an unfolded sweep as they were submitted', () => {
    const rows = rowsOf([newest, middle, oldest], [], new Set(['S']));
    expect(rows.map(row => row.job?.spec.id ?? row.sweep?.id)).toEqual(['S', 'j1', 'j2', 'j3']);
  });

  it('name a sweep as the server does, also where none of its jobs is listed', () => {
    const [older, kept] = [aRecord('older'), aRecord('S')];
    older.spec.submitted_at = 500;
    const rows = rowsOf([newest], [kept, older], new Set(['older']));
    expect(rows).toEqual([
      { sweep: { id: 'S', name: 'search', jobs: [newest], record: kept } },
      { sweep: { id: 'older', name: 'search', jobs: [], record: older } }
    ]);
  });

  it('stay unfolded when the jobs are read again', async () => {
    const client = {
      jobs: async () => [newest, oldest],
      sweeps: async () => []
    } as unknown as Client;
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
    [[newest, middle], 'succeeded', '2 jobs · all succeeded', { done: 2, total: 2 }],
    [[newest, failed, oldest], 'failed', '3 jobs · 1 failed, 2 succeeded', { done: 3, total: 3 }],
    [
      [running, failed, oldest],
      'running',
      '3 jobs · 1 running, 1 failed, 1 succeeded',
      { done: 2.5, total: 3 }
    ]
  ])('is counted as one thing', (jobs, status, counts, done) => {
    const one = { ...sweep, jobs };
    expect([sweepStatus(one), sweepCounts(one), sweepDone(one)]).toEqual([status, counts, done]);
  });

  it.each([
    [{}, 'running', '4 of 12 trials · 2 running, 1 pruned, 3 finished', 4.5],
    [{ counts: {} }, 'running', '0 of 12 trials', 0.5],
    [{ status: 'finished', counts: { finished: 12 } }, 'finished', '12 trials · all finished', 12.5]
  ] as const)(
    'is counted in trials where the server keeps it: %j',
    (values, status, words, done) => {
      const one = { ...sweep, jobs: [running], record: aRecord('S', values) };
      expect([sweepStatus(one), sweepCounts(one), sweepDone(one)]).toEqual([
        status,
        words,
        { done, total: 12 }
      ]);
    }
  );

  it('has ended when the server says so', () => {
    const record = aRecord('S', { status: 'cancelled', ended_at: 2000 });
    expect([isOpen({ ...sweep, record }), sweepEnd({ ...sweep, record })]).toEqual([false, 2000]);
  });

  it('shows its best value in the list', () => {
    const one = { ...sweep, record: aRecord('S') };
    const none = () => undefined;
    render(<SweepRow sweep={one} unfolded={false} now={1100} onUnfold={none} onCancel={none} />);
    expect(screen.getByTitle('best so far: C=0.1').textContent).toBe('acc0.9753');
  });

  it('unfolds with its caret without being opened', () => {
    const [open, unfold] = [vi.fn(), vi.fn()];
    render(
      <div onClick={open}>
        <SweepRow
          sweep={sweep}
          unfolded={false}
          now={1100}
          onUnfold={unfold}
          onCancel={() => undefined}
        />
      </div>
    );
    fireEvent.click(screen.getByTitle('Show its jobs'));
    expect(unfold).toHaveBeenCalledWith(true);
    expect(open).not.toHaveBeenCalled();
  });

  it('tells its jobs apart by the params that differ', () => {
    expect(distinctParams(oldest, sweep)).toEqual({ C: 0.01 });
    render(<JobRow job={oldest} within={sweep} now={1100} onCancel={() => undefined} />);
    expect(screen.getByText('C=0.01')).toBeTruthy();
  });

  it('is cancelled with one button while a job of it is open', () => {
    const cancel = vi.fn();
    const row = (jobs: Job[]) => (
      <SweepRow
        sweep={{ ...sweep, jobs }}
        unfolded={false}
        now={1100}
        onUnfold={() => undefined}
        onCancel={cancel}
      />
    );
    const { rerender } = render(row([running, oldest]));
    fireEvent.click(screen.getByRole('button', { name: 'Cancel sweep sweep' }));
    expect(cancel).toHaveBeenCalledWith('S');
    rerender(row([newest, oldest]));
    expect(screen.queryByRole('button')).toBeNull();
  });
});
