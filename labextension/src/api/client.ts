import { ServerConnection } from '@jupyterlab/services';
import { apiUrl, Query, requestJson } from './request';
import {
  Check,
  Comparison,
  Dataset,
  GpuSlot,
  History,
  Job,
  JobStatus,
  Lineage,
  LogChunk,
  Model,
  Parameter,
  Run,
  RunDetail,
  RunPage
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

export interface NotebookParameters {
  parameters: Parameter[];
  gpus: number;
  virtual: boolean;
}

/** What `POST jobs` takes. Params are text in the grammar of `-p`: commas make a sweep. */
export interface Submission {
  path: string;
  name?: string;
  params: Record<string, string>;
  gpus?: number;
  cpus?: number;
  memory?: string;
  time?: string;
  priority?: number;
  retries?: number;
}

export interface Submitted {
  jobs: Job[];
  sweep_id: string | null;
}

export interface ServerStatus {
  version: string;
  home: string;
  user: string;
  gpus: GpuSlot[];
  agent: { running: boolean };
  checks: Check[];
}

/** The server extension's REST interface. Every method throws RequestError. */
export class Client {
  constructor(readonly settings: ServerConnection.ISettings = ServerConnection.makeSettings()) {}

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

  history(id: string, name: string, maxPoints = 2000): Promise<History> {
    return this._get(['runs', id, 'history'], { name, max_points: maxPoints });
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

  notebookParameters(path: string): Promise<NotebookParameters> {
    return this._get(['notebooks', 'parameters'], { path });
  }

  async datasets(): Promise<Dataset[]> {
    return (await this._get<{ datasets: Dataset[] }>(['datasets'])).datasets;
  }

  dataset(name: string): Promise<Dataset> {
    return this._get(['datasets', name]);
  }

  async models(): Promise<Model[]> {
    return (await this._get<{ models: Model[] }>(['models'])).models;
  }

  model(name: string): Promise<Model> {
    return this._get(['models', name]);
  }

  setAlias(name: string, alias: string, version: number): Promise<Model> {
    return this._send('PUT', ['models', name, 'aliases', alias], { version });
  }

  deleteAlias(name: string, alias: string): Promise<Model> {
    return this._send('DELETE', ['models', name, 'aliases', alias]);
  }

  /** The graph around `run:ID`, `job:ID`, `dataset:name@2` or `model:name@1`. */
  lineage(node: string): Promise<Lineage> {
    return this._get(['lineage'], { node });
  }

  status(): Promise<ServerStatus> {
    return this._get(['status']);
  }

  private _get<T>(path: string[], query: Query = {}): Promise<T> {
    return requestJson<T>(this.settings, apiUrl(this.settings, path, query), { cache: 'no-store' });
  }

  private _send<T>(method: string, path: string[], body?: object): Promise<T> {
    return requestJson<T>(this.settings, apiUrl(this.settings, path), {
      method,
      ...(body ? { body: JSON.stringify(body) } : {})
    });
  }
}
