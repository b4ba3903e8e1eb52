import {
  Axis,
  Distribution,
  Goal,
  History,
  NumberValue,
  ParallelCoordinates,
  RunLine,
  Sweep,
  SweepDetail,
  Trial,
  TrialStatus
} from '../../api/types';
import { formatNumber, formatValue } from '../../ui/format';
import { Line } from '../../ui/series';

/** By which column trials are ordered: `trial`, `status`, `value`, `duration` or `params.NAME`. */
export interface Order {
  key: string;
  descending: boolean;
}

const OPEN: readonly TrialStatus[] = ['queued', 'running'];

/** In which order statuses are counted. */
export const STATUSES: readonly TrialStatus[] = [
  'finished',
  'pruned',
  'failed',
  'cancelled',
  'running',
  'queued'
];

export function isOpen(trial: Trial): boolean {
  return OPEN.includes(trial.status);
}

/** How many trials have ended, however they did. */
export function endedCount(sweep: Sweep): number {
  return STATUSES.filter(status => !OPEN.includes(status)).reduce(
    (sum, status) => sum + (sweep.counts[status] ?? 0),
    0
  );
}

/** How many trials have not been made yet. */
export function toCome(sweep: Sweep): number {
  const made = STATUSES.reduce((sum, status) => sum + (sweep.counts[status] ?? 0), 0);
  return sweep.status === 'running' && !sweep.cancel_requested
    ? Math.max(0, sweep.spec.trials - made)
    : 0;
}

export function isBetter(value: number, than: number, goal: Goal): boolean {
  return goal.direction === 'minimize' ? value < than : value > than;
}

/** A trial's value as a finite number; null where it has none. */
export function valueOf(trial: Trial): number | null {
  const value = trial.value === null ? NaN : Number(trial.value);
  return Number.isFinite(value) ? value : null;
}

/** `uniform 0 – 1`, `log 1e-5 – 0.1`, `a, b`. */
export function distributionText(distribution: Distribution): string {
  const { kind, low, high, step, choices } = distribution;
  if (kind === 'choice') {
    return choices.map(formatValue).join(', ');
  }
  const range = `${formatNumber(low)} – ${formatNumber(high)}`;
  const steps = step !== null && Number(step) !== 1 ? ` by ${formatNumber(step)}` : '';
  const kinds: Record<string, string> = {
    loguniform: 'log ',
    logint: 'log, whole ',
    int: 'whole '
  };
  return `${kinds[kind] ?? ''}${range}${steps}`;
}

/** The values of a column by which trials are ordered. */
function keyOf(trial: Trial, key: string): unknown {
  switch (key) {
    case 'trial':
      return trial.number;
    case 'status':
      return STATUSES.indexOf(trial.status);
    case 'value':
      return valueOf(trial);
    case 'duration':
      return trial.started_at === null
        ? null
        : (trial.ended_at ?? Date.now() / 1000) - trial.started_at;
    default:
      return trial.params[key.slice('params.'.length)] ?? null;
  }
}

/** Trials in this order; what has no such value comes last, equals by their numbers. */
export function ordered(trials: readonly Trial[], { key, descending }: Order): Trial[] {
  const keyed = trials.map(trial => ({ trial, value: keyOf(trial, key) }));
  return keyed
    .sort((a, b) => {
      if (a.value === null || b.value === null) {
        return Number(a.value === null) - Number(b.value === null);
      }
      const difference = compared(a.value, b.value);
      return (descending ? -difference : difference) || a.trial.number - b.trial.number;
    })
    .map(({ trial }) => trial);
}

function compared(a: unknown, b: unknown): number {
  return typeof a === 'number' && typeof b === 'number'
    ? a - b
    : formatValue(a).localeCompare(formatValue(b), undefined, { numeric: true });
}

