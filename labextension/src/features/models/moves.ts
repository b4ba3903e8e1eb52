import { Move } from '../../api/types';

/**
 * Where rolling an alias back leads to; null where it has been at no other version.
 *
 * As the server has it: the moves, newest first, are a stack, from which a rollback takes what it undid.
 */
export function rollbackTarget(moves: readonly Move[]): number | null {
  const stack: (number | null)[] = [];
  for (const move of [...moves].reverse()) {
    const place = stack.lastIndexOf(move.after);
    if (move.rollback && place !== -1) {
      stack.splice(place + 1);
    } else {
      stack.push(move.after);
    }
  }
  const present = stack[stack.length - 1];
  const earlier = stack.filter(version => version !== null && version !== present);
  return earlier.length ? earlier[earlier.length - 1] : null;
}
