import { fireEvent, render, screen, within } from '@testing-library/react';
import React from 'react';
import { describe, expect, it, vi } from 'vitest';
import { FakeStream } from '../../../api/__tests__/fakes';
import { Client } from '../../../api/client';
import { RequestError } from '../../../api/request';
import { UsageReport } from '../../../api/types';
import { UsageModel } from '../model';
import { formatHours, UsagePage } from '../UsagePage';
import { aReport, aUsage } from './aReport';

async function show(report: UsageReport | RequestError) {
  const usage = vi.fn(async () => {
    if (report instanceof RequestError) {
      throw report;
    }
    return report;
  });
  const model = new UsageModel({ usage } as unknown as Client, new FakeStream().changes);
  render(<UsagePage model={model} onOpenJob={() => undefined} />);
  await React.act(() => model.refresh());
  return { model, usage };
}

/** The text of the table's rows, cell by cell. */
function cells(name: string): string[][] {
  const rows = within(screen.getByRole('table', { name })).getAllByRole('row');
  return rows.slice(1).map(row => [...row.children].map(cell => cell.textContent ?? ''));
}

describe('the page of usage', () => {
  it('sets what was used against what was held, row by row', async () => {
    await show(
      aReport([
        aUsage('ada'),
        aUsage('bob', { gpu_hours: 0, gpu_load: null, failed: 1, lost: 1, wait_mean_s: null })
      ])
    );
    expect(cells('Usage by user')).toEqual([
      ['ada', '4', '', '8', '2', '43%', '3 of 16', '25%', '1 min 1 s'],
      ['bob', '4', '2', '0', '', '', '3 of 16', '25%', ''],
      ['total', '9', '', '8', '2', '43%', '3 of 16', '25%', '1 min 1 s']
    ]);
    expect(screen.getByText('9 attempts')).toBeTruthy();
    expect(screen.getByText('1 running')).toBeTruthy();
    expect(screen.getByText('7 measured')).toBeTruthy();
    expect(screen.getAllByTitle('at most 5 min')).toHaveLength(2);
  });

  it('shows notebooks by their names, and their paths to who points at them', async () => {
    await show(aReport([aUsage('/home/ada/train.ipynb')], { by: 'notebook', since: 0 }));
    expect(cells('Usage by notebook').map(row => row[0])).toEqual(['train.ipynb']);
    expect(screen.getByTitle('/home/ada/train.ipynb')).toBeTruthy();
    expect(screen.queryByText(/^since/)).toBeNull();
  });

  it('asks for what the reader chooses', async () => {
    const { usage } = await show(aReport([aUsage('ada')]));
    await React.act(async () => {
      fireEvent.change(screen.getByLabelText('by'), { target: { value: 'day' } });
    });
    await React.act(async () => {
      fireEvent.change(screen.getByLabelText('time'), { target: { value: '30d' } });
    });
    expect(usage.mock.lastCall).toEqual([{ by: 'day', since: '30d' }]);
  });

  it('says when there is nothing to show', async () => {
    await show(aReport([]));
    expect(screen.getByText('No job has run in that time')).toBeTruthy();
    expect(screen.queryByRole('table')).toBeNull();
    expect(screen.getByLabelText('time')).toBeTruthy();
  });

  it('shows the server’s refusal', async () => {
    await show(new RequestError('unavailable', 'The database is away.', 503));
    expect(screen.getByRole('alert').textContent).toContain('The database is away.');
  });

  it.each([
    [0, '0'],
    [0.001, '< 0.01'],
    [2.345, '2.35'],
    [23.45, '23.5'],
    [1234.5, '1,235']
  ])('writes %d hours as %s', (hours, words) => {
    expect(formatHours(hours)).toBe(words);
  });
});
