import { Client } from '../../api/client';
import { Changes } from '../../api/changes';
import { Resource } from '../../api/resource';
import {
  Comparison,
  FigureTable,
  History,
  ParallelCoordinates,
  Run,
  RunTable
} from '../../api/types';

const MOST_POINTS = 500;
const CHARTS_AT_FIRST = 12;
/** Figures of more runs than this do not fit beside each other. */
const MOST_FIGURED = 12;

export interface Compared {
  table: RunTable;
  /** Where they are two. */
  pair: Comparison | null;
  /** Where they are more than two. */
  coordinates: ParallelCoordinates | null;
}

/** Runs side by side; read again when one of them changes. */
export class ComparisonModel extends Resource<Compared> {
  constructor(
    readonly ids: readonly string[],
    private _client: Client,
    changes: Changes
  ) {
    super();
    this.follow(changes, 'runs', id => ids.includes(id));
  }

  /** The points of each metric, a history a run that has it. */
  histories: ReadonlyMap<string, History[]> = new Map();
  figures: FigureTable | null = null;
  /** Runs whose lines are not drawn. */
  hidden: ReadonlySet<string> = new Set();
  /** The run that is pointed at. */
  focus: string | null = null;

  /** A run's place in the order, by which it has its colour. */
  placeOf(id: string): number {
    return this.runs.findIndex(run => run.id === id);
  }

  get runs(): readonly Run[] {
    return this.data?.table.runs ?? [];
  }

  /** Metrics of which some run has more than one point. */
  get chartable(): string[] {
    const names = this.runs.flatMap(run =>
      Object.entries(run.metrics)
        .filter(([, summary]) => summary.count > 1)
        .map(([name]) => name)
    );
    return [...new Set(names)];
  }

  /** Those of them that are drawn. */
  get charts(): string[] {
    return this.chartable.slice(0, this._charts);
  }

  showMoreCharts(): void {
    this._charts *= 2;
    void this._loadHistories(this.runs).then(() => this.notify());
  }

  toggle(id: string): void {
    const hidden = new Set(this.hidden);
    if (!hidden.delete(id)) {
      hidden.add(id);
    }
    this.hidden = hidden;
    this.notify();
  }

  /** Show these runs' lines only; all of them for null. */
  showOnly(ids: readonly string[] | null): void {
    const shown = new Set(ids ?? this.ids);
    this.hidden = new Set(this.runs.map(run => run.id).filter(id => !shown.has(id)));
    this.notify();
  }

  pointAt(id: string | null): void {
    if (id !== this.focus) {
      this.focus = id;
      this.notify();
    }
  }

  protected restMs = (tookMs: number): number => {
    const running = this.runs.some(run => run.status === 'running');
    return running ? Math.max(1_000, 3 * tookMs) : 0;
  };

  protected async load(): Promise<Compared> {
    const { ids, _client: client } = this;
    const [table, pair, coordinates] = await Promise.all([
      client.compareTable(ids),
      ids.length === 2 ? client.compare(ids[0], ids[1]) : null,
      ids.length > 2 ? client.parallel({ run: ids }) : null
    ]);
    this.data = { table, pair, coordinates }; // its metrics say which histories there are
    await Promise.all([this._loadHistories(table.runs), this._loadFigures()]);
    return this.data;
  }

  private async _loadHistories(runs: readonly Run[]): Promise<void> {
    const counts = (name: string) => JSON.stringify(runs.map(run => run.metrics[name]?.count));
    const grown = this.charts.filter(name => this._counts.get(name) !== counts(name));
    if (grown.length === 0) {
      return;
    }
    const found = await this._client.histories(
      runs.map(run => run.id),
      grown,
      MOST_POINTS
    );
    const histories = new Map(this.histories);
    for (const name of grown) {
      histories.set(
        name,
        found.filter(history => history.name === name)
      );
      this._counts.set(name, counts(name));
    }
    this.histories = histories;
  }

  /** The page shows without them when they cannot be had. */
  private async _loadFigures(): Promise<void> {
    const key = this.runs.map(run => run.status).join(' ');
    if (this.ids.length > MOST_FIGURED || key === this._figuresKey) {
      return;
    }
    try {
      this.figures = await this._client.compareFigures(this.ids);
      this._figuresKey = key;
    } catch {
      this.figures = null;
    }
  }

  private _charts = CHARTS_AT_FIRST;
  private _counts = new Map<string, string>();
  private _figuresKey = '';
}
