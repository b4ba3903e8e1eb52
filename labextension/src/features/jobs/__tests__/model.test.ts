import { afterEach, describe, expect, it, vi } from 'vitest';
import { aJob, FakeStream } from '../../../api/__tests__/fakes';
import { Client } from '../../../api/client';
import { RequestError } from '../../../api/request';
import { Job } from '../../../api/types';
import { JobModel, JobsModel, literal, SubmitModel } from '../model';

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
    const client = { jobs: async () => all } as unknown as Client;
    const model = new JobsModel(client, new FakeStream().changes);
    await model.refresh();
    expect(model.open.map(job => job.status)).toEqual(['queued', 'running']);
  });
});

describe('submitting a notebook', () => {
  const parameters = [
    { name: 'lr', default: 0.1, type: 'float', help: '' },
    { name: 'solver', default: 'lbfgs', type: 'str', help: '' }
  ];

  async function aForm(submit = vi.fn()) {
    const client = {
      notebookParameters: async () => ({ parameters, gpus: 2, virtual: true }),
      submit
    };
    const model = new SubmitModel('a.ipynb', client as unknown as Client);
    await model.refresh();
    return model;
  }

  it('sends only params that were changed, as text', async () => {
    const model = await aForm();
    expect(model.form.params).toEqual({ lr: '0.1', solver: 'lbfgs' });
    model.setParam('lr', ' 0.1, 0.01 ');
    model.set({ gpus: '1', memory: '8G', name: ' mine ' });
    expect(model.submission()).toEqual({
      path: 'a.ipynb',
      name: 'mine',
      params: { lr: '0.1, 0.01' },
      gpus: 1,
      cpus: 1,
      memory: '8G'
    });
  });

  it('keeps what was typed and the reason when it is refused', async () => {
    const refusal = new RequestError('invalid_parameter', 'lr must be a float', 400);
    const model = await aForm(vi.fn().mockRejectedValue(refusal));
    model.setParam('lr', 'abc');
    expect(await model.submit()).toBeNull();
    expect([model.refusal?.message, model.form.params.lr]).toEqual(['lr must be a float', 'abc']);
  });
});

describe('a default in the grammar of -p', () => {
  it.each([
    [null, 'None'],
    [true, 'True'],
    [0.1, '0.1'],
    ['lbfgs', 'lbfgs'],
    ['data/train.csv', 'data/train.csv'],
    ['a, b', '"a, b"'],
    ['True', '"True"'],
    ['1e5', '"1e5"'],
    ['', '""'],
    [[1, 'x', null], '[1, "x", None]'],
    [{ a: [true] }, '{"a": [True]}']
  ])('writes %j as %s', (value, text) => {
    expect(literal(value)).toBe(text);
  });
});
