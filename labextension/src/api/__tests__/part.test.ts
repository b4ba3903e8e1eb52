import { describe, expect, it, vi } from 'vitest';
import { Part } from '../part';
import { RequestError } from '../request';
import { Later } from './fakes';

describe('a part of a page', () => {
  it('drops an answer that a later request has overtaken', async () => {
    const part = new Part<string>(() => undefined);
    const [slow, quick] = [new Later<string>(), new Later<string>()];
    const both = [part.read(() => slow.promise), part.read(() => quick.promise)];
    quick.resolve('new');
    slow.resolve('old');
    await Promise.all(both);
    expect([part.data, part.loading]).toEqual(['new', false]);
  });

  it('tells of an error, and asks the same again', async () => {
    const changed = vi.fn();
    const part = new Part<number>(changed);
    const request = vi.fn().mockRejectedValueOnce(new Error('away')).mockResolvedValue(7);
    await part.read(request);
    expect(part.error).toEqual(new RequestError('error', 'away'));
    await part.refresh();
    expect([part.data, part.error, changed.mock.calls.length]).toEqual([7, null, 2]);
  });

  it('forgets what is under way once it is cleared', async () => {
    const part = new Part<string>(() => undefined);
    const answer = new Later<string>();
    const reading = part.read(() => answer.promise);
    part.clear();
    answer.resolve('late');
    await reading;
    await part.refresh();
    expect(part.data).toBeNull();
  });
});
