import { describe, expect, it } from 'vitest';
import { aGate } from '../../../api/__tests__/registryFakes';
import { Gate } from '../../../api/types';
import { gateInWords } from '../../../ui/gates';
import { betterOf, verdictOf } from '../metrics';

describe('which way a metric gets better', () => {
  it.each([
    ['val_loss', 'lower'],
    ['rmse', 'lower'],
    ['accuracy', 'higher'],
    ['val/f1', 'higher'],
    ['mean_average', null],
    ['glossary', null],
    ['epochs', null]
  ])('%s: %s', (metric, way) => {
    expect(betterOf(metric, [])).toBe(way);
  });

  it('is what a gate says, whatever the name', () => {
    expect(betterOf('epochs', [aGate({ kind: 'better', metric: 'epochs' })])).toBe('higher');
    const atMost = aGate({ metric: 'accuracy', minimum: null, maximum: 3 });
    expect(betterOf('accuracy', [atMost])).toBe('lower');
    expect(betterOf('epochs', [aGate({ metric: 'epochs', minimum: 1, maximum: 3 })])).toBeNull();
  });
});

describe('a change of a metric', () => {
  it.each([
    ['accuracy', 0.9, 0.95, 'better'],
    ['accuracy', 0.9, 0.85, 'worse'],
    ['loss', 0.3, 0.2, 'better'],
    ['loss', 0.3, 0.3, 'same'],
    ['epochs', 1, 2, null],
    ['loss', undefined, 0.3, null],
    ['loss', 0.3, 'NaN', null]
  ] as const)('of %s from %s to %s is %s', (metric, before, after, verdict) => {
    expect(verdictOf(metric, before, after, [])).toBe(verdict);
  });
});

describe('a gate in words', () => {
  const GATES: [Partial<Gate>, string][] = [
    [{}, 'acc at least 0.9'],
    [{ maximum: 0.99 }, 'acc at least 0.9 and at most 0.99'],
    [
      { kind: 'better', lower_is_better: true, by: 0.1 },
      'acc lower by 0.1 than the present holder’s, on the same data'
    ],
    [
      { kind: 'better', dataset: 'test' },
      'acc higher than the present holder’s, on the same version of test'
    ],
    [{ kind: 'expectations' }, 'the expectations of all data that it was trained on hold'],
    [{ kind: 'expectations', dataset: 'digits' }, 'the expectations of digits hold'],
    [{ kind: 'approval' }, 'one other approves, at least approver'],
    [{ kind: 'approval', approvals: 2, role: 'admin' }, '2 others approve, at least admin']
  ];

  it.each(GATES)('%j', (gate, words) => {
    expect(gateInWords(aGate(gate))).toBe(words);
  });
});
