import { Client, RunEdit, RunQuery } from '../../api/client';
import { Changes } from '../../api/changes';
import { RequestError } from '../../api/request';
import { Resource } from '../../api/resource';
import { Comparison, History, Lineage, Run, RunDetail } from '../../api/types';

export const PAGE_SIZE = 100;

/** What the list has of the server's answer: some pages of it, by number. */
interface Window {
  total: number;
  pages: Map<number, Run[]>;
}

/**
 * The runs that match a filter, of which only the pages in view are read.
 *
 * A list of 100,000 runs is therefore as cheap as one of 100; a change reads the pages in view again.
 */
export class RunsModel extends Resource<Window> {
  constructor(
    private _client: Client,
    changes: Changes
  ) {
    super();
    this.follow(changes, 'runs');
  }

  /** A filter that the server refused stays refused until it is changed. */
  refresh(): Promise<void> {
    return this.isRefused ? Promise.resolve() : super.refresh();
  }

  get isRefused(): boolean {
    return this.error?.status === 400;
  }

  /** Up to two runs to be compared, in the order in which they were picked. */
  picked: readonly Run[] = [];

  isPicked(id: string): boolean {
    return this.picked.some(run => run.id === id);
  }

  /** Pick a run, or let go of it; a third one takes the place of the second. */
  pick(run: Run): void {
    const others = this.picked.filter(each => each.id !== run.id);
    this.picked = this.isPicked(run.id) ? others : [...others.slice(0, 1), run];
    this.notify();
  }

  unpickAll(): void {
    this.picked = [];
    this.notify();
  }

  filter = '';
  orderBy = 'started desc';
  archived = false;

  get total(): number {
    return this.data?.total ?? 0;
  }

  /** The run at a place of the list, or undefined while its page is not here. */
  at(index: number): Run | undefined {
    return this.data?.pages.get(Math.floor(index / PAGE_SIZE))?.[index % PAGE_SIZE];
  }

  /** Say which places are in view; reads what is missing there. */
  show(first: number, last: number): void {
    this._first = Math.floor(Math.max(0, first) / PAGE_SIZE);
    this._last = Math.floor(Math.max(0, last) / PAGE_SIZE);
    const missing = this._inView().some(page => !this.data?.pages.has(page));
    if (this.data && missing && this._first * PAGE_SIZE < this.total) {
      void this.refresh();
    }
  }

  /** Search anew. The old list stays until the answer is here. */
  search(query: Pick<RunQuery, 'filter' | 'order_by' | 'archived'>): Promise<void> {
    this.filter = query.filter ?? this.filter;
    this.orderBy = query.order_by ?? this.orderBy;
    this.archived = query.archived ?? this.archived;
    this._first = this._last = 0;
    this.error = null;
    return this.refresh();
  }

  protected async load(): Promise<Window> {
    const numbers = this._inView();
    const query = { filter: this.filter, order_by: this.orderBy, archived: this.archived };
    const answers = await Promise.all(
      numbers.map(page =>
        this._client.runs({ ...query, limit: PAGE_SIZE, offset: page * PAGE_SIZE })
      )
    );
    const pages = new Map(numbers.map((page, i) => [page, answers[i].runs]));
    return { total: answers[0].total, pages };
  }

  private _inView(): number[] {
    return Array.from({ length: this._last - this._first + 1 }, (_, i) => this._first + i);
  }

  private _first = 0;
  private _last = 0;
}

/** Two runs side by side; read again when one of them changes. */
export class ComparisonModel extends Resource<Comparison> {
  constructor(
    readonly a: string,
    readonly b: string,
    private _client: Client,
    changes: Changes
  ) {
    super();
    this.follow(changes, 'runs', id => id === a || id === b);
  }

  protected load(): Promise<Comparison> {
    return this._client.compare(this.a, this.b);
  }
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
  }

  /** By metric name; a metric with one value has none. */
  histories = new Map<string, History>();
  lineage: Lineage | null = null;
  /** Why the last edit was refused. */
  editError: RequestError | null = null;

  artifactUrl(name: string): string {
    return this._client.artifactUrl(this.id, name);
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

  protected async load(): Promise<RunDetail> {
    const detail = await this._client.run(this.id);
    await Promise.all([this._loadHistories(detail.run), this._loadLineage(detail)]);
    return detail;
  }

  /** Only of metrics that have grown since the last time. */
  private async _loadHistories(run: Run): Promise<void> {
    const grown = Object.entries(run.metrics).filter(
      ([name, summary]) => summary.count > 1 && this._counts.get(name) !== summary.count
    );
    await Promise.all(
      grown.map(async ([name, summary]) => {
        this.histories.set(name, await this._client.history(this.id, name));
        this._counts.set(name, summary.count);
      })
    );
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

  private _counts = new Map<string, number>();
  private _lineageKey = '';
}
