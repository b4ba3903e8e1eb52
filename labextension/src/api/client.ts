import { Connection } from './connection';
import { ExecutedCell } from './replay';
import { apiUrl, requestText } from './request';
import {
  Check,
  Comparison,
  FigureTable,
  GpuSlot,
  History,
  Job,
  JobStatus,
  Lineage,
  LogChunk,
  ParallelCoordinates,
  Parameter,
  ParametersCell,
  Proposal,
  Reproduction,
  Run,
  RunDetail,
  RunPage,
  RunTable,
  Schedule,
  SharedGpu,
  Sweep,
  SweepDetail,
  UsageReport
} from './types';

export interface RunQuery {
  filter?: string;
  order_by?: string;
  limit?: number;
  offset?: number;
  archived?: boolean;
}

export interface RunEdit {
  name?: string;
  note?: string;
  /** A null value removes the tag. */
  tags?: Record<string, string | null>;
  archived?: boolean;
}

/** What usage is summed up by. */
export type UsageGroup = 'user' | 'notebook' | 'executor' | 'day';

export interface UsageQuery {
  by: UsageGroup;
  /** `7d`, `12h`, or `all`. */
  since: string;
  user?: string;
}

export interface NotebookParameters {
  parameters: Parameter[];
  /** Whether there is a parameters cell; where there is none, what could be parameters. */
  tagged: boolean;
  proposals: Proposal[];
  language: string;
  gpus: number;
  virtual: boolean;
  /** Where jobs can be sent. */
  executors: string[];
  /** The server's own, which a schedule has by default. */
  timezone: string;
}

/** What `POST jobs` takes. Params are text in the grammar of `-p`: commas make a sweep. */
export interface Submission {
  path: string;
  name?: string;
  params: Record<string, string>;
  /** A whole number, or a share of one. */
  gpus?: number;
  gpu_memory?: string;
  cpus?: number;
  memory?: string;
  time?: string;
  /** One, or several as `local,slurm`. */
  executor?: string;
  priority?: number;
  retries?: number;
  /** Ids or names of jobs that must have succeeded. */
  after?: string[];
  /** A schedule: when it runs, by the clocks of a time zone. */
  cron?: string;
  timezone?: string;
  /** Of a search: `maximize:METRIC` is what its trials are after. */
  trials?: number;
  goal?: string;
  sampler?: string;
  pruner?: string;
  seed?: number;
  parallel?: number;
  /** Only check it. */
  dry_run?: boolean;
}

/** A search has no jobs yet: its trials are made one after the other. */
export interface Submitted {
  jobs: Job[];
  sweep_id: string | null;
  sweep?: Sweep | null;
  schedule?: Schedule | null;
  notes?: string[];
}

export interface ServerStatus {
  version: string;
  home: string;
  user: string;
  gpus: GpuSlot[];
  agent: { running: boolean };
  checks: Check[];
}

/** Addresses have a limit; a metric's name is a few dozen characters. */
const NAMES_AT_ONCE = 40;
/** What the server takes at most. */
const RUNS_AT_ONCE = 100;

/** Runs, jobs and all but the registries of the REST interface. Every method throws RequestError. */
export class Client extends Connection {
  runs(query: RunQuery = {}): Promise<RunPage> {
    return this._get(['runs'], { ...query });
  }

  run(id: string): Promise<RunDetail> {
    return this._get(['runs', id]);
  }

  editRun(id: string, edit: RunEdit): Promise<Run> {
    return this._send('PATCH', ['runs', id], edit);
  }

  /** What differs between two runs. */
  compare(a: string, b: string): Promise<Comparison> {
    return this._get(['compare'], { a, b });
  }

  /** What differs among any number of runs. */
  compareTable(ids: readonly string[]): Promise<RunTable> {
    return this._get(['compare', 'table'], { run: ids });
  }

  compareFigures(ids: readonly string[]): Promise<FigureTable> {
    return this._get(['compare', 'figures'], { run: ids });
  }

  /** Of these runs, or of those that match a query. */
  parallel(query: { run: readonly string[] } | RunQuery): Promise<ParallelCoordinates> {
    return this._get(['compare', 'parallel'], { ...query });
  }

  /** The points of metrics, thinned without losing extremes; what a run has not is left out. */
  async histories(
    ids: readonly string[],
    names: readonly string[],
    maxPoints: number
  ): Promise<History[]> {
    const parts: Promise<{ histories: History[] }>[] = [];
    for (const run of chunks(ids, RUNS_AT_ONCE)) {
      for (const name of chunks(names, NAMES_AT_ONCE)) {
        parts.push(this._get(['histories'], { run, name, max_points: maxPoints }));
      }
    }
    return (await Promise.all(parts)).flatMap(part => part.histories);
  }

