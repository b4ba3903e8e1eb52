import { afterEach, describe, expect, it, vi } from 'vitest';
import { RequestError } from '../request';
import { Resource, RETRY_MS } from '../resource';
import { FakeStream, Later } from './fakes';

class Numbers extends Resource<number> {
  readonly asked: Later<number>[] = [];

  protected load(): Promise<number> {
    const later = new Later<number>();
    this.asked.push(later);
    return later.promise;
  }
}

async function settle(): Promise<void> {
  await new Promise(resolve => setTimeout(resolve, 0));
}

afterEach(() => {
  vi.useRealTimers();
});

describe('a resource', () => {
  it('never asks twice at once: changes meanwhile cause exactly one more request', async () => {
    const numbers = new Numbers();
    const done = numbers.refresh();
    void numbers.refresh();
    void numbers.refresh();
    expect(numbers.asked).toHaveLength(1);
    numbers.asked[0].resolve(1);
    await settle();
    expect(numbers.asked).toHaveLength(2);
    numbers.asked[1].resolve(2);
    await done;
    expect([numbers.data, numbers.loading, numbers.asked.length]).toEqual([2, false, 2]);
  });

  it('keeps its data beside the error of a later request', async () => {
    const numbers = new Numbers();
    const first = numbers.refresh();
    numbers.asked[0].resolve(1);
    await first;
    const second = numbers.refresh();
    numbers.asked[1].reject(new RequestError('unavailable', 'busy', 503));
    await second;
    expect([numbers.data, numbers.error?.code]).toEqual([1, 'unavailable']);
  });

  it('asks a server that did not answer again, until it does or nobody wants to know', async () => {
    vi.useFakeTimers();
    const numbers = new Numbers();
    const fail = () => {
      numbers.asked[numbers.asked.length - 1].reject(new RequestError('unreachable', 'down'));
      return vi.advanceTimersByTimeAsync(RETRY_MS);
    };
    void numbers.refresh();
    await fail();
    await fail();
    expect(numbers.asked).toHaveLength(3);
    numbers.asked[2].resolve(7);
    await vi.advanceTimersByTimeAsync(2 * RETRY_MS);
    expect([numbers.data, numbers.error, numbers.asked.length]).toEqual([7, null, 3]);
    void numbers.refresh();
    numbers.dispose();
    await fail();
    expect(numbers.asked).toHaveLength(4);
  });

  it('follows only changes that concern it, and those that may', () => {
    const { changes } = new FakeStream();
    const numbers = new Numbers().follow(changes, 'runs', id => id === 'mine');
    changes.announce('jobs', ['mine']);
    changes.announce('runs', ['other']);
    expect(numbers.asked).toHaveLength(0);
    changes.announce('runs', ['other', 'mine']);
    expect(numbers.asked).toHaveLength(1);
    numbers.dispose();
    changes.announce('runs', null);
    expect(numbers.asked).toHaveLength(1);
  });
});
