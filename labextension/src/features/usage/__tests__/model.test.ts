import { describe, expect, it } from 'vitest';
import { FakeStream } from '../../../api/__tests__/fakes';
import { Client, UsageQuery } from '../../../api/client';
import { UsageModel } from '../model';
import { aReport } from './aReport';

function aModel() {
  const asked: UsageQuery[] = [];
  const client = {
    usage: async (query: UsageQuery) => {
      asked.push(query);
      return aReport([], { by: query.by });
    }
  };
  const stream = new FakeStream();
  return { asked, stream, model: new UsageModel(client as unknown as Client, stream.changes) };
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
