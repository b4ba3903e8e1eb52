import { Client, RunEdit } from '../../api/client';
import { Changes } from '../../api/changes';
import { ExecutedCell } from '../../api/replay';
import { RequestError } from '../../api/request';
import { Resource } from '../../api/resource';
import { History, Lineage, MetricSummary, Output, Reproduction, RunDetail } from '../../api/types';

/** So many charts are drawn before somebody asks for more. */
const CHARTS_AT_FIRST = 24;
const MOST_POINTS = 2_000;
/** While a run goes on it is read at most so often, and rests longer than the reading took. */
const SHORTEST_REST_MS = 1_000;
const REST_PER_READING = 2;
const LONGEST_REST_MS = 10_000;

/** Something that is read only when a part of the page is opened. */
export interface Part<T> {
  value?: T;
  error?: RequestError;
}

/** One run with its metric histories and its lineage, followed while it is running. */
export class RunModel extends Resource<RunDetail> {
  constructor(
    readonly id: string,
    private _client: Client,
    private _changes: Changes
  ) {
    super();
    this.follow(_changes, 'runs', id => id === this.id);
    this._followReproductions();
  }

  /** By name, also those of the hardware; a metric with one value has none. */
  histories: ReadonlyMap<string, History> = new Map();
  lineage: Lineage | null = null;
  /** Why the last edit was refused. */
  editError: RequestError | null = null;

  /** What the kernel had executed before; read when it is first asked for. */
  cells: Part<ExecutedCell[]> = {};
  /** Texts of captured files by digest; read when they are first asked for. */
  texts = new Map<string, Part<string>>();
  reproductions: Reproduction[] = [];
  /** Why it could not be reproduced. */
  reproduceError: RequestError | null = null;

  artifactUrl(name: string): string {
    return this._client.artifactUrl(this.id, name);
  }

  capturedUrl(digest: string): string {
    return this._client.capturedUrl(this.id, digest);
  }

  outputUrl(output: Output): string {
    return this._client.outputUrl(this.id, output.position);
  }

  get exportUrl(): string {
    return this._client.exportUrl(this.id);
  }

  /** The metrics that have more than one point, and whose name has what was searched for. */
  get chartable(): string[] {
    const words = this._chartSearch.toLowerCase().split(/\s+/);
    return severalPoints(this.data?.run.metrics ?? {}).filter(name =>
      words.every(word => name.toLowerCase().includes(word))
    );
  }

  /** Those of them that are drawn. */
  get charts(): string[] {
    return this.chartable.slice(0, this._charts);
  }

  searchCharts(text: string): void {
    this._chartSearch = text;
    this._charts = CHARTS_AT_FIRST;
    void this._loadCharts();
  }

  showMoreCharts(): void {
    this._charts = Math.max(this._charts * 2, CHARTS_AT_FIRST);
    void this._loadCharts();
  }

  async edit(edit: RunEdit): Promise<void> {
    try {
      const run = await this._client.editRun(this.id, edit);
      this.editError = null;
      if (this.data) {
        this.data = { ...this.data, run };
      }
      this.notify();
      this._changes.announce('runs', [this.id]);
    } catch (thrown) {
      this.editError = RequestError.of(thrown);
      this.notify();
    }
  }

  async showCells(): Promise<void> {
    if (!this.cells.value) {
      this.cells = await part(this._client.executedCells(this.id));
      this.notify();
    }
  }

  async showText(digest: string): Promise<void> {
    if (!this.texts.get(digest)?.value) {
      this.texts.set(digest, await part(this._client.capturedText(this.id, digest)));
      this.notify();
    }
  }

  /** Run it again from its records, as a job. */
  async reproduce(): Promise<void> {
    try {
      const begun = await this._client.reproduce(this.id);
      this.reproduceError = null;
      this.reproductions = [begun, ...this.reproductions];
      this._changes.announce('jobs', null);
    } catch (thrown) {
      this.reproduceError = RequestError.of(thrown);
    }
    this.notify();
  }

  protected restMs = (tookMs: number): number => {
    const isRunning = this.data?.run.status === 'running';
    const rest = Math.min(LONGEST_REST_MS, REST_PER_READING * tookMs);
    return isRunning ? Math.max(SHORTEST_REST_MS, rest) : 0;
  };

  protected async load(): Promise<RunDetail> {
    const detail = await this._client.run(this.id);
    this.data = detail; // its metrics say which histories there are
    if (!this._reproductionsRead) {
      void this._loadReproductions(); // the page need not wait for them
    }
    await Promise.all([this._loadHistories(), this._loadLineage(detail)]);
    return detail;
  }

  private async _loadCharts(): Promise<void> {
    this.notify();
    await this._loadHistories();
    this.notify();
  }

  /** Only of metrics that have grown since the last time, all in one request. */
  private async _loadHistories(): Promise<void> {
    const { run, hardware } = this.data!;
    const summaries: Record<string, MetricSummary> = { ...run.metrics, ...hardware };
    const grown = [...this.charts, ...severalPoints(hardware)].filter(
      name => this._counts.get(name) !== summaries[name].count
    );
    if (grown.length === 0) {
      return;
    }
    const histories = new Map(this.histories);
    for (const history of await this._client.histories([this.id], grown, MOST_POINTS)) {
      histories.set(history.name, history);
      this._counts.set(history.name, summaries[history.name]?.count ?? 0);
    }
    this.histories = histories;
  }

  /** Only when an edge can have come; the page shows without it when it cannot be had. */
  private async _loadLineage(detail: RunDetail): Promise<void> {
    const edges = [detail.run.status, detail.inputs, detail.registered, detail.children];
    const key = JSON.stringify(edges);
    if (key === this._lineageKey) {
      return;
    }
    try {
      this.lineage = await this._client.lineage(`run:${this.id}`);
      this._lineageKey = key;
    } catch {
      this.lineage = null;
    }
  }

  private async _loadReproductions(): Promise<void> {
    try {
      this.reproductions = await this._client.reproductions(this.id);
      this._reproductionsRead = true;
      this.notify();
    } catch {
      // the page shows without them
    }
  }

  /** A reproduction is a job: what becomes of it is seen by the job's changes. */
  private _followReproductions(): void {
    this._changes.changed.connect((_, { kind, ids }) => {
      const concerns = this.reproductions.some(
        ({ job_id }) => ids === null || ids.includes(job_id)
      );
      if (!this.isDisposed && kind === 'jobs' && concerns) {
        void this._loadReproductions();
      }
    }, this);
  }

  private _charts = CHARTS_AT_FIRST;
  private _chartSearch = '';
  private _counts = new Map<string, number>();
  private _lineageKey = '';
  private _reproductionsRead = false;
}

function severalPoints(metrics: Record<string, MetricSummary>): string[] {
  return Object.keys(metrics).filter(name => metrics[name].count > 1);
}

async function part<T>(promise: Promise<T>): Promise<Part<T>> {
  try {
    return { value: await promise };
  } catch (thrown) {
    return { error: RequestError.of(thrown) };
  }
}
