import { afterEach, describe, expect, it, vi } from 'vitest';
import { FakeStream } from '../../../api/__tests__/fakes';
import { Client, UsageQuery } from '../../../api/client';
import { UsageModel } from '../model';
import { aReport } from './aReport';

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

function aModel() {
  const asked: UsageQuery[] = [];
  const gpus = vi.fn(async () => []);
  const client = {
    gpus,
    usage: async (query: UsageQuery) => {
      asked.push(query);
      return aReport([], { by: query.by });
    }
  };
  const stream = new FakeStream();
  const model = new UsageModel(client as unknown as Client, stream.changes);
  return { asked, gpus, stream, model };
}

describe('the model of usage', () => {
  it('asks for the last week by user until the reader wants something else', async () => {
    const { asked, model } = aModel();
    await model.refresh();
    await model.groupBy('notebook');
    await model.look('all');
    expect(asked).toEqual([
      { by: 'user', since: '7d' },
      { by: 'notebook', since: '7d' },
      { by: 'notebook', since: 'all' }
    ]);
    expect(model.data?.by).toBe('notebook');
  });

  it('does not ask again at every change of a running job', async () => {
    const { asked, model, stream } = aModel();
    await model.refresh();
    for (let i = 0; i < 5; i++) {
      stream.changes.announce('jobs', null);
    }
    await Promise.resolve();
    expect(asked.length).toBe(1);
    model.dispose();
  });
});

describe('the model of GPUs', () => {
  it('is read every ten seconds while the page is watched, and no longer', async () => {
    vi.useFakeTimers();
    const { gpus, model } = aModel();
    model.watch();
    await vi.advanceTimersByTimeAsync(20_100);
    expect(gpus).toHaveBeenCalledTimes(3);
    model.unwatch();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(gpus).toHaveBeenCalledTimes(3);
    model.watch();
    await vi.advanceTimersByTimeAsync(100);
    expect(gpus).toHaveBeenCalledTimes(4);
    model.dispose();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(gpus).toHaveBeenCalledTimes(4);
  });

  it('is not read while the browser shows another tab', async () => {
    vi.useFakeTimers();
    const { gpus, model } = aModel();
    model.watch();
    vi.spyOn(document, 'hidden', 'get').mockReturnValue(true);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(gpus).toHaveBeenCalledTimes(1);
    model.dispose();
  });

  it('is read again as jobs change, at most every two seconds', async () => {
    vi.useFakeTimers();
    const { gpus, model, stream } = aModel();
    model.watch();
    await vi.advanceTimersByTimeAsync(3_000);
    expect(gpus).toHaveBeenCalledTimes(1);
    for (let i = 0; i < 5; i++) {
      stream.say('jobs', ['a-job']);
      await vi.advanceTimersByTimeAsync(100);
    }
    expect(gpus).toHaveBeenCalledTimes(2);
    await vi.advanceTimersByTimeAsync(2_000);
    expect(gpus).toHaveBeenCalledTimes(3);
    model.dispose();
  });
});
