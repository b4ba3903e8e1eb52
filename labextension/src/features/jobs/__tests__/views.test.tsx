import { fireEvent, render, screen } from '@testing-library/react';
import React from 'react';
import { describe, expect, it, vi } from 'vitest';
import { aJob, FakeStream } from '../../../api/__tests__/fakes';
import { Client } from '../../../api/client';
import { describe as describeJob, JobRow } from '../JobList';
import { JobPage } from '../JobPage';
import { JobModel } from '../model';

describe('a row of the list of jobs', () => {
  it('shows how far a running job is', () => {
    const job = aJob({ progress: { done: 3, total: 7 } });
    render(<JobRow job={job} now={1100} onCancel={() => undefined} />);
    const bar = screen.getByRole('progressbar');
    expect([bar.getAttribute('aria-valuenow'), bar.getAttribute('aria-valuemax')]).toEqual([
      '3',
      '7'
    ]);
  });

  it('flags a job that somebody should see to', () => {
    const warning = 'its GPU has been idle for 10 min';
    const { container } = render(
      <JobRow job={aJob({ warning })} now={1100} onCancel={() => undefined} />
    );
    expect(screen.getByRole('img', { name: `Warning: ${warning}` })).toBeTruthy();
    expect((container.firstChild as HTMLElement).title).toContain(warning);
  });

  it('cancels without opening the job', () => {
    const [cancel, open] = [vi.fn(), vi.fn()];
    render(
      <div onClick={open}>
        <JobRow job={aJob()} now={1100} onCancel={cancel} />
      </div>
    );
    fireEvent.click(screen.getByLabelText('Cancel job train'));
    expect(cancel).toHaveBeenCalledWith(aJob().spec.id);
    expect(open).not.toHaveBeenCalled();
  });

  it.each([
    [{ status: 'queued', started_at: null, reason: 'waits for a GPU' }, 'queued · waits for a GPU'],
    [{ status: 'queued', started_at: null }, 'queued · submitted 1 min ago'],
    [{ status: 'running', cancel_requested: true }, 'cancelling…'],
    [{ status: 'failed', ended_at: 1061, reason: 'killed' }, 'just now · 1 min · killed']
  ] as const)('says in words where %j stands', (values, words) => {
    expect(describeJob(aJob(values), 1065)).toBe(words);
  });
});

describe('the page of a job', () => {
  it('shows progress, the log as a terminal would, and links', async () => {
    const job = aJob({ progress: { done: 3, total: 7 }, run_id: 'RUN' });
    const client = {
      job: async () => job,
      lineage: async () => null,
      jobLog: async () => ({
        text: '10%\r90%\n\u001b[31mred\u001b[0m',
        next_offset: 9,
        ended: true
      }),
      jobNotebookUrl: () => '/notebook'
    } as unknown as Client;
    const model = new JobModel('J', client, new FakeStream().changes);
    await model.refresh();
    await model.readLog();
    const open = vi.fn();
    render(
      <JobPage
        model={model}
        onOpen={open}
        onCancel={() => undefined}
        notebookOpener={() => null}
        executedNotebook={() => null}
      />
    );
    expect(screen.getByText('cell 4 of 7')).toBeTruthy();
    expect(screen.getByRole('log').textContent).toBe('90%\nred');
    fireEvent.click(screen.getByText('Run'));
    expect(open.mock.lastCall?.[0].id).toBe('run:RUN');
  });

  async function show(values: Parameters<typeof aJob>[0]) {
    const client = {
      job: async () => aJob(values),
      lineage: async () => null,
      jobLog: async () => ({ text: '', next_offset: 0, ended: true }),
      jobNotebookUrl: () => '/notebook'
    } as unknown as Client;
    const model = new JobModel('J', client, new FakeStream().changes);
    await model.refresh();
    render(
      <JobPage
        model={model}
        onOpen={() => undefined}
        onCancel={() => undefined}
        notebookOpener={() => null}
        executedNotebook={() => null}
      />
    );
  }

  it('warns of an idle GPU as long as the job runs', async () => {
    await show({ warning: 'its GPU has been idle for 10 min' });
    expect(screen.getByRole('status').textContent).toBe('its GPU has been idle for 10 min');
  });

  it('shows what was used of what was asked for, and where that is known from', async () => {
    const { spec } = aJob();
    await show({
      status: 'succeeded',
      ended_at: 1100,
      executor: 'slurm',
      choice: 'this machine is full',
      spec: {
        ...spec,
        learned: ['memory_bytes'],
        resources: { ...spec.resources, gpus: 0.5, memory_bytes: 4 * 1024 ** 3 }
      },
      used: {
        memory_bytes: 3 * 1024 ** 3,
        cpu_s: 90,
        gpu_memory_bytes: 1024 ** 3,
        gpu_load: 0.25,
        gpu_idle_s: 30
      }
    });
    const rows = (name: string) =>
      [...screen.getByRole('table', { name }).querySelectorAll('tr')].map(row => row.textContent);
    expect(rows('Used')).toEqual([
      'memory3.0 GiB at most',
      'CPU time1 min 30 s',
      'GPU memory1.0 GiB at most',
      'GPU load25% on average',
      'GPU idle30 s'
    ]);
    expect(rows('Resources')[2]).toBe('memory4.0 GiB, as past runs needed');
    expect(screen.getByText('on slurm').title).toBe('this machine is full');
  });

  it('leaves out what was not measured', async () => {
    const used = {
      memory_bytes: null,
      cpu_s: 2,
      gpu_memory_bytes: null,
      gpu_load: null,
      gpu_idle_s: null
    };
    await show({ used });
    expect(screen.getByRole('table', { name: 'Used' }).textContent).toBe('CPU time2.0 s');
  });
});
