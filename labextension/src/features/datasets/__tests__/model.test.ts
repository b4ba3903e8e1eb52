import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { FakeStream } from '../../../api/__tests__/fakes';
import {
  accessOf,
  aDataset,
  aDatasetVersion,
  aDiff,
  aProfile,
  registryThat
} from '../../../api/__tests__/registryFakes';
import { RegistryClient } from '../../../api/registryClient';
import { RequestError } from '../../../api/request';
import { Expectation } from '../../../api/types';
import { DatasetModel, PENDING_MS } from '../model';

const DATASET = aDataset([aDatasetVersion(2), aDatasetVersion(1)]);
const EXPECTED = { name: 'rows', check: 'rows' } as Expectation;

async function aPage(answers: Partial<RegistryClient> = {}) {
  const client = {
    dataset: vi.fn(async () => DATASET),
    lineage: vi.fn(async () => null as never),
    expectations: vi.fn(async () => [] as Expectation[]),
    profile: vi.fn(async () => aProfile()),
    report: vi.fn(async () => null),
    diff: vi.fn(async () => aDiff()),
    ...answers
  };
  const stream = new FakeStream();
  const model = new DatasetModel(
    'digits',
    registryThat(client),
    stream.changes,
    await accessOf('admin')
  );
  await model.refresh();
  await vi.advanceTimersByTimeAsync(0);
  return { client, model, stream };
}

describe('a dataset in view', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it('asks for the profile of a content once, however often the list is read', async () => {
    const profile = vi.fn(async () => aProfile());
    const { model } = await aPage({ profile });
    await model.refresh();
    await model.select(1);
    await model.select(1);
    expect(profile.mock.calls).toEqual([
      ['digits', 2],
      ['digits', 1]
    ]);
  });

  it('asks again for a profile that is pending, until it is there', async () => {
    const profile = vi
      .fn()
      .mockResolvedValueOnce(aProfile({ status: 'pending' }))
      .mockResolvedValueOnce(aProfile({ status: 'pending' }))
      .mockResolvedValue(aProfile());
    const { model } = await aPage({ profile });
    await vi.advanceTimersByTimeAsync(PENDING_MS);
    expect(model.profile.data?.status).toBe('pending');
    await vi.advanceTimersByTimeAsync(10 * PENDING_MS);
    expect([model.profile.data?.status, profile.mock.calls.length]).toEqual(['ready', 3]);
  });

  it('asks no more once its page is closed', async () => {
    const profile = vi.fn(async () => aProfile({ status: 'pending' }));
    const { model } = await aPage({ profile });
    model.dispose();
    await vi.advanceTimersByTimeAsync(10 * PENDING_MS);
    expect(profile).toHaveBeenCalledTimes(1);
  });

  it('compares with another version, and forgets that with the version', async () => {
    const { client, model } = await aPage();
    expect(model.bases).toEqual([1]);
    await model.compare(1, ['id']);
    expect(client.diff).toHaveBeenCalledWith('digits', 1, 2, ['id']);
    expect(model.diff.data).toEqual(aDiff());
    await model.select(1);
    expect([model.diff.data, model.base, model.keys, model.bases]).toEqual([null, null, [], [2]]);
  });

  it('reads the last check only where something is expected', async () => {
    const none = await aPage();
    expect(none.client.report).not.toHaveBeenCalled();
    const some = await aPage({ expectations: vi.fn(async () => [EXPECTED]) });
    expect(some.client.report).toHaveBeenCalledWith('digits', 2);
  });

  it('shows the version of an alias', async () => {
    const aliased = aDataset(DATASET.versions, { aliases: { prod: 1 } });
    const { model } = await aPage({ dataset: vi.fn(async () => aliased) });
    await model.selectAlias('prod');
    expect(model.selected?.version).toBe(1);
  });

  it('keeps why a change was refused, and tells others of one that was not', async () => {
    const refused = new RequestError('forbidden', 'ada may not.', 403);
    const editDataset = vi.fn().mockRejectedValueOnce(refused).mockResolvedValue(DATASET);
    const { model, stream } = await aPage({ editDataset });
    const told = vi.fn();
    stream.changes.changed.connect((_, change) => told(change));
    expect(await model.describe(null, { owner: 'ada' })).toBe(false);
    expect([model.editError, told.mock.calls]).toEqual([refused, []]);
    expect(await model.describe(2, { owner: 'ada' })).toBe(true);
    expect(model.editError).toBeNull();
    expect(told).toHaveBeenCalledWith({ kind: 'datasets', ids: ['digits'] });
  });
});
