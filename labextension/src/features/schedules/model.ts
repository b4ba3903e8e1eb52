import { Changes } from '../../api/changes';
import { Client } from '../../api/client';
import { Resource } from '../../api/resource';
import { Job, Schedule } from '../../api/types';

/** All schedules, newest first; those that are due soonest are what a list shows first. */
export class SchedulesModel extends Resource<Schedule[]> {
  constructor(
    private _client: Client,
    private _changes: Changes
  ) {
    super();
    this.follow(_changes, 'schedules');
  }

  /** Those that go on by their next run, then the paused ones. */
  get rows(): Schedule[] {
    return [...(this.data ?? [])].sort((a, b) => dueAt(a) - dueAt(b));
  }

  find(id: string): Schedule | undefined {
    return this.data?.find(each => each.spec.id === id);
  }

  /** Throws RequestError where the server refuses; so do the others. */
  async switch(id: string, enabled: boolean): Promise<void> {
    await (enabled ? this._client.resumeSchedule(id) : this._client.pauseSchedule(id));
    this._changes.announce('schedules', [id]);
  }

  async run(id: string): Promise<Job> {
    const job = await this._client.runSchedule(id);
    this._changes.announce('schedules', [id]);
    this._changes.announce('jobs', [job.spec.id]);
    return job;
  }

  async delete(id: string): Promise<void> {
    await this._client.deleteSchedule(id);
    this._changes.announce('schedules', [id]);
  }

  protected load(): Promise<Schedule[]> {
    return this._client.schedules();
  }
}

function dueAt(schedule: Schedule): number {
  return schedule.next_at ?? Infinity;
}
