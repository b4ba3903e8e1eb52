import { Changes } from '../../api/changes';
import { Client, UsageGroup } from '../../api/client';
import { Resource } from '../../api/resource';
import { SharedGpu, UsageReport } from '../../api/types';

export const GROUPS: readonly UsageGroup[] = ['user', 'notebook', 'executor', 'day'];
/** What the server understands, and how it reads. */
export const PERIODS: readonly (readonly [string, string])[] = [
  ['1d', 'last day'],
  ['7d', 'last 7 days'],
  ['30d', 'last 30 days'],
  ['all', 'ever']
];
/** Sums over days hardly change with one job's progress. */
const REST_MS = 10_000;
/** The server looks at the GPUs no more often than that. */
const GPUS_REST_MS = 2_000;
/** Kernels, and jobs of other users, take and leave GPUs without telling this server. */
const GPUS_POLL_MS = 10_000;

/** Who has which GPU of this machine; read again as jobs change, and now and then while it is looked at. */
export class GpusModel extends Resource<SharedGpu[]> {
  constructor(
    private _client: Client,
    changes: Changes
  ) {
    super();
    this.follow(changes, 'jobs');
  }

  dispose(): void {
    this.unwatch();
    super.dispose();
  }

  watch(): void {
    if (this._timer === 0) {
      this._timer = window.setInterval(this._poll, GPUS_POLL_MS);
      void this.refresh();
    }
    super.watch();
  }

  unwatch(): void {
    window.clearInterval(this._timer);
    this._timer = 0;
    super.unwatch();
  }

  protected restMs = (): number => GPUS_REST_MS;

  protected load(): Promise<SharedGpu[]> {
    return this._client.gpus();
  }

  private _poll = (): void => {
    if (!document.hidden) {
      void this.refresh();
    }
  };

  private _timer = 0;
}

/** What jobs have held and used, read again as jobs end; and what is held just now. */
export class UsageModel extends Resource<UsageReport> {
  constructor(
    private _client: Client,
    changes: Changes
  ) {
    super();
    this.follow(changes, 'jobs');
    this.gpus = new GpusModel(_client, changes);
  }

  readonly gpus: GpusModel;
  by: UsageGroup = 'user';
  since = '7d';

  dispose(): void {
    this.gpus.dispose();
    super.dispose();
  }

  watch(): void {
    super.watch();
    this.gpus.watch();
  }

  unwatch(): void {
    super.unwatch();
    this.gpus.unwatch();
  }

  groupBy(by: UsageGroup): Promise<void> {
    this.by = by;
    return this.refresh();
  }

  look(since: string): Promise<void> {
    this.since = since;
    return this.refresh();
  }

  protected restMs = (): number => REST_MS;

  protected load(): Promise<UsageReport> {
    return this._client.usage({ by: this.by, since: this.since });
  }
}
