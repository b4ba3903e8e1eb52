import { Event } from '@jupyterlab/services';
import { Signal } from '@lumino/signaling';
import { CHANGED_SCHEMA, Changes } from '../changes';
import { Job, MetricSummary, Run, RunDetail } from '../types';

/** An events stream that a test speaks through. */
export class FakeStream {
  readonly stream = new Signal<this, Event.Emission>(this);
  readonly changes = new Changes(this.stream);

  say(kind: string, ids: string[], schema = CHANGED_SCHEMA): void {
    this.stream.emit({ schema_id: schema, kind, ids, seq: 1 } as unknown as Event.Emission);
  }
}

export function aRun(values: Partial<Run> = {}): Run {
  return {
    id: '01h000000000000000000run01',
    name: 'svm',
    experiment: 'digits',
    kind: 'cell',
    status: 'finished',
    started_at: 1000,
    status_reason: null,
    ended_at: 1012,
    duration_s: 12,
    notebook: null,
    cell_id: null,
    parent_id: null,
    job_id: null,
    sweep_id: null,
    user: 'ada',
    host: 'box',
    params: {},
    metrics: {},
    tags: {},
    note: '',
    archived: false,
    progress: null,
    seq: 1,
    ...values
  };
}

export function aDetail(run: Run, values: Partial<RunDetail> = {}): RunDetail {
  return {
    run,
    source: '',
    error: null,
    context: {},
    params_from: {},
    outputs: [],
    widgets: null,
    artifacts: [],
    cells: [],
    inputs: [],
    data: [],
    models: [],
    hardware: {},
    registered: [],
    children: [],
    ...values
  };
}

export function aSummary(last: number, count = 1): MetricSummary {
  return { last, min: last, max: last, count, last_step: null };
}

export function aJob(values: Partial<Job> = {}, name = 'train'): Job {
  return {
    spec: {
      id: '01h000000000000000000job01',
      name,
      experiment: 'digits',
      submitted_at: 1000,
      interpreter: '/usr/bin/python3',
      kernel_name: 'python3',
      cwd: '/home/ada',
      kernel_argv: null,
      python_path: [],
      params: {},
      tags: {},
      resources: {
        gpus: 0,
        gpu_memory_bytes: null,
        cpus: 1,
        memory_bytes: null,
        time_limit_s: null
      },
      executor: 'local',
      executors: [],
      options: {},
      priority: 0,
      retries: 0,
      retry_on: [],
      retry_delay_s: 0,
      expected_s: null,
      learned: [],
      after: [],
      after_any: [],
      schedule_id: null,
      notebook: null,
      promoted: false,
      parent_run_id: null,
      sweep_id: null,
      trial: null,
      carried: [],
      returns: [],
      gpu_slots: null,
      user: 'ada',
      host: 'box'
    },
    status: 'running',
    attempt: 1,
    reason: '',
    started_at: 1001,
    ended_at: null,
    run_id: null,
    gpus: [],
    cancel_requested: false,
    executor: 'local',
    choice: '',
    handed_over: false,
    not_before: null,
    exclusive: false,
    cause: null,
    used: null,
    warning: '',
    progress: null,
    seq: 1,
    ...values
  };
}

/** A promise that a test settles when it wants to. */
export class Later<T> {
  resolve!: (value: T) => void;
  reject!: (reason: unknown) => void;
  readonly promise = new Promise<T>((resolve, reject) => {
    this.resolve = resolve;
    this.reject = reject;
  });
}
