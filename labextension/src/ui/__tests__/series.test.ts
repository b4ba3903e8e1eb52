import { describe, expect, it } from 'vitest';
import { History, NumberValue } from '../../api/types';
import { drawn, groupOf, Line, PLAIN, smoothed } from '../series';

function aLine(key: string, steps: (number | null)[], values: NumberValue[]): Line {
  const times = values.map((_, i) => 100 + i * 2.5);
  const history: History = { run_id: key, name: 'loss', steps, times, values };
  return { key, label: key, history, color: 0 };
}

describe('a line', () => {
  it('has gaps where a value is not finite', () => {
    const { data, axis } = drawn([aLine('a', [0, 1, 2], [1, 'NaN', 3])], PLAIN);
    expect([data, axis]).toEqual([
      [
        [0, 1, 2],
        [1, null, 3]
      ],
      'step'
    ]);
  });

  it('runs over seconds where a point has no step', () => {
    const { data, axis } = drawn([aLine('a', [0, null], [1, 2])], PLAIN);
    expect([data[0], axis]).toEqual([[0, 2.5], 'seconds']);
  });

  it('runs over seconds where that was asked for', () => {
    const { data } = drawn([aLine('a', [7, 8], [1, 2])], { ...PLAIN, against: 'time' });
    expect(data[0]).toEqual([0, 2.5]);
  });

  it('puts the steps of several writers in order', () => {
    expect(drawn([aLine('a', [0, 2, 1], [10, 30, 20])], PLAIN).data).toEqual([
      [0, 1, 2],
      [10, 20, 30]
    ]);
  });

  it('leaves out what a logarithmic axis has no place for', () => {
    const { data } = drawn([aLine('a', [0, 1, 2], [1, 0, -3])], { ...PLAIN, log: true });
    expect(data[1]).toEqual([1, null, null]);
  });
});

describe('lines over each other', () => {
  it('share an axis, and a step that only one has is no gap of the other', () => {
    const { data } = drawn([aLine('a', [0, 2], [1, 3]), aLine('b', [1, 2], [5, 6])], PLAIN);
    expect(data).toEqual([
      [0, 1, 2],
      [1, undefined, 3],
      [undefined, 5, 6]
    ]);
  });

  it('run over seconds as soon as one of them has no steps', () => {
    expect(drawn([aLine('a', [0], [1]), aLine('b', [null], [1])], PLAIN).axis).toBe('seconds');
  });

  it('stand faint behind their averages when they are smoothed', () => {
    const { columns, data } = drawn([aLine('a', [0, 1], [0, 1])], { ...PLAIN, smoothing: 0.5 });
    expect(columns.map(column => column.faint)).toEqual([true, false]);
    expect(data[2]).toEqual([0, 2 / 3]);
  });
});

it('an average begins at the first value and keeps gaps', () => {
  expect(smoothed([4, null, 4], 0.9)).toEqual([4, null, 4]);
});

it.each([
  ['loss', ''],
  ['train/loss', 'train'],
  ['a/b/c', 'a/b']
])('%s belongs to the group %j', (name, group) => {
  expect(groupOf(name)).toBe(group);
});
