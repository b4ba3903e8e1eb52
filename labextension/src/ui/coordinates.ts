import { Axis, RunLine } from '../api/types';
import { formatNumber, formatValue } from './format';

/** The part of an axis that lines have to pass, from 0 (bottom) to 1. */
export type Range = readonly [number, number];

/** A mark on an axis: where, and what stands there. */
export interface Tick {
  position: number;
  label: string;
}

const TICKS = 5;

/** Numbers at even distances, or every category. */
export function ticksOf(axis: Axis): Tick[] {
  const { scale, domain } = axis;
  if (scale === 'category') {
    const last = domain.length - 1;
    return domain.map((value, i) => ({
      position: last > 0 ? i / last : 0.5,
      label: formatValue(value)
    }));
  }
  const [low, high] = domain.map(Number);
  return Array.from({ length: TICKS }, (_, i) => {
    const position = i / (TICKS - 1);
    return { position, label: formatNumber(valueAt(axis, low, high, position), 3) };
  });
}

function valueAt({ scale }: Axis, low: number, high: number, position: number): number {
  return scale === 'log'
    ? Math.exp(Math.log(low) + position * (Math.log(high) - Math.log(low)))
    : low + position * (high - low);
}

/** The runs whose lines pass all ranges; null where there is none. */
export function passing(
  lines: readonly RunLine[],
  ranges: ReadonlyMap<number, Range>
): string[] | null {
  if (ranges.size === 0) {
    return null;
  }
  const passes = (line: RunLine) =>
    [...ranges].every(([axis, [low, high]]) => {
      const position = line.positions[axis];
      return position !== null && Number(position) >= low && Number(position) <= high;
    });
  return lines.filter(passes).map(line => line.run_id);
}

/** The order after moving what stands at one place to another. */
export function moved<T>(order: readonly T[], from: number, to: number): T[] {
  const rest = order.filter((_, i) => i !== from);
  const place = Math.max(0, Math.min(rest.length, to));
  return [...rest.slice(0, place), order[from], ...rest.slice(place)];
}

/** The parts of a line between axes that it has a value on: a gap is left where it has none. */
export function segments(
  line: RunLine,
  order: readonly number[]
): { place: number; position: number }[][] {
  const found: { place: number; position: number }[][] = [[]];
  order.forEach((axis, place) => {
    const position = line.positions[axis];
    if (position === null || position === undefined) {
      found.push([]);
    } else {
      found[found.length - 1].push({ place, position: Number(position) });
    }
  });
  return found.filter(part => part.length > 0);
}

/** `metrics.train/loss` without its group. */
export function nameOf(axis: Axis): string {
  return axis.key.replace(/^(params|metrics|tags)\./, '');
}
