import { fireEvent, render, screen, within } from '@testing-library/react';
import React from 'react';
import { describe, expect, it, vi } from 'vitest';
import { FakeStream } from '../../../api/__tests__/fakes';
import { Client } from '../../../api/client';
import { RequestError } from '../../../api/request';
import { SweepDetail } from '../../../api/types';
import { SweepModel } from '../model';
import { SweepPage } from '../SweepPage';
import { aDetail, aSweepSpec, aTrial, SWEEP } from './aSweep';

// jsdom has no layout, and the table asks how high it is
for (const name of ['clientHeight', 'clientWidth']) {
  Object.defineProperty(Element.prototype, name, { value: 420, configurable: true });
}

const trials = [
  aTrial(0, { value: 0.8, params: { lr: 0.01, model: 'tree' } }),
  aTrial(1, { value: 0.3, status: 'pruned', reason: 'pruned at step 3' }),
  aTrial(2, { value: 0.97312345, params: { lr: 0.2, model: 'svm' } }),
  aTrial(3, { status: 'running', ended_at: null, value: 0.1 }),
  aTrial(4, { status: 'queued', started_at: null, ended_at: null, run_id: null })
];

async function show(detail: SweepDetail | RequestError) {
  const client = {
    sweep: async () => {
      if (detail instanceof RequestError) {
        throw detail;
      }
      return detail;
    },
    histories: async () => []
  };
  const model = new SweepModel(SWEEP, client as unknown as Client, new FakeStream().changes);
  const calls = { onOpen: vi.fn(), onCancel: vi.fn(), onCompare: vi.fn() };
  const view = render(<SweepPage model={model} {...calls} notebookOpener={() => null} />);
  expect(screen.getByText('Loading…')).toBeTruthy();
  await React.act(() => model.refresh());
  return { model, ...calls, ...view };
}

/** The text of the table's rows, cell by cell. */
function cells(): string[][] {
  const rows = within(screen.getByRole('table', { name: 'Trials' })).getAllByRole('row');
  return rows.map(row => [...row.children].map(cell => cell.textContent ?? ''));
}

