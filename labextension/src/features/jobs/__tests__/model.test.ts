import { afterEach, describe, expect, it, vi } from 'vitest';
import { aJob, FakeStream } from '../../../api/__tests__/fakes';
import { Client } from '../../../api/client';
import { Job } from '../../../api/types';
import { JobModel, JobsModel } from '../model';

/** A job whose log a test writes. */
function jobWith(log: { text: string; ended: boolean }, job: () => Job = aJob) {
  const offsets: number[] = [];
  const client = {
    job: vi.fn(async () => job()),
    lineage: vi.fn(async () => ({ focus: '', nodes: [], edges: [] })),
    jobLog: vi.fn(async (_: string, offset: number) => {
      offsets.push(offset);
      const text = log.text.slice(offset, offset + 4);
      const next_offset = offset + text.length;
      return { text, next_offset, ended: log.ended && next_offset === log.text.length };
    })
  };
  return {
    offsets,
    model: new JobModel('J', client as unknown as Client, new FakeStream().changes)
  };
}

describe('a job’s log', () => {
  afterEach(() => {
    vi.useRealTimers();
  });

  it('is read on from where it ended, part by part', async () => {
    const log = { text: 'abcdef', ended: false };
    const { model, offsets } = jobWith(log);
    await model.refresh();
    await model.readLog();
    expect([model.log, offsets]).toEqual(['abcdef', [0, 4, 6]]);
    log.text += 'gh';
    await model.readLog();
    expect([model.log, offsets.slice(3)]).toEqual(['abcdefgh', [6, 8]]);
  });

  it('is not asked for again once it has ended', async () => {
    const { model, offsets } = jobWith({ text: 'ab', ended: true });
    await model.refresh();
    await model.readLog();
    await model.readLog();
    expect(offsets).toEqual([0]);
  });

  it('starts anew with a new attempt', async () => {
    let attempt = 1;
    const { model } = jobWith({ text: 'ab', ended: false }, () => aJob({ attempt }));
    await model.refresh();
    await model.readLog();
    attempt = 2;
    await model.refresh();
    expect(model.log).toBe('');
    await model.readLog();
    expect(model.log).toBe('ab');
  });

  it('is read every second while the page is watched, and no longer', async () => {
    vi.useFakeTimers();
    const { model, offsets } = jobWith({ text: '', ended: false });
    await model.refresh();
    model.watch();
    await vi.advanceTimersByTimeAsync(2_100);
    expect(offsets).toHaveLength(3);
    model.unwatch();
    await vi.advanceTimersByTimeAsync(5_000);
    expect(offsets).toHaveLength(3);
  });
});

describe('the list of jobs', () => {
  it('knows which jobs are open', async () => {
    const all = [aJob({ status: 'queued' }), aJob({ status: 'lost' }), aJob({ status: 'running' })];
    const client = { jobs: async () => all, sweeps: async () => [] } as unknown as Client;
    const model = new JobsModel(client, new FakeStream().changes);
    await model.refresh();
    expect(model.open.map(job => job.status)).toEqual(['queued', 'running']);
  });
});
