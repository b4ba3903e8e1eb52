import { describe, expect, it, vi } from 'vitest';
import { FakeStream } from '../../../api/__tests__/fakes';
import { Client } from '../../../api/client';
import { SweepDetail } from '../../../api/types';
import { MOST_CURVES, SweepModel } from '../model';
import { aDetail, aSweepSpec, aTrial, SWEEP } from './aSweep';

const first = aTrial(0, { value: 0.8 });
const second = aTrial(1, { value: 0.9 });
const going = aTrial(2, { status: 'running', value: 0.1, ended_at: null });

async function aModel(detail: SweepDetail) {
  const stream = new FakeStream();
  const client = {
    sweep: vi.fn(async () => detail),
    histories: vi.fn(async (runs: string[], names: string[]) =>
      runs.map(run_id => ({ run_id, name: names[0], steps: [0], times: [1], values: [0.5] }))
    )
  };
  const model = new SweepModel(SWEEP, client as unknown as Client, stream.changes);
  await model.refresh();
  return { model, client, stream };
}

describe('a sweep', () => {
  it('has the curve of each trial', async () => {
    const { model, client } = await aModel(aDetail([first, going]));
    expect(client.histories).toHaveBeenCalledWith(
      [first.run_id, going.run_id],
      ['acc'],
      expect.anything()
    );
    expect([...model.curves.keys()]).toEqual([0, 2]);
  });

  it('asks again only for curves that go on', async () => {
    const { model, client } = await aModel(aDetail([first, going]));
    await model.refresh();
    expect(client.histories).toHaveBeenLastCalledWith([going.run_id], ['acc'], expect.anything());
  });

  it('shows without its curves when they cannot be had', async () => {
    const { model, client } = await aModel(aDetail([first]));
    client.histories.mockRejectedValueOnce(new Error('too slow'));
    client.sweep.mockResolvedValueOnce(aDetail([first, second]));
    await model.refresh();
    expect([model.error, model.trials.length, model.curves.size]).toEqual([null, 2, 1]);
  });

  it('asks for no curves without a goal', async () => {
    const { client } = await aModel(aDetail([first], { spec: aSweepSpec({ goal: null }) }));
    expect(client.histories).not.toHaveBeenCalled();
  });

  it('draws those that go on and the best where there are very many', async () => {
    const many = Array.from({ length: MOST_CURVES + 20 }, (_, i) => aTrial(i, { value: i }));
    const { model, client } = await aModel(aDetail([...many, { ...going, number: 900 }]));
    const drawn = model.drawn.map(({ number }) => number);
    expect(drawn).toHaveLength(MOST_CURVES);
    expect([drawn[0], drawn[drawn.length - 1]]).toEqual([21, 900]);
    expect(client.histories.mock.calls[0][0]).toHaveLength(MOST_CURVES);
  });

  it.each([
    ['sweeps', SWEEP, 2],
    ['jobs', first.job_id!, 2],
    ['runs', going.run_id!, 2],
    ['jobs', 'another', 1],
    ['sweeps', 'another', 1]
  ])('is read again when one of the %s changed that concerns it: %s', async (kind, id, times) => {
    vi.useFakeTimers();
    const { client, stream } = await aModel(aDetail([first, going]));
    stream.say(kind, [id]);
    await vi.advanceTimersByTimeAsync(2_000);
    expect(client.sweep).toHaveBeenCalledTimes(times);
    vi.useRealTimers();
  });

  it('has the best first until the reader orders it otherwise', async () => {
    const { model } = await aModel(aDetail([first, second, going]));
    const numbers = () => model.rows.map(({ number }) => number);
    expect(numbers()).toEqual([1, 0, 2]);
    model.setOrder({ key: 'trial', descending: true });
    expect(numbers()).toEqual([2, 1, 0]);
    model.showOnly(['0', '2']);
    expect(numbers()).toEqual([2, 0]);
    model.showOnly(null);
    expect(numbers()).toHaveLength(3);
  });

  it('gives the runs of picked trials to compare', async () => {
    const untracked = aTrial(3, { status: 'queued', run_id: null });
    const { model } = await aModel(aDetail([first, second, untracked]));
    model.toggle(0);
    model.toggle(3);
    expect([model.picked.size, model.pickedRuns]).toEqual([2, [first.run_id]]);
    model.toggle(0);
    model.pickBest(1);
    expect(model.pickedRuns).toEqual([second.run_id]);
    model.clearPicked();
    expect(model.picked.size).toBe(0);
  });
});
