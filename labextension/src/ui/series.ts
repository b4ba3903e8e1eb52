import uPlot from 'uplot';
import { History } from '../api/types';

/** What the horizontal axis counts; `time` is seconds since the first point. */
export type Against = 'step' | 'time';

export interface ChartSettings {
  against: Against;
  /** A logarithmic vertical axis; values that are not positive are left out. */
  log: boolean;
  /** 0 draws the points as they are, towards 1 an ever longer moving average. */
  smoothing: number;
}

export const PLAIN: ChartSettings = { against: 'step', log: false, smoothing: 0 };

/** How a line is drawn where it is not a plain one. */
export interface Look {
  /** `line` has no points, `points` no line between them; `steps` keeps a value until the next. */
  as?: 'line' | 'points' | 'steps';
  width?: number;
  alpha?: number;
  dashed?: boolean;
}

/** One line of a chart. `color` is the place in the theme's colours for lines. */
export interface Line {
  key: string;
  label: string;
  history: History;
  color: number;
  look?: Look;
}

/** What a chart draws: columns for uPlot, and what they are. */
export interface Drawn {
  data: uPlot.AlignedData;
  /** For each column after the first: its line, and whether it stands faint behind its average. */
  columns: { line: Line; faint: boolean }[];
  axis: 'step' | 'seconds';
}

/** Lines over one axis: the step where every point of every line has one, else seconds. */
export function drawn(lines: readonly Line[], settings: ChartSettings): Drawn {
  const stepped = settings.against === 'step' && lines.every(({ history }) => hasSteps(history));
  const tables: uPlot.AlignedData[] = [];
  const columns: Drawn['columns'] = [];
  for (const line of lines) {
    const [x, y] = points(line.history, stepped, settings.log);
    if (settings.smoothing > 0) {
      tables.push([x, y], [x, smoothed(y, settings.smoothing)]);
      columns.push({ line, faint: true }, { line, faint: false });
    } else {
      tables.push([x, y]);
      columns.push({ line, faint: false });
    }
  }
  const data = tables.length === 1 ? tables[0] : tables.length ? uPlot.join(tables) : [[]];
  return { data: data as uPlot.AlignedData, columns, axis: stepped ? 'step' : 'seconds' };
}

function hasSteps(history: History): boolean {
  return history.steps.length > 0 && history.steps.every(step => step !== null);
}

/** Finite numbers in ascending order of x; null where a value is none, which leaves a gap. */
function points(history: History, stepped: boolean, log: boolean): [number[], (number | null)[]] {
  const x = stepped
    ? (history.steps as number[])
    : history.times.map(time => time - history.times[0]);
  const y = history.values.map(value => {
    const number = Number(value);
    return Number.isFinite(number) && !(log && number <= 0) ? number : null;
  });
  if (x.every((value, i) => i === 0 || x[i - 1] <= value)) {
    return [x, y];
  }
  // several writers may have logged the same steps
  const order = x.map((_, i) => i).sort((a, b) => x[a] - x[b]);
  return [order.map(i => x[i]), order.map(i => y[i])];
}

/** An exponential moving average without the pull towards 0 at its beginning (as in Adam, 2014). */
export function smoothed(values: readonly (number | null)[], weight: number): (number | null)[] {
  let [sum, count] = [0, 0];
  return values.map(value => {
    if (value === null) {
      return null;
    }
    sum = sum * weight + (1 - weight) * value;
    count += 1;
    return sum / (1 - weight ** count);
  });
}

/** A name's part before the last `/`, by which charts are grouped. */
export function groupOf(name: string): string {
  const end = name.lastIndexOf('/');
  return end > 0 ? name.slice(0, end) : '';
}
