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
});
