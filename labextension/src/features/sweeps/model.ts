import { Changes } from '../../api/changes';
import { Client } from '../../api/client';
import { Resource } from '../../api/resource';
import { History, SweepDetail, Trial } from '../../api/types';
import { isOpen, Order, ordered, ranked } from './trials';

const MOST_POINTS = 300;
/** Lines in one chart. */
export const MOST_CURVES = 200;
/** Runs that the comparison takes. */
export const MOST_COMPARED = 100;

/** One sweep with its trials; read again when it, or a job or a run of it, changes. */
export class SweepModel extends Resource<SweepDetail> {
  constructor(
    readonly id: string,
    private _client: Client,
    changes: Changes
  ) {
    super();
    this.follow(changes, 'sweeps', id => id === this.id);
    this.follow(changes, 'jobs', id => this._has(trial => trial.job_id === id));
    this.follow(changes, 'runs', id => this._has(trial => trial.run_id === id));
  }

  /** The goal's metric over the steps of a trial, by its number. */
  curves: ReadonlyMap<number, History> = new Map();
  /** Trials that are picked for a comparison, by their numbers. */
  picked: ReadonlySet<number> = new Set();
  /** The trials that pass what was drawn on the parallel coordinates; null for all. */
  passing: ReadonlySet<number> | null = null;
  /** The trial that is pointed at. */
  focus: number | null = null;

  get trials(): readonly Trial[] {
    return this.data?.trials ?? [];
  }

  get goal() {
    return this.data?.sweep.spec.goal ?? null;
  }

  /** How the table is ordered: the best first, where there is a goal, until the user says otherwise. */
  get order(): Order {
    const best = { key: 'value', descending: this.goal?.direction !== 'minimize' };
    return this._order ?? (this.goal ? best : { key: 'trial', descending: false });
  }

  setOrder(order: Order): void {
    this._order = order;
    this.notify();
  }

  /** The rows of the table. */
  get rows(): Trial[] {
    const { passing } = this;
    const shown = passing ? this.trials.filter(trial => passing.has(trial.number)) : this.trials;
    return ordered(shown, this.order);
  }

  /** The trials whose curves are drawn: all, or those that go on, the best and the newest. */
  get drawn(): Trial[] {
    return this.data ? drawnOf(this.data) : [];
  }

  toggle(number: number): void {
    const picked = new Set(this.picked);
    if (!picked.delete(number)) {
      picked.add(number);
    }
    this._pick(picked);
  }

  pickBest(count: number): void {
    const best = this.data ? ranked(this.data).slice(0, count) : [];
    this._pick(new Set(best.map(trial => trial.number)));
  }

  clearPicked(): void {
    this._pick(new Set());
  }

  /** The runs of the picked trials that have one. */
  get pickedRuns(): string[] {
    return this.trials
      .filter(trial => this.picked.has(trial.number) && trial.run_id !== null)
      .map(trial => trial.run_id!);
  }

  showOnly(numbers: readonly string[] | null): void {
    this.passing = numbers && new Set(numbers.map(Number));
    this.notify();
  }

  pointAt(number: number | null): void {
    if (number !== this.focus) {
      this.focus = number;
      this.notify();
    }
  }

  protected restMs = (tookMs: number): number =>
    this.data?.sweep.status === 'running' ? Math.max(1_000, 3 * tookMs) : 0;

  protected async load(): Promise<SweepDetail> {
    const detail = await this._client.sweep(this.id);
    // the page shows without its curves when they cannot be had; the next change asks again
    await this._loadCurves(detail).catch(() => undefined);
    return detail;
  }

  /** The points of an ended trial do not change any more. */
  private async _loadCurves(detail: SweepDetail): Promise<void> {
    const { goal } = detail.sweep.spec;
    const wanted = drawnOf(detail).filter(trial => isOpen(trial) || !this._whole.has(trial.number));
    if (!goal || wanted.length === 0) {
      return;
    }
    const runs = wanted.map(trial => trial.run_id!);
    const found = await this._client.histories(runs, [goal.metric], MOST_POINTS);
    const curves = new Map(this.curves);
    for (const trial of wanted) {
      const history = found.find(each => each.run_id === trial.run_id);
      if (history) {
        curves.set(trial.number, history);
      }
      if (!isOpen(trial)) {
        this._whole.add(trial.number);
      }
    }
    this.curves = curves;
  }

  private _has(matches: (trial: Trial) => boolean): boolean {
    return this.trials.some(matches);
  }

  private _pick(picked: ReadonlySet<number>): void {
    this.picked = picked;
    this.notify();
  }

  private _order: Order | null = null;
  private _whole = new Set<number>();
}

function drawnOf(detail: SweepDetail): Trial[] {
  const tracked = detail.trials.filter(trial => trial.run_id !== null);
  if (tracked.length <= MOST_CURVES) {
    return tracked;
  }
  const open = tracked.filter(isOpen);
  const best = ranked(detail).filter(trial => trial.run_id !== null);
  const newest = [...tracked].reverse();
  const chosen = new Set([...new Set([...open, ...best, ...newest])].slice(0, MOST_CURVES));
  return tracked.filter(trial => chosen.has(trial));
}
