import { Client, RunQuery } from '../../api/client';
import { Changes } from '../../api/changes';
import { Resource } from '../../api/resource';
import { Run } from '../../api/types';

export const PAGE_SIZE = 100;
/** As many runs as can be compared with one another. */
export const MOST_PICKED = 100;

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

  /** Runs to be compared, in the order in which they were picked. */
  picked: readonly Run[] = [];

  isPicked(id: string): boolean {
    return this.picked.some(run => run.id === id);
  }

  /** Pick a run, or let go of it. */
  pick(run: Run): void {
    const others = this.picked.filter(each => each.id !== run.id);
    this.picked = this.isPicked(run.id) ? others : [...others, run].slice(-MOST_PICKED);
    this.notify();
  }

  /** Pick all from the last one picked to this one, as a click that holds Shift does in any list. */
  pickTo(index: number): void {
    const last = this.picked[this.picked.length - 1];
    const start = last ? this._indexOf(last.id) : index;
    const step = start <= index ? 1 : -1;
    const passed: Run[] = [];
    for (let i = start; i !== index + step; i += step) {
      const run = this.at(i);
      if (run && !this.isPicked(run.id)) {
        passed.push(run);
      }
    }
    this.picked = [...this.picked, ...passed].slice(0, MOST_PICKED);
    this.notify();
  }

  unpickAll(): void {
    this.picked = [];
    this.notify();
  }

  /** Where the runs that match can be downloaded from as CSV. */
  get tableUrl(): string {
    const { filter, orderBy, archived } = this;
    return this._client.tableUrl({ filter, order_by: orderBy, archived });
  }

  /** The fields of params, metrics and tags that the runs in view have, as the filter language names them. */
  get fields(): string[] {
    const found = new Set<string>();
    for (const run of [...(this.data?.pages.values() ?? [])].flat()) {
      Object.keys(run.metrics).forEach(name => found.add(`metrics.${quoted(name)}`));
      Object.keys(run.params).forEach(name => found.add(`params.${quoted(name)}`));
      Object.keys(run.tags).forEach(name => found.add(`tags.${quoted(name)}`));
    }
    return [...found].sort();
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
    return { total: answers[0].total ?? answers[0].runs.length, pages };
  }

  private _indexOf(id: string): number {
    for (const [page, runs] of this.data?.pages ?? []) {
      const place = runs.findIndex(run => run.id === id);
      if (place >= 0) {
        return page * PAGE_SIZE + place;
      }
    }
    return 0;
  }

  private _inView(): number[] {
    return Array.from({ length: this._last - this._first + 1 }, (_, i) => this._first + i);
  }

  private _first = 0;
  private _last = 0;
}

/** A name as the filter language takes it: in backquotes where it is no plain word. */
function quoted(name: string): string {
  const plain = /^[^\s()<>=!,'"`]+$/.test(name) && !/\.(last|min|max)$/.test(name);
  return plain ? name : `\`${name}\``;
}