/** Trials whose values are told by the goal, the best first. */
export function ranked(detail: SweepDetail): Trial[] {
  const { goal } = detail.sweep.spec;
  return ordered(
    detail.trials.filter(trial => trial.status === 'finished' && valueOf(trial) !== null),
    { key: 'value', descending: goal?.direction !== 'minimize' }
  );
}

/** The value of each trial, and the best one so far. */
export function optimisation(detail: SweepDetail): Line[] {
  const { goal } = detail.sweep.spec;
  if (!goal) {
    return [];
  }
  const of = (status: TrialStatus) => detail.trials.filter(trial => trial.status === status);
  const points = (label: string, trials: Trial[], color: number): Line => ({
    key: label,
    label,
    history: series(goal.metric, trials),
    color,
    look: { as: 'points' }
  });
  const best = bestSoFar(of('finished'), goal);
  return [
    { key: 'best', label: 'best so far', history: best, color: 1, look: { as: 'steps' as const } },
    points('finished', of('finished'), 0),
    points('pruned at', of('pruned'), 7)
  ].filter(line => line.history.values.length > 0);
}

function series(name: string, trials: readonly Trial[]): History {
  const valued = trials.filter(trial => valueOf(trial) !== null);
  return {
    run_id: '',
    name,
    steps: valued.map(trial => trial.number),
    times: valued.map(trial => trial.ended_at ?? 0),
    values: valued.map(valueOf) as number[]
  };
}

/** The best value among the trials up to each. */
export function bestSoFar(trials: readonly Trial[], goal: Goal): History {
  const history = series(goal.metric, trials);
  let best: number | null = null;
  const values = history.values.map(value => {
    best = best === null || isBetter(Number(value), best, goal) ? Number(value) : best;
    return best;
  });
  return { ...history, values };
}

/** Finished trials over the axes of what was searched and of the goal. A line's `run_id` is its number. */
export function coordinates(detail: SweepDetail): ParallelCoordinates {
  const { goal, space } = detail.sweep.spec;
  const trials = ranked(detail);
  if (!goal || trials.length === 0) {
    return { axes: [], lines: [] };
  }
  const names = Object.keys(space);
  const values = trials.map(trial => valueOf(trial)!);
  const axes: Axis[] = [
    ...names.map(name => axisOf(name, space[name])),
    {
      key: `metrics.${goal.metric}`,
      scale: 'linear',
      domain: [Math.min(...values), Math.max(...values)]
    }
  ];
  const lines = trials.map((trial): RunLine => {
    const own = [...names.map(name => trial.params[name] ?? null), valueOf(trial)];
    return {
      run_id: String(trial.number),
      name: `trial ${trial.number}`,
      status: trial.status,
      values: own,
      positions: own.map((value, i) => positionOf(axes[i], value))
    };
  });
  return { axes, lines };
}

function axisOf(name: string, distribution: Distribution): Axis {
  const key = `params.${name}`;
  if (distribution.kind === 'choice') {
    const numbers = distribution.choices.every(each => typeof each === 'number');
    const domain = [...distribution.choices];
    return { key, scale: 'category', domain: numbers ? domain.sort(compared) : domain };
  }
  const domain = [Number(distribution.low), Number(distribution.high)];
  return { key, scale: distribution.kind.startsWith('log') ? 'log' : 'linear', domain };
}

function positionOf({ scale, domain }: Axis, value: unknown): NumberValue | null {
  if (value === null) {
    return null;
  }
  if (scale === 'category') {
    const place = domain.findIndex(each => formatValue(each) === formatValue(value));
    return place < 0 ? null : domain.length > 1 ? place / (domain.length - 1) : 0.5;
  }
  const on = (each: unknown) => (scale === 'log' ? Math.log(Number(each)) : Number(each));
  const [low, high] = domain.map(on);
  const position = high > low ? (on(value) - low) / (high - low) : 0.5;
  return Number.isFinite(position) ? Math.max(0, Math.min(1, position)) : null;
}
