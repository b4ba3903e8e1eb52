import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { aDetail, aRun, aSummary, FakeStream } from '../../../api/__tests__/fakes';
import { Client } from '../../../api/client';
import { RequestError } from '../../../api/request';
import { RunStatus } from '../../../api/types';
import { RunModel } from '../runModel';

const history = (run_id: string, name: string) => ({
  run_id,
  name,
  steps: [0, 1],
  times: [0, 1],
  values: [1, 2]
});

function aClient(counts: Record<string, number>, status: RunStatus = 'finished') {
  const metrics = (system: boolean) =>
    Object.fromEntries(
      Object.entries(counts)
        .filter(([name]) => name.startsWith('system/') === system)
        .map(([name, n]) => [name, aSummary(1, n)])
    );
  const detail = () =>
    aDetail(aRun({ metrics: metrics(false), status }), { hardware: metrics(true) });
  return {
    run: vi.fn(async () => detail()),
    histories: vi.fn(async (ids: string[], names: string[]) =>
      names.map(name => history(ids[0], name))
    ),
    lineage: vi.fn(async () => ({ focus: '', nodes: [], edges: [] })),
    editRun: vi.fn(),
    executedCells: vi.fn(async () => []),
    capturedText: vi.fn(async () => 'diff'),
    reproductions: vi.fn(async () => [] as object[]),
    reproduce: vi.fn(async () => ({ job_id: 'J' }))
  };
}

function aModel(client: object, stream = new FakeStream()) {
  return new RunModel('R', client as unknown as Client, stream.changes);
}

describe('one run', () => {
  it('reads histories only of metrics that have grown, all at once', async () => {
    const counts = { loss: 5, acc: 5, once: 1, 'system/rss_bytes': 9 };
    const client = aClient(counts);
    const model = aModel(client);
    await model.refresh();
    expect([...model.histories.keys()]).toEqual(['loss', 'acc', 'system/rss_bytes']);
    counts.loss = 6;
    await model.refresh();
    expect(client.histories.mock.calls.map(call => call[1])).toEqual([
      ['loss', 'acc', 'system/rss_bytes'],
      ['loss']
    ]);
    expect(client.lineage).toHaveBeenCalledTimes(1);
  });

  it('draws some of many metrics, and more when asked to', async () => {
    const names = Array.from({ length: 100 }, (_, i) => `layer${i}/loss`);
    const client = aClient(Object.fromEntries(names.map(name => [name, 2])));
    const model = aModel(client);
    await model.refresh();
    expect(model.charts).toHaveLength(24);
    model.showMoreCharts();
    expect(model.charts).toHaveLength(48);
    model.searchCharts('LAYER99');
    expect(model.charts).toEqual(['layer99/loss']);
  });

  it('shows without its lineage or its reproductions when they cannot be had', async () => {
    const client = aClient({});
    client.lineage.mockRejectedValue(new Error('down'));
    client.reproductions.mockRejectedValue(new Error('down'));
    const model = aModel(client);
    await model.refresh();
    expect([model.data?.run.name, model.error, model.lineage]).toEqual(['svm', null, null]);
  });

  it('shows an edit at once, and why one was refused', async () => {
    const client = aClient({});
    const model = aModel(client);
    await model.refresh();
    client.editRun.mockResolvedValueOnce(aRun({ note: 'good' }));
    await model.edit({ note: 'good' });
    expect(client.editRun).toHaveBeenCalledWith('R', { note: 'good' });
    client.editRun.mockRejectedValueOnce(new RequestError('unavailable', 'disk full', 503));
    await model.edit({ note: 'bad' });
    expect(model.editError?.message).toBe('disk full');
  });

  it('reads a part that is folded only once, when it is opened', async () => {
    const client = aClient({});
    const model = aModel(client);
    await model.refresh();
    expect(client.executedCells).not.toHaveBeenCalled();
    await model.showCells();
    await model.showCells();
    expect(client.executedCells).toHaveBeenCalledTimes(1);
    client.capturedText.mockRejectedValueOnce(new RequestError('not_found', 'gone', 404));
    await model.showText('d1');
    expect(model.texts.get('d1')?.error?.message).toBe('gone');
    await model.showText('d1');
    expect(model.texts.get('d1')?.value).toBe('diff');
  });

  it('hears what becomes of its reproductions', async () => {
    const client = aClient({});
    const stream = new FakeStream();
    const model = aModel(client, stream);
    client.reproductions.mockResolvedValue([{ job_id: 'J' }]);
    await model.refresh();
    const asked = client.reproductions.mock.calls.length;
    stream.say('jobs', ['other']);
    expect(client.reproductions).toHaveBeenCalledTimes(asked);
    stream.say('jobs', ['J']);
    expect(client.reproductions).toHaveBeenCalledTimes(asked + 1);
  });

  it('lists a reproduction as soon as it has begun', async () => {
    const client = aClient({});
    client.reproductions.mockResolvedValue([{ job_id: 'J' }]);
    const model = aModel(client);
    await model.reproduce();
    expect(model.reproductions).toEqual([{ job_id: 'J' }]);
  });

  it('says why it cannot be reproduced', async () => {
    const client = aClient({});
    const model = aModel(client);
    client.reproduce.mockRejectedValue(new RequestError('conflict', 'no history', 409));
    await model.reproduce();
    expect(model.reproduceError?.message).toBe('no history');
  });
});

describe('a run that goes on', () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });

  afterEach(() => {
    vi.useRealTimers();
  });

  it('is read once a second at most, however often it changes', async () => {
    const client = aClient({}, 'running');
    const stream = new FakeStream();
    const model = aModel(client, stream);
    await model.refresh();
    for (let i = 0; i < 20; i++) {
      stream.say('runs', ['R']);
      await vi.advanceTimersByTimeAsync(100);
    }
    expect(client.run).toHaveBeenCalledTimes(3);
  });

  it('is not read while nobody sees it, and at once when somebody does again', async () => {
    const client = aClient({}, 'running');
    const stream = new FakeStream();
    const model = aModel(client, stream);
    await model.refresh();
    model.unwatch();
    stream.say('runs', ['R']);
    await vi.advanceTimersByTimeAsync(5_000);
    expect(client.run).toHaveBeenCalledTimes(1);
    model.watch();
    expect(client.run).toHaveBeenCalledTimes(2);
  });
});
