import { fireEvent, render, screen } from '@testing-library/react';
import React from 'react';
import { describe, expect, it, vi } from 'vitest';
import { aJob, FakeStream } from '../../../api/__tests__/fakes';
import { Client } from '../../../api/client';
import { Schedule } from '../../../api/types';
import { SchedulesModel } from '../model';
import { describeNext, ScheduleList, ScheduleRow } from '../ScheduleList';

function aSchedule(name: string, values: Partial<Schedule> = {}): Schedule {
  const id = `01h00000000000000000${name.padStart(6, '0')}`;
  return {
    spec: {
      id,
      name,
      timing: { cron: '0 3 * * *', timezone: 'UTC', catch_up: 'latest', overlap: 'skip' },
      created_at: 1000,
      template: aJob().spec,
      user: 'ada',
      host: 'box',
      home: '/home/ada/mlops'
    },
    enabled: true,
    next_at: 1_800_000_000,
    last_at: null,
    last_job_id: null,
    reason: '',
    seq: 1,
    ...values
  };
}

async function aModel(schedules: Schedule[], client: object = {}) {
  const { changes } = new FakeStream();
  const all = { schedules: vi.fn(async () => schedules), ...client };
  const model = new SchedulesModel(all as unknown as Client, changes);
  await model.refresh();
  return { model, changes, client: all };
}

function show(model: SchedulesModel) {
  const actions = { onOpenJob: vi.fn(), onSwitch: vi.fn(), onRun: vi.fn(), onDelete: vi.fn() };
  render(<ScheduleList model={model} {...actions} />);
  return actions;
}

describe('the schedules', () => {
  it('come by their next run, the paused ones last', async () => {
    const { model } = await aModel([
      aSchedule('paused', { enabled: false, next_at: null }),
      aSchedule('later', { next_at: 2_000 }),
      aSchedule('soon', { next_at: 1_000 })
    ]);
    expect(model.rows.map(each => each.spec.name)).toEqual(['soon', 'later', 'paused']);
  });

  it('are read again when one changes', async () => {
    const stream = new FakeStream();
    const schedules = vi.fn(async () => []);
    const model = new SchedulesModel({ schedules } as unknown as Client, stream.changes);
    await model.refresh();
    stream.say('schedules', ['x']);
    await vi.waitFor(() => expect(schedules).toHaveBeenCalledTimes(2));
  });

  it('are paused, resumed, run and deleted, and the lists hear of it', async () => {
    const job = aJob();
    const client = {
      pauseSchedule: vi.fn(),
      resumeSchedule: vi.fn(),
      runSchedule: vi.fn(async () => job),
      deleteSchedule: vi.fn()
    };
    const { model, changes } = await aModel([aSchedule('a')], client);
    const heard: string[] = [];
    changes.changed.connect((_, { kind }) => void heard.push(kind));
    await model.switch('a', false);
    await model.switch('a', true);
    expect(await model.run('a')).toBe(job);
    await model.delete('a');
    expect(client.pauseSchedule).toHaveBeenCalledWith('a');
    expect(client.resumeSchedule).toHaveBeenCalledWith('a');
    expect(client.deleteSchedule).toHaveBeenCalledWith('a');
    expect(heard).toEqual(['schedules', 'schedules', 'schedules', 'jobs', 'schedules']);
  });
});

describe('the list of schedules', () => {
  it('says how one is made where there is none', async () => {
    const { model } = await aModel([]);
    show(model);
    expect(screen.getByText(/--cron/)).toBeTruthy();
  });

  it('says when the next run is due, or that it is paused', () => {
    expect(describeNext(aSchedule('a', { enabled: false, next_at: null }))).toBe('paused');
    expect(describeNext(aSchedule('a'))).toMatch(/^next .*\d/);
  });

  it('shows why a run was left out, and what can be done', () => {
    const kept = aSchedule('nightly', { reason: 'the run was left out', last_job_id: 'job' });
    const stopped = aSchedule('weekly', { enabled: false, next_at: null });
    const actions = { onOpenJob: vi.fn(), onSwitch: vi.fn(), onRun: vi.fn(), onDelete: vi.fn() };
    render(
      <>
        <ScheduleRow schedule={kept} {...actions} />
        <ScheduleRow schedule={stopped} {...actions} />
      </>
    );
    expect(screen.getByText(/the run was left out/)).toBeTruthy();
    fireEvent.click(screen.getByRole('button', { name: 'Run nightly now' }));
    expect(actions.onRun).toHaveBeenCalledWith(kept.spec.id);
    fireEvent.click(screen.getByRole('button', { name: 'Pause nightly' }));
    expect(actions.onSwitch).toHaveBeenLastCalledWith(kept.spec.id, false);
    fireEvent.click(screen.getByRole('button', { name: 'Resume weekly' }));
    expect(actions.onSwitch).toHaveBeenLastCalledWith(stopped.spec.id, true);
    fireEvent.click(screen.getByRole('button', { name: 'Delete schedule weekly' }));
    expect(actions.onDelete).toHaveBeenCalledWith(stopped.spec.id);
    expect(actions.onOpenJob).not.toHaveBeenCalled();
  });
});
