import { describe, expect, it, vi } from 'vitest';
import { aRun, FakeStream } from '../../../api/__tests__/fakes';
import { Client, RunQuery } from '../../../api/client';
import { RequestError } from '../../../api/request';
import { RunPage } from '../../../api/types';
import { RunsModel } from '../model';

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

  it('names the fields of its runs as the filter language does', async () => {
    const params = { lr: 1, 'my param': 2 };
    const runs = async () => ({ runs: [aRun({ params, tags: { team: 'a' } })], total: 1 });
    const model = new RunsModel({ runs } as unknown as Client, new FakeStream().changes);
    await model.refresh();
    expect(model.fields).toEqual(['params.`my param`', 'params.lr', 'tags.team']);
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
