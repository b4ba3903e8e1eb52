import { act, fireEvent, render, screen } from '@testing-library/react';
import React from 'react';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { aRun, aSummary, FakeStream } from '../../../api/__tests__/fakes';
import { Client } from '../../../api/client';
import { RequestError } from '../../../api/request';
import { RunsModel } from '../model';
import { RunList, RunRow } from '../RunList';

function aList(runs: () => Promise<unknown>) {
  return new RunsModel(
    { runs, tableUrl: () => '/table' } as unknown as Client,
    new FakeStream().changes
  );
}

describe('a row of the list of runs', () => {
  it('tells status, name, age and the first metrics', () => {
    const run = aRun({
      status: 'failed',
      status_reason: 'ValueError',
      metrics: { acc: aSummary(0.97123), loss: aSummary(NaN) }
    });
    const { container } = render(<RunRow run={run} now={1000 + 120} />);
    expect(screen.getByRole('img').getAttribute('aria-label')).toBe('failed: ValueError');
    expect(container.textContent).toBe('svmacc 0.97120run01 · 2 min ago · 12 s · digitsloss NaN');
  });

  it('stands empty while its page is read', () => {
    render(<RunRow run={undefined} now={0} />);
    expect(screen.getByLabelText('loading')).toBeTruthy();
  });
});

describe('the list of runs', () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });

  afterEach(() => {
    vi.useRealTimers();
  });

  it('teaches what to type while there are no runs', async () => {
    const model = aList(async () => ({ runs: [], total: 0 }));
    await model.refresh();
    render(<RunList model={model} onOpen={() => undefined} onCompare={() => undefined} />);
    expect(screen.getByText(/%load_ext jupyter_mlops/)).toBeTruthy();
  });

  it('sends the filter after a pause in typing and shows why it was refused', async () => {
    const runs = vi.fn().mockResolvedValue({ runs: [], total: 0 });
    const model = aList(runs);
    await model.refresh();
    render(<RunList model={model} onOpen={() => undefined} onCompare={() => undefined} />);
    const refusal = new RequestError('invalid_filter', 'No such field: metric', 400);
    runs.mockRejectedValue(refusal);
    const field = screen.getByLabelText('Filter runs');
    fireEvent.change(field, { target: { value: 'metric' } });
    fireEvent.change(field, { target: { value: 'metric.x > 1' } });
    await act(() => vi.advanceTimersByTimeAsync(400));
    expect(runs).toHaveBeenCalledTimes(2);
    expect(runs.mock.lastCall?.[0].filter).toBe('metric.x > 1');
    expect(screen.getByRole('alert').textContent).toBe('No such field: metric');
    expect(field.getAttribute('aria-invalid')).toBe('true');
  });

  it('offers to try again when the server cannot be reached', async () => {
    const runs = vi.fn().mockRejectedValue(new RequestError('unreachable', 'No answer'));
    const model = aList(runs);
    await model.refresh();
    render(<RunList model={model} onOpen={() => undefined} onCompare={() => undefined} />);
    fireEvent.click(screen.getByText('Retry'));
    expect(runs).toHaveBeenCalledTimes(2);
  });
});
