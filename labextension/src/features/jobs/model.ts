import { Client, NotebookParameters, Submission, Submitted } from '../../api/client';
import { Changes } from '../../api/changes';
import { RequestError } from '../../api/request';
import { Resource } from '../../api/resource';
import { Job, Lineage } from '../../api/types';
import { hasEnded } from './status';
import { JobsRow, rowsOf } from './sweeps';

export type { NotebookParameters };

const LIST_LIMIT = 500;
const LOG_POLL_MS = 1_000;
/** A page shows the end of a longer log; the whole is in the job's folder. */
const LOG_KEPT_CHARACTERS = 1_000_000;

export { hasEnded };

/** The newest jobs. */
export class JobsModel extends Resource<Job[]> {
  constructor(
    private _client: Client,
    private _changes: Changes
  ) {
    super();
    this.follow(_changes, 'jobs');
  }

  get open(): Job[] {
    return (this.data ?? []).filter(job => !hasEnded(job));
  }

  get rows(): JobsRow[] {
    return rowsOf(this.data ?? [], this._unfolded);
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

  protected load(): Promise<Job[]> {
    return this._client.jobs({ limit: LIST_LIMIT });
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

/** What the submit form holds: text as the user typed it. */
export interface SubmitForm {
  name: string;
  params: Record<string, string>;
  gpus: string;
  cpus: string;
  memory: string;
  time: string;
}

/** A notebook about to be submitted as a batch job. */
export class SubmitModel extends Resource<NotebookParameters> {
  constructor(
    readonly path: string,
    private _client: Client
  ) {
    super();
  }

  form: SubmitForm = { name: '', params: {}, gpus: '0', cpus: '1', memory: '', time: '' };
  /** Why the last try was refused. */
  refusal: RequestError | null = null;

  set(values: Partial<SubmitForm>): void {
    this.form = { ...this.form, ...values };
    this.notify();
  }

  setParam(name: string, text: string): void {
    this.set({ params: { ...this.form.params, [name]: text } });
  }

  /** The jobs, or null with `refusal` set. */
  async submit(): Promise<Submitted | null> {
    try {
      this.refusal = null;
      return await this._client.submit(this.submission());
    } catch (thrown) {
      this.refusal = RequestError.of(thrown);
      return null;
    }
  }

  /** Only params that differ from the notebook's own values are sent. */
  submission(): Submission {
    const { name, gpus, cpus, memory, time } = this.form;
    const changed = Object.entries(this.form.params).filter(
      ([key, text]) => text.trim() !== this._defaults[key]
    );
    return {
      path: this.path,
      params: Object.fromEntries(changed.map(([key, text]) => [key, text.trim()])),
      gpus: Number(gpus) || 0,
      cpus: Number(cpus) || 1,
      ...(name.trim() && { name: name.trim() }),
      ...(memory.trim() && { memory: memory.trim() }),
      ...(time.trim() && { time: time.trim() })
    };
  }

  protected async load(): Promise<NotebookParameters> {
    const answer = await this._client.notebookParameters(this.path);
    this._defaults = Object.fromEntries(
      answer.parameters.map(each => [each.name, literal(each.default)])
    );
    this.form = { ...this.form, params: { ...this._defaults, ...this.form.params } };
    return answer;
  }

  private _defaults: Record<string, string> = {};
}

/** A JSON value in the grammar of `-p`: a Python literal, where a plain word is a string. */
export function literal(value: unknown): string {
  if (value === null || value === undefined) {
    return 'None';
  }
  if (typeof value === 'boolean') {
    return value ? 'True' : 'False';
  }
  if (typeof value === 'string') {
    return isPlainWord(value) ? value : quoted(value);
  }
  if (Array.isArray(value)) {
    return `[${value.map(nested).join(', ')}]`;
  }
  if (typeof value === 'object') {
    const items = Object.entries(value).map(([key, item]) => `${quoted(key)}: ${nested(item)}`);
    return `{${items.join(', ')}}`;
  }
  return String(value);
}

function nested(value: unknown): string {
  return typeof value === 'string' ? quoted(value) : literal(value);
}

function quoted(text: string): string {
  return JSON.stringify(text);
}

/** Words that Python would not read as something else, and that hold no comma or bracket. */
function isPlainWord(text: string): boolean {
  return (
    /^[A-Za-z_./~][\w./~ -]*$/.test(text) &&
    text === text.trim() &&
    !['None', 'True', 'False', 'nan', 'inf', 'NaN', 'Infinity'].includes(text)
  );
}
