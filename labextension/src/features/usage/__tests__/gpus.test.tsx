import { fireEvent, render, screen, within } from '@testing-library/react';
import React from 'react';
import { describe, expect, it, vi } from 'vitest';
import { FakeStream } from '../../../api/__tests__/fakes';
import { Client } from '../../../api/client';
import { RequestError } from '../../../api/request';
import { SharedGpu } from '../../../api/types';
import { GpusSection } from '../GpusSection';
import { GpusModel } from '../model';

const GIB = 1024 ** 3;
const JOB = '01h00000000000000000abcdef';

function aGpu(index: number, values: Partial<SharedGpu> = {}): SharedGpu {
  return {
    index,
    uuid: `GPU-${index}`,
    name: 'H100',
    virtual: false,
    memory_bytes: 80 * GIB,
    free_bytes: 80 * GIB,
    free_share: 1,
    holders: '',
    jobs: {},
    ...values
  };
}

async function show(...answers: (SharedGpu[] | RequestError)[]) {
  const gpus = vi.fn(async () => {
    const answer = answers.shift()!;
    if (answer instanceof RequestError) {
      throw answer;
    }
    return answer;
  });
  const onOpenJob = vi.fn();
  const model = new GpusModel({ gpus } as unknown as Client, new FakeStream().changes);
  render(<GpusSection model={model} onOpenJob={onOpenJob} />);
  expect(screen.getByRole('status').textContent).toBe('Loading…');
  await React.act(() => model.refresh());
  return { model, onOpenJob };
}

/** The text of the table's rows, cell by cell, the head first. */
function cells(): string[][] {
  const rows = within(screen.getByRole('table', { name: 'GPUs of this machine' })).getAllByRole(
    'row'
  );
  return rows.map(row => [...row.children].map(cell => cell.textContent ?? ''));
}

describe('the section of GPUs', () => {
  it('says of every GPU how much of it is taken, and by whom', async () => {
    await show([
      aGpu(0, {
        free_share: 0.5,
        free_bytes: 50 * GIB,
        holders:
          '0.5 of it taken by job bcdefg of bob; kernel of train.ipynb (process 12) holds 10.0 GiB'
      }),
      aGpu(1)
    ]);
    expect(cells()).toEqual([
      ['GPU', 'taken', 'memory', 'who has it'],
      [
        '0: H100',
        '50%',
        '30.0 GiB of 80.0 GiB',
        '0.5 of it taken by job bcdefg of bobkernel of train.ipynb (process 12) holds 10.0 GiB'
      ],
      ['1: H100', '0%', '0 B of 80.0 GiB', 'free']
    ]);
    expect(screen.getByText('kernel of train.ipynb (process 12) holds 10.0 GiB')).toBeTruthy();
    expect(screen.getAllByRole('columnheader')).toHaveLength(4);
    expect(screen.getByRole('rowheader', { name: '0: H100' }).title).toBe('GPU-0');
    expect(screen.queryByText(/virtual/)).toBeNull();
    expect(screen.queryByRole('button')).toBeNull();
  });

  it('opens the job that has one, where it is of this workspace', async () => {
    const { onOpenJob } = await show([
      aGpu(0, { free_share: 0, holders: 'taken by job abcdef of ada', jobs: { [JOB]: 'lazy' } })
    ]);
    expect(cells()[1][3]).toBe('taken by job lazy (abcdef) of ada');
    fireEvent.click(screen.getByRole('button', { name: 'job lazy (abcdef)' }));
    expect(onOpenJob.mock.calls).toEqual([[JOB]]);
  });

  it('links each of those who share one to their own job', async () => {
    const other = JOB.replace('abcdef', 'fedcba');
    const { onOpenJob } = await show([
      aGpu(0, {
        free_share: 0,
        holders: '0.5 of it taken by job abcdef of ada; 0.5 of it taken by job fedcba of ada',
        jobs: { [other]: 'second', [JOB]: 'first' }
      })
    ]);
    fireEvent.click(screen.getByRole('button', { name: 'job first (abcdef)' }));
    fireEvent.click(screen.getByRole('button', { name: 'job second (fedcba)' }));
    expect(onOpenJob.mock.calls).toEqual([[JOB], [other]]);
  });

  it('says that virtual slots are virtual, and nothing of memory that they have not', async () => {
    await show([
      aGpu(0, { name: 'virtual GPU', virtual: true, memory_bytes: null, free_bytes: null })
    ]);
    expect(cells()).toEqual([
      ['GPU', 'taken', 'who has it'],
      ['0: virtual GPU', '0%', 'free']
    ]);
    expect(screen.getByText('virtual: slots that stand for GPUs')).toBeTruthy();
  });

  it('says how to get virtual ones where there are none', async () => {
    await show([]);
    expect(screen.getByText('There are no GPUs here')).toBeTruthy();
    expect(screen.getByText('JUPYTER_MLOPS_GPU_SLOTS=2 jupyter lab')).toBeTruthy();
    expect(screen.queryByRole('table')).toBeNull();
  });

  it('shows the server’s refusal beside what was there before it', async () => {
    const refusal = new RequestError('unavailable', 'The folder of leases is away.', 503);
    const { model } = await show([aGpu(0)], refusal, [aGpu(0), aGpu(1)]);
    await React.act(() => model.refresh());
    expect(screen.getByRole('alert').textContent).toContain('The folder of leases is away.');
    expect(cells()).toHaveLength(2);
    await React.act(async () => {
      fireEvent.click(screen.getByRole('button', { name: 'Retry' }));
    });
    expect(screen.queryByRole('alert')).toBeNull();
    expect(cells()).toHaveLength(3);
  });
});
