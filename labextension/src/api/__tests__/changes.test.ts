import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Change } from '../changes';
import { FakeStream } from './fakes';

describe('changes', () => {
  let heard: Change[];
  let fake: FakeStream;

  beforeEach(() => {
    vi.useFakeTimers();
    fake = new FakeStream();
    heard = [];
    fake.changes.changed.connect((_, change) => heard.push(change));
  });

  afterEach(() => {
    fake.changes.dispose();
    vi.useRealTimers();
  });

  it('pass on events of our schema only', () => {
    fake.say('runs', ['a']);
    fake.say('runs', ['b'], 'https://other/schema');
    fake.say('unheard-of', ['c']);
    expect(heard).toEqual([{ kind: 'runs', ids: ['a'] }]);
  });

  it('say that anything may have changed after a focus, but not twice in a burst', () => {
    window.dispatchEvent(new Event('focus'));
    window.dispatchEvent(new Event('focus'));
    expect(heard.map(change => change.kind)).toEqual([
      'runs',
      'jobs',
      'sweeps',
      'schedules',
      'datasets',
      'models',
      'features'
    ]);
    expect(heard.every(change => change.ids === null)).toBe(true);
  });

  it('say so again when the network is back and by the clock', () => {
    window.dispatchEvent(new Event('online'));
    expect(heard).toHaveLength(7);
    vi.advanceTimersByTime(30_000);
    expect(heard).toHaveLength(14);
  });

  it('are silent once disposed', () => {
    fake.changes.dispose();
    fake.say('runs', ['a']);
    window.dispatchEvent(new Event('focus'));
    vi.advanceTimersByTime(60_000);
    expect(heard).toEqual([]);
  });
});
