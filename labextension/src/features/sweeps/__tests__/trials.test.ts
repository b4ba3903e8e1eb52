import { describe, expect, it } from 'vitest';
import {
  bestSoFar,
  coordinates,
  distributionText,
  endedCount,
  optimisation,
  ordered,
  toCome
} from '../trials';
import { aDetail, aSweepSpec, aTrial } from './aSweep';

const trials = [
  aTrial(0, { value: 0.8, params: { lr: 0.01, model: 'tree' } }),
  aTrial(1, { value: 0.3, status: 'pruned', params: { lr: 1, model: 'svm' } }),
  aTrial(2, { value: 0.7, params: { lr: 1e-4, model: 'svm' } }),
  aTrial(3, { value: 0.9, params: { lr: 1, model: 'svm' } }),
  aTrial(4, { status: 'failed', ended_at: 1003 }),
  aTrial(5, { status: 'running', ended_at: null, value: 0.95 })
];
const detail = aDetail(trials);

describe('trials', () => {
  it.each([
    ['value', true, [5, 3, 0, 2, 1, 4]],
    ['value', false, [1, 2, 0, 3, 5, 4]],
    ['trial', true, [5, 4, 3, 2, 1, 0]],
    ['params.model', false, [1, 2, 3, 4, 5, 0]],
    ['params.lr', true, [1, 3, 4, 5, 0, 2]],
    ['status', false, [0, 2, 3, 1, 4, 5]]
  ])('are ordered by %s, and those without it come last', (key, descending, numbers) => {
    expect(ordered(trials, { key, descending }).map(({ number }) => number)).toEqual(numbers);
  });

  it('are counted as ended, going on, and to come', () => {
    expect([endedCount(detail.sweep), toCome(detail.sweep)]).toEqual([5, 4]);
    const cancelled = aDetail(trials, { cancel_requested: true });
    expect(toCome(cancelled.sweep)).toBe(0);
  });

  it('are numbers only where they are finite', () => {
    const made = [aTrial(0, { value: 'NaN' }), aTrial(1, { value: 0.5 })];
    expect(ordered(made, { key: 'value', descending: true }).map(each => each.number)).toEqual([
      1, 0
    ]);
  });
});

describe('the optimisation', () => {
  it('has a value for each trial, and the best of the finished ones so far', () => {
    const lines = optimisation(detail).map(({ label, history }) => [
      label,
      history.steps,
      history.values
    ]);
    expect(lines).toEqual([
      ['best so far', [0, 2, 3], [0.8, 0.8, 0.9]],
      ['finished', [0, 2, 3], [0.8, 0.7, 0.9]],
      ['pruned at', [1], [0.3]]
    ]);
  });

  it('knows the least as the best where that is the goal', () => {
    const finished = trials.filter(({ status }) => status === 'finished');
    const history = bestSoFar(finished, { metric: 'loss', direction: 'minimize' });
    expect(history.values).toEqual([0.8, 0.7, 0.7]);
  });

  it('is not there without a goal', () => {
    expect(optimisation(aDetail(trials, { spec: aSweepSpec({ goal: null }) }))).toEqual([]);
  });
});

describe('parallel coordinates', () => {
  it('have an axis for each param as it was searched, and the goal’s metric last', () => {
    const { axes, lines } = coordinates(detail);
    expect(axes).toEqual([
      { key: 'params.lr', scale: 'log', domain: [1e-4, 1] },
      { key: 'params.model', scale: 'category', domain: ['svm', 'tree'] },
      { key: 'metrics.acc', scale: 'linear', domain: [0.7, 0.9] }
    ]);
    expect(lines.map(({ run_id, positions }) => [run_id, positions.map(rounded)])).toEqual([
      ['3', [1, 0, 1]],
      ['0', [0.5, 1, 0.5]],
      ['2', [0, 0, 0]]
    ]);
  });

  it('have numbers that are choices in their order', () => {
    const space = { n: { kind: 'choice', low: null, high: null, step: null, choices: [10, 2, 5] } };
    const made = aDetail([aTrial(0, { value: 1, params: { n: 5 } })], {
      spec: aSweepSpec({ space })
    });
    expect(coordinates(made).axes[0].domain).toEqual([2, 5, 10]);
    expect(coordinates(made).lines[0].positions[0]).toBe(0.5);
  });

  function rounded(position: unknown): number {
    return Math.round(Number(position) * 1000) / 1000;
  }
});

describe('a distribution', () => {
  it.each([
    [{ kind: 'uniform', low: 0, high: 1, step: null, choices: [] }, '0 – 1'],
    [{ kind: 'loguniform', low: 1e-5, high: 0.1, step: null, choices: [] }, 'log 1e-5 – 0.1'],
    [{ kind: 'int', low: 1, high: 8, step: 1, choices: [] }, 'whole 1 – 8'],
    [{ kind: 'int', low: 16, high: 64, step: 16, choices: [] }, 'whole 16 – 64 by 16'],
    [{ kind: 'choice', low: null, high: null, step: null, choices: ['a', 2, true] }, 'a, 2, True']
  ])('is told in words', (distribution, words) => {
    expect(distributionText(distribution)).toBe(words);
  });
});