describe('the page of a sweep', () => {
  it('says where it stands, what it is after and how', async () => {
    await show(aDetail(trials));
    expect(screen.getByRole('heading', { level: 1 }).textContent).toBe('tuning');
    for (const words of ['maximize acc', 'tpe sampler', 'median pruner', '2 at once']) {
      expect(screen.getByText(words)).toBeTruthy();
    }
    const counts = within(screen.getByRole('list', { name: 'Trials by status' }));
    expect(counts.getAllByRole('listitem').map(item => item.textContent)).toEqual([
      '3 of 10 trials done',
      '2 finished',
      '1 pruned',
      '1 running',
      '1 queued',
      '5 to come'
    ]);
    const bar = screen.getByRole('progressbar');
    expect([bar.getAttribute('aria-valuenow'), bar.getAttribute('aria-valuemax')]).toEqual([
      '3',
      '10'
    ]);
  });

  it('shows the best trial with the ways to its job and its run', async () => {
    const { onOpen } = await show(aDetail(trials));
    const best = within(screen.getByRole('region', { name: 'Best trial' }));
    expect(best.getByText('0.97312')).toBeTruthy();
    expect(best.getByText('best so far, trial 2')).toBeTruthy();
    expect(best.getByText('lr').nextSibling?.textContent).toBe('0.2');
    fireEvent.click(best.getByRole('button', { name: 'Job' }));
    expect(onOpen.mock.lastCall?.[0].id).toBe(`job:${trials[2].job_id}`);
    fireEvent.click(best.getByRole('button', { name: 'Run' }));
    expect(onOpen.mock.lastCall?.[0].id).toBe(`run:${trials[2].run_id}`);
  });

  it('has a table of the trials that is ordered by its heads', async () => {
    await show(aDetail(trials));
    expect(cells()[0].map(title => title.trim())).toEqual([
      '',
      'trial',
      'status',
      'acc ▾',
      'lr',
      'model',
      'duration',
      'job'
    ]);
    expect(cells()[1].slice(1, 7)).toEqual(['2', 'finished', '★0.97312', '0.2', 'svm', '10 s']);
    fireEvent.click(screen.getByRole('button', { name: 'trial' }));
    expect(
      cells()
        .slice(1)
        .map(row => row[1])
    ).toEqual(['0', '1', '2', '3', '4']);
    fireEvent.click(screen.getByRole('button', { name: 'trial' }));
    expect(
      cells()
        .slice(1)
        .map(row => row[1])
    ).toEqual(['4', '3', '2', '1', '0']);
    const head = screen.getByRole('columnheader', { name: 'trial' });
    expect(head.getAttribute('aria-sort')).toBe('descending');
    expect(screen.getByRole('img', { name: 'pruned: pruned at step 3' })).toBeTruthy();
  });

  it('opens a trial’s run, or its job where there is none yet', async () => {
    const { onOpen } = await show(aDetail(trials));
    fireEvent.click(screen.getByRole('button', { name: 'Trial 0: open its run' }));
    expect(onOpen.mock.lastCall?.[0].id).toBe(`run:${trials[0].run_id}`);
    fireEvent.click(screen.getByRole('button', { name: 'Trial 4: open its job' }));
    expect(onOpen.mock.lastCall?.[0].id).toBe(`job:${trials[4].job_id}`);
  });

  it('compares the runs of picked trials', async () => {
    const { onCompare } = await show(aDetail(trials));
    const compare = screen.getByRole('button', { name: 'Compare' }) as HTMLButtonElement;
    expect(compare.disabled).toBe(true);
    fireEvent.click(screen.getByRole('checkbox', { name: 'Pick trial 0' }));
    fireEvent.click(screen.getByRole('checkbox', { name: 'Pick trial 1' }));
    fireEvent.click(compare);
    expect(onCompare).toHaveBeenLastCalledWith([trials[0].run_id, trials[1].run_id]);
    fireEvent.click(screen.getByRole('button', { name: 'Pick the best 2' }));
    fireEvent.click(compare);
    expect(onCompare).toHaveBeenLastCalledWith([trials[0].run_id, trials[2].run_id]);
  });

  it('keeps the trials that pass a part of an axis', async () => {
    await show(aDetail(trials));
    fireEvent.keyDown(screen.getByRole('button', { name: /Axis metrics\.acc/ }), {
      key: 'ArrowUp'
    });
    expect(
      cells()
        .slice(1)
        .map(row => row[1])
    ).toEqual(['2']);
    expect(screen.getByText('1 of 5 trials: those that pass above')).toBeTruthy();
  });

  it('shows how much each param matters, the most first', async () => {
    await show(aDetail(trials, {}, { importance: { lr: 0.004, model: 0.996 } }));
    const table = screen.getByRole('table', { name: 'How much each param matters for acc' });
    const rows = within(table).getAllByRole('row');
    expect(rows.map(row => row.textContent)).toEqual(['model100%', 'lr< 1%']);
  });

  it('says why it cannot tell yet how much params matter', async () => {
    await show(aDetail(trials));
    expect(screen.getByText(/when a few more trials have finished/)).toBeTruthy();
  });

  it('has the command that opens the study, to copy', async () => {
    const command = 'optuna-dashboard sqlite:////home/ada/sweeps.sqlite';
    const writeText = vi.fn(async () => undefined);
    Object.defineProperty(navigator, 'clipboard', { value: { writeText }, configurable: true });
    await show(aDetail(trials, {}, { dashboard: command }));
    expect(screen.getByText(command)).toBeTruthy();
    fireEvent.click(screen.getByRole('button', { name: /Copy the command/ }));
    expect(writeText).toHaveBeenCalledWith(command);
    expect(await screen.findByText('Copied')).toBeTruthy();
  });

  it('is cancelled once, while it goes on', async () => {
    const { onCancel } = await show(aDetail(trials));
    fireEvent.click(screen.getByRole('button', { name: 'Cancel' }));
    expect(onCancel).toHaveBeenCalledWith(SWEEP);
  });

  it('says that it is being cancelled', async () => {
    await show(aDetail(trials, { cancel_requested: true }));
    expect(screen.getByText(/Being cancelled/)).toBeTruthy();
    const button = screen.getByRole('button', { name: 'Cancelling…' }) as HTMLButtonElement;
    expect(button.disabled).toBe(true);
  });

  it.each(['cancelled', 'failed'] as const)('says why it has %s', async status => {
    await show(
      aDetail(trials, { status, reason: 'every trial so far has failed', ended_at: 1100 })
    );
    expect(screen.getByText('every trial so far has failed')).toBeTruthy();
    expect(screen.queryByRole('button', { name: /Cancel/ })).toBeNull();
    expect(screen.queryByText(/to come/)).toBeNull();
  });

  it('says what comes while it has no trial', async () => {
    await show(aDetail([]));
    expect(screen.getByText('No trial yet')).toBeTruthy();
    expect(screen.queryByRole('table', { name: 'Trials' })).toBeNull();
  });

  it('has no best, no charts and no importance without a goal', async () => {
    await show(aDetail(trials, { spec: aSweepSpec({ goal: null, sampler: 'grid' }) }));
    expect(screen.getByText(/No trial is best without a goal/)).toBeTruthy();
    expect(screen.queryByText('Importance')).toBeNull();
    expect(screen.queryByText('Progress')).toBeNull();
    expect(
      cells()
        .slice(1)
        .map(row => row[1])
    ).toEqual(['0', '1', '2', '3', '4']);
  });

  it('tells what the server refused', async () => {
    await show(new RequestError('not_found', 'No sweep zzzz.', 404));
    expect(screen.getByRole('alert').textContent).toContain('No sweep zzzz.');
  });

  it('keeps only the rows in view in the document', async () => {
    const many = Array.from({ length: 2_000 }, (_, i) => aTrial(i, { value: i }));
    await show(aDetail(many));
    const table = screen.getByRole('table', { name: 'Trials' });
    expect(table.getAttribute('aria-rowcount')).toBe('2001');
    expect(cells().length).toBeLessThan(60);
  });
});
