import { describe, expect, it, vi } from 'vitest';
import { aDetail, aRun, aSummary, FakeStream } from '../../../api/__tests__/fakes';
import { Client, RunQuery } from '../../../api/client';
import { RequestError } from '../../../api/request';
import { RunPage } from '../../../api/types';
import { RunModel, RunsModel } from '../model';

/** A server with many runs, named by their place. */
function manyRuns(total: number) {
  const asked: RunQuery[] = [];
  const runs = async (query: RunQuery): Promise<RunPage> => {
    asked.push(query);
    const { offset = 0, limit = 0 } = query;
    const length = Math.max(0, Math.min(limit, total - offset));
    return {
      total,
      runs: Array.from({ length }, (_, i) => aRun({ id: `r${offset + i}`, name: `${offset + i}` }))
    };
  };
  return { asked, client: { runs } as unknown as Client };
}

describe('the list of runs', () => {
  it('reads only the pages in view', async () => {
    const { asked, client } = manyRuns(100_000);
    const model = new RunsModel(client, new FakeStream().changes);
    await model.refresh();
    expect([model.total, model.at(0)?.name, model.at(100)]).toEqual([100_000, '0', undefined]);
    model.show(50_095, 50_110);
    await model.refresh();
    expect(model.at(50_110)?.name).toBe('50110');
    expect(asked.every(query => query.limit === 100)).toBe(true);
    expect(asked.length).toBeLessThan(8);
  });

  it('starts at the top again when the filter changes', async () => {
    const { asked, client } = manyRuns(1_000);
    const model = new RunsModel(client, new FakeStream().changes);
    await model.refresh();
    model.show(500, 510);
    await model.refresh();
    await model.search({ filter: "status = 'failed'" });
    const last = asked[asked.length - 1];
    expect([last.filter, last.offset]).toEqual(["status = 'failed'", 0]);
  });

  it('shows a refused filter once and does not ask again until it is changed', async () => {
    const runs = vi.fn().mockRejectedValue(new RequestError('invalid_filter', 'at 6', 400));
    const { changes } = new FakeStream();
    const model = new RunsModel({ runs } as unknown as Client, changes);
    await model.search({ filter: 'bogus' });
    changes.announce('runs', null);
    expect([model.isRefused, model.error?.message, runs.mock.calls.length]).toEqual([
      true,
      'at 6',
      1
    ]);
    runs.mockResolvedValue({ total: 0, runs: [] });
    await model.search({ filter: '' });
    expect([model.isRefused, model.error]).toEqual([false, null]);
  });
});

describe('one run', () => {
  const history = (run_id: string, name: string) => ({
    run_id,
    name,
    steps: [0, 1],
    times: [0, 1],
    values: [1, 2]
  });

  function fakeClient(counts: Record<string, number>) {
    const metrics = () =>
      Object.fromEntries(Object.entries(counts).map(([name, n]) => [name, aSummary(1, n)]));
    const detail = () => aDetail(aRun({ metrics: metrics() }));
    return {
      run: vi.fn(async () => detail()),
      history: vi.fn(async (id: string, name: string) => history(id, name)),
      lineage: vi.fn(async () => ({ focus: '', nodes: [], edges: [] })),
      editRun: vi.fn()
    };
  }

  function aModel(client: object) {
    return new RunModel('R', client as unknown as Client, new FakeStream().changes);
  }

  it('reads histories only of metrics that have grown', async () => {
    const counts = { loss: 5, acc: 5, once: 1 };
    const client = fakeClient(counts);
    const model = aModel(client);
    await model.refresh();
    expect([...model.histories.keys()]).toEqual(['loss', 'acc']);
    counts.loss = 6;
    await model.refresh();
    expect(client.history.mock.calls.map(call => call[1])).toEqual(['loss', 'acc', 'loss']);
    expect(client.lineage).toHaveBeenCalledTimes(1);
  });

  it('shows without its lineage when that cannot be had', async () => {
    const client = fakeClient({});
    client.lineage.mockRejectedValue(new Error('down'));
    const model = aModel(client);
    await model.refresh();
    expect([model.data?.run.name, model.error, model.lineage]).toEqual(['svm', null, null]);
  });

  it('shows an edit at once, and why one was refused', async () => {
    const client = fakeClient({});
    const model = aModel(client);
    await model.refresh();
    client.editRun.mockResolvedValueOnce(aRun({ note: 'good' }));
    await model.edit({ note: 'good' });
    expect(client.editRun).toHaveBeenCalledWith('R', { note: 'good' });
    client.editRun.mockRejectedValueOnce(new RequestError('unavailable', 'disk full', 503));
    await model.edit({ note: 'bad' });
    expect(model.editError?.message).toBe('disk full');
  });
});
