import { Client, NotebookParameters, Submission, Submitted } from '../../api/client';
import { RequestError } from '../../api/request';
import { Resource } from '../../api/resource';
import { Parameter, ParametersCell } from '../../api/types';
import { literal } from './literals';

export type { NotebookParameters };

/** What the submit form holds: text as the user typed it. */
export interface SubmitForm {
  name: string;
  params: Record<string, string>;
  gpus: string;
  cpus: string;
  memory: string;
  time: string;
  executor: string;
  retries: string;
  after: string;
  cron: string;
  timezone: string;
  trials: string;
  metric: string;
  direction: string;
  sampler: string;
  pruner: string;
  parallel: string;
  seed: string;
}

export type Field = keyof Omit<SubmitForm, 'params'>;

const EMPTY: SubmitForm = {
  name: '',
  params: {},
  gpus: '0',
  cpus: '',
  memory: '',
  time: '',
  executor: 'local',
  retries: '0',
  after: '',
  cron: '',
  timezone: '',
  trials: '20',
  metric: '',
  direction: 'maximize',
  sampler: 'tpe',
  pruner: '',
  parallel: '',
  seed: ''
};

/** A notebook about to be submitted as a batch job. */
export class SubmitModel extends Resource<NotebookParameters> {
  /** `write` makes the edits that give the notebook a parameters cell, and saves it. */
  constructor(
    readonly path: string,
    private _client: Client,
    private _write: (cell: ParametersCell) => Promise<void> = async () => undefined
  ) {
    super();
  }

  form: SubmitForm = EMPTY;
  /** Why the last try was refused. */
  refusal: RequestError | null = null;
  /** Whether a parameters cell is to be written into the notebook: only where the user says so. */
  writes = false;

  /** What values can be given to: the declared parameters, else what could be some. */
  get parameters(): readonly Parameter[] {
    const { data } = this;
    return data ? (data.tagged ? data.parameters : data.proposals) : [];
  }

  /** The names that the written cell is to have: what was picked, and what was given a value. */
  get chosen(): string[] {
    const names = this.parameters.map(each => each.name);
    return names.filter(name => this.isChanged(name) || !this._left.has(name));
  }

  isChanged(name: string): boolean {
    return (this.form.params[name] ?? '').trim() !== this._defaults[name];
  }

  /** Whether a value is searched for, in trials one after the other. */
  get searches(): boolean {
    return this._changed().some(([, text]) => isDistribution(text));
  }

  /** The field that the last refusal is about, such as `params.lr` or `memory`. */
  get refused(): string | null {
    return this.refusal && fieldOf(this.refusal.message, Object.keys(this.form.params));
  }

  set(values: Partial<SubmitForm>): void {
    this.form = { ...this.form, ...values };
    this.notify();
  }

  setParam(name: string, text: string): void {
    this.set({ params: { ...this.form.params, [name]: text } });
  }

  setWrites(writes: boolean): void {
    this.writes = writes;
    this.notify();
  }

  /** Whether a name is to be in the cell that is written. */
  choose(name: string, chosen: boolean): void {
    if (chosen) {
      this._left.delete(name);
    } else {
      this._left.add(name);
    }
    this.notify();
  }

  /** The jobs, or null with `refusal` set. The notebook is written only when nothing else is refused. */
  async submit(): Promise<Submitted | null> {
    try {
      this.refusal = null;
      if (this.writes && this.data && !this.data.tagged) {
        await this._writeCell();
      }
      return await this._client.submit(this.submission());
    } catch (thrown) {
      this.refusal = RequestError.of(thrown);
      return null;
    }
  }

  /** Only params that differ from the notebook's own values are sent. */
  submission(): Submission {
    const { name, gpus, cpus, memory, time, cron, timezone } = this.form;
    return {
      path: this.path,
      params: Object.fromEntries(this._changed().map(([key, text]) => [key, text.trim()])),
      gpus: Number(gpus) || 0,
      ...(cpus.trim() && { cpus: Number(cpus) }),
      ...(name.trim() && { name: name.trim() }),
      ...(memory.trim() && { memory: memory.trim() }),
      ...(time.trim() && { time: time.trim() }),
      ...this._queueing(),
      ...(cron.trim() && { cron: cron.trim() }),
      ...(timezone.trim() && { timezone: timezone.trim() }),
      ...(this.searches && this._search())
    };
  }