  /** What the kernel had executed before a run, in order. */
  async executedCells(id: string): Promise<ExecutedCell[]> {
    return (await this._get<{ cells: ExecutedCell[] }>(['runs', id, 'cells'])).cells;
  }

  /** Where a file that was captured with a run can be downloaded from. */
  capturedUrl(id: string, digest: string): string {
    return apiUrl(this.settings, ['runs', id, 'captured', digest]);
  }

  capturedText(id: string, digest: string): Promise<string> {
    return requestText(this.settings, this.capturedUrl(id, digest));
  }

  /** Where the whole of an output can be downloaded from. */
  outputUrl(id: string, position: number): string {
    return apiUrl(this.settings, ['runs', id, 'outputs', String(position)]);
  }

  /** Where a run can be downloaded from as one zip file. */
  exportUrl(id: string): string {
    return apiUrl(this.settings, ['runs', id, 'export']);
  }

  /** Where the runs that match can be downloaded from as CSV. */
  tableUrl(query: Pick<RunQuery, 'filter' | 'order_by' | 'archived'>): string {
    return apiUrl(this.settings, ['table'], { ...query });
  }

  async reproductions(id: string): Promise<Reproduction[]> {
    const path = ['runs', id, 'reproductions'];
    return (await this._get<{ reproductions: Reproduction[] }>(path)).reproductions;
  }

  /** Run it again from its records, as a batch job. */
  reproduce(id: string, options: { tolerance?: number } = {}): Promise<Reproduction> {
    return this._send('POST', ['runs', id, 'reproductions'], options);
  }

  /** Where an artifact can be downloaded from. */
  artifactUrl(id: string, name: string): string {
    return apiUrl(this.settings, ['runs', id, 'artifacts', ...name.split('/')]);
  }

  async jobs(query: { status?: JobStatus; limit?: number } = {}): Promise<Job[]> {
    return (await this._get<{ jobs: Job[] }>(['jobs'], { ...query })).jobs;
  }

  job(id: string): Promise<Job> {
    return this._get(['jobs', id]);
  }

  cancelJob(id: string): Promise<Job> {
    return this._send('POST', ['jobs', id, 'cancel'], {});
  }

  jobLog(id: string, offset: number): Promise<LogChunk> {
    return this._get(['jobs', id, 'log'], { offset });
  }

  /** Where the executed notebook can be downloaded from, or as much of it as there is. */
  jobNotebookUrl(id: string): string {
    return apiUrl(this.settings, ['jobs', id, 'notebook']);
  }

  submit(submission: Submission): Promise<Submitted> {
    return this._send('POST', ['jobs'], submission);
  }

  async sweeps(query: { limit?: number } = {}): Promise<Sweep[]> {
    return (await this._get<{ sweeps: Sweep[] }>(['sweeps'], { ...query })).sweeps;
  }

  sweep(id: string): Promise<SweepDetail> {
    return this._get(['sweeps', id]);
  }

  cancelSweep(id: string): Promise<Sweep> {
    return this._send('POST', ['sweeps', id, 'cancel'], {});
  }

  async schedules(): Promise<Schedule[]> {
    return (await this._get<{ schedules: Schedule[] }>(['schedules'])).schedules;
  }

  pauseSchedule(id: string): Promise<Schedule> {
    return this._send('POST', ['schedules', id, 'pause'], {});
  }

  resumeSchedule(id: string): Promise<Schedule> {
    return this._send('POST', ['schedules', id, 'resume'], {});
  }

  /** One run more, at once. */
  runSchedule(id: string): Promise<Job> {
    return this._send('POST', ['schedules', id, 'run'], {});
  }

  deleteSchedule(id: string): Promise<Schedule> {
    return this._send('DELETE', ['schedules', id]);
  }

  /** What jobs have held and used. */
  usage(query: UsageQuery): Promise<UsageReport> {
    return this._get(['usage'], { ...query });
  }

  /** The GPUs of this machine, and who has them. */
  async gpus(): Promise<SharedGpu[]> {
    return (await this._get<{ gpus: SharedGpu[] }>(['gpus'])).gpus;
  }

  notebookParameters(path: string): Promise<NotebookParameters> {
    return this._get(['notebooks', 'parameters'], { path });
  }

  /** How a notebook gets a parameters cell with these names; nothing is written. */
  parametersCell(path: string, names: readonly string[]): Promise<ParametersCell> {
    return this._get(['notebooks', 'parameters', 'cell'], { path, name: names });
  }

  /** The graph around `run:ID` or `job:ID`. */
  lineage(node: string): Promise<Lineage> {
    return this._get(['lineage'], { node });
  }

  status(): Promise<ServerStatus> {
    return this._get(['status']);
  }
}

function chunks<T>(items: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, i) =>
    items.slice(i * size, (i + 1) * size)
  );
}
