import { describe, expect, it } from 'vitest';
import { Move } from '../../../api/types';
import { rollbackTarget } from '../moves';

/** Moves, newest first, of an alias that went to these versions in turn; `<2` is a rollback to 2. */
function movesTo(...places: (number | null | `<${number}`)[]): Move[] {
  return places
    .map(place => ({
      after: typeof place === 'string' ? Number(place.slice(1)) : place,
      rollback: typeof place === 'string'
    }))
    .reverse() as Move[];
}

describe('where rolling back leads to', () => {
  it.each([
    [movesTo(), null],
    [movesTo(1), null],
    [movesTo(1, 2), 1],
    [movesTo(1, 2, '<1'), null],
    [movesTo(1, 2, 3, '<2'), 1],
    [movesTo(1, 2, '<1', 3), 1],
    [movesTo(1, null, 2), 1],
    [movesTo(1, 2, null), 2]
  ])('%j: %s', (moves, target) => {
    expect(rollbackTarget(moves)).toBe(target);
  });
});
