import { Client } from '../../api/client';
import { Changes } from '../../api/changes';
import { Resource } from '../../api/resource';
import { Job, Lineage, Sweep } from '../../api/types';
import { hasEnded } from './status';
import { JobsRow, rowsOf } from './sweeps';

const LIST_LIMIT = 500;
const LOG_POLL_MS = 1_000;
/** A page shows the end of a longer log; the whole is in the job's folder. */
const LOG_KEPT_CHARACTERS = 1_000_000;

export { hasEnded };

/** The newest jobs and sweeps. */
export class JobsModel extends Resource<Job[]> {
  constructor(
    private _client: Client,
    private _changes: Changes
  ) {
    super();
    this.follow(_changes, 'jobs');
    this.follow(_changes, 'sweeps');
  }

  sweeps: readonly Sweep[] = [];

  get open(): Job[] {
    return (this.data ?? []).filter(job => !hasEnded(job));
  }

  get rows(): JobsRow[] {
    return rowsOf(this.data ?? [], this.sweeps, this._unfolded);
  }

  isUnfolded(sweep: string): boolean {
    return this._unfolded.has(sweep);
  }

  /** Show or hide the jobs of a sweep. */
  unfold(sweep: string, shown: boolean): void {
    if (shown) {
      this._unfolded.add(sweep);
    } else {
      this._unfolded.delete(sweep);
    }
    this.notify();
  }

  /** The jobs of a sweep that have not ended. */
  openIn(sweep: string): Job[] {
    return this.open.filter(job => job.spec.sweep_id === sweep);
  }

  /** Throws RequestError where the server refuses. */
  async cancel(id: string): Promise<Job> {
    const job = await this._client.cancelJob(id);
    this._changes.announce('jobs', [job.spec.id]);
    return job;
  }

  protected async load(): Promise<Job[]> {
    const [jobs, sweeps] = await Promise.all([
      this._client.jobs({ limit: LIST_LIMIT }),
      this._client.sweeps({ limit: LIST_LIMIT })
    ]);
    this.sweeps = sweeps;
    return jobs;
  }

  private _unfolded = new Set<string>();
}

/** One job and its log, which is read on from where the last part ended. */
export class JobModel extends Resource<Job> {
  constructor(
    readonly id: string,
    private _client: Client,
    changes: Changes
  ) {
    super();
    this.follow(changes, 'jobs', id => id === this.id);
  }

  log = '';
  lineage: Lineage | null = null;

  get notebookUrl(): string {
    return this._client.jobNotebookUrl(this.id);
  }

  dispose(): void {
    this.unwatch();
    super.dispose();
  }

  /** Read the log on while somebody looks at it. */
  watch(): void {
    if (this._timer === 0) {
      this._timer = window.setInterval(() => void this.readLog(), LOG_POLL_MS);
      void this.readLog();
    }
  }

  unwatch(): void {
    window.clearInterval(this._timer);
    this._timer = 0;
  }

  /** Read what the log has grown by. A failed read is tried again at the next tick. */
  async readLog(): Promise<void> {
    if (this._reading || this._logEnded) {
      return;
    }
    this._reading = true;
    try {
      while (await this._readChunk()) {
        // until the end that the log has now
      }
    } catch {
      // the page's own request tells why the server cannot be reached
    } finally {
      this._reading = false;
    }
  }

  protected async load(): Promise<Job> {
    const job = await this._client.job(this.id);
    if (job.attempt !== this._attempt) {
      this._startLog(job.attempt);
    }
    const edges = `${job.run_id} ${job.status}`;
    if (edges !== this._lineageOf) {
      this._lineageOf = edges;
      this.lineage = await this._client.lineage(`job:${this.id}`).catch(() => null);
    }
    return job;
  }

  private async _readChunk(): Promise<boolean> {
    const attempt = this._attempt;
    const chunk = await this._client.jobLog(this.id, this._offset);
    if (attempt !== this._attempt || this.isDisposed) {
      return false;
    }
    this._offset = chunk.next_offset;
    this._logEnded = chunk.ended;
    if (chunk.text) {
      this.log = (this.log + chunk.text).slice(-LOG_KEPT_CHARACTERS);
      this.notify();
    }
    return chunk.text !== '' && !chunk.ended;
  }

  private _startLog(attempt: number): void {
    this._attempt = attempt;
    this._offset = 0;
    this._logEnded = false;
    this.log = '';
  }

  private _attempt = 0;
  private _lineageOf = '';
  private _logEnded = false;
  private _offset = 0;
  private _reading = false;
  private _timer = 0;
}