  protected async load(): Promise<NotebookParameters> {
    const answer = await this._client.notebookParameters(this.path);
    const known = answer.tagged ? answer.parameters : answer.proposals;
    this._defaults = Object.fromEntries(known.map(each => [each.name, literal(each.default)]));
    this.form = { ...this.form, params: { ...this._defaults, ...this.form.params } };
    return answer;
  }

  private async _writeCell(): Promise<void> {
    const { chosen } = this;
    if (chosen.length === 0) {
      throw new RequestError('invalid', 'Pick at least one parameter for the cell, or write none.');
    }
    await this._client.submit({ ...this.submission(), dry_run: true });
    await this._write(await this._client.parametersCell(this.path, chosen));
    this.writes = false;
    const { params } = this.form;
    this.form = {
      ...this.form,
      params: Object.fromEntries(chosen.map(name => [name, params[name]]))
    };
    await this.refresh();
  }

  private _changed(): [string, string][] {
    return Object.entries(this.form.params).filter(([name]) => this.isChanged(name));
  }

  private _queueing(): Partial<Submission> {
    const { executor, retries, after } = this.form;
    const jobs = after.split(',').map(each => each.trim());
    return {
      ...(executor.trim() && executor.trim() !== 'local' && { executor: executor.trim() }),
      ...(Number(retries) > 0 && { retries: Number(retries) }),
      ...(jobs.some(Boolean) && { after: jobs.filter(Boolean) })
    };
  }

  private _search(): Partial<Submission> {
    const { trials, metric, direction, sampler, pruner, parallel, seed } = this.form;
    return {
      ...(trials.trim() && { trials: Number(trials) }),
      ...(metric.trim() && { goal: `${direction}:${metric.trim()}` }),
      sampler,
      ...(pruner && { pruner }),
      ...(parallel.trim() && { parallel: Number(parallel) }),
      ...(seed.trim() && { seed: Number(seed) })
    };
  }

  private _defaults: Record<string, string> = {};
  private _left = new Set<string>();
}

/** `uniform(0, 1)`, `loguniform(…)`, `int(…)`, `logint(…)` or `choice(…)`: values that are searched for. */
export function isDistribution(text: string): boolean {
  return /^(log)?(uniform|int)\s*\(.*\)$|^choice\s*\(.*\)$/s.test(text.trim());
}

/** How the server begins what it says about a field of the form. */
const ABOUT: readonly [Field, RegExp][] = [
  ['cron', /^cron\b|A schedule\b/],
  ['timezone', /^(--)?timezone\b/],
  ['executor', /\bNo executor\b|^on: /],
  ['retries', /^retries\b/],
  ['after', /^No job '|several jobs: /],
  ['gpus', /^gpus\b|\bwants [\d.]+ GPUs|\d+ or more GPUs|takes whole GPUs/i],
  ['cpus', /^cpus\b|CPU cores?\b/i],
  ['memory', /\bmemory\b/i],
  ['time', /\bduration\b|\btime limit\b/i],
  ['metric', /\bgoal\b/i],
  ['sampler', /\bsampler\b/i],
  ['pruner', /\bpruner\b/i],
  ['parallel', /\bparallel\b/i],
  ['seed', /\bseed\b/i],
  ['trials', /\btrials?\b/i]
];

/** The field that a refusal speaks of, `params.NAME` for a parameter; null where it is about none. */
export function fieldOf(message: string, params: readonly string[]): string | null {
  const named = /^(?:-p |The parameter |No parameter )?'?([A-Za-z_]\w*)'?(?=[\s=:])/.exec(
    message
  )?.[1];
  if (named && params.includes(named)) {
    return `params.${named}`;
  }
  return ABOUT.find(([, pattern]) => pattern.test(message))?.[0] ?? null;
}
