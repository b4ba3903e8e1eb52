import { Changes } from '../../api/changes';
import { Client, UsageGroup } from '../../api/client';
import { Resource } from '../../api/resource';
import { UsageReport } from '../../api/types';

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

/** What jobs have held and used; read again as jobs end. */
export class UsageModel extends Resource<UsageReport> {
  constructor(
    private _client: Client,
    changes: Changes
  ) {
    super();
    this.follow(changes, 'jobs');
  }

  by: UsageGroup = 'user';
  since = '7d';

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
