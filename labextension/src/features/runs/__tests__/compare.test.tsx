import { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import { fireEvent, render, screen, within } from '@testing-library/react';
import React from 'react';
import { describe, expect, it, vi } from 'vitest';
import { aRun, aSummary, FakeStream } from '../../../api/__tests__/fakes';
import { Client } from '../../../api/client';
import { Comparison, ParallelCoordinates, RunTable } from '../../../api/types';
import { change } from '../../../ui/comparison';
import { ComparePage } from '../ComparePage';
import { ComparisonModel } from '../compareModel';
import { extremes } from '../CompareTable';
import { RunsModel } from '../model';

const [first, second, third] = ['1', '2', '3'].map(id =>
  aRun({ id, name: `run${id}`, metrics: { loss: aSummary(Number(id), 5), acc: aSummary(1) } })
);

describe('picking runs', () => {
  async function aModel(): Promise<RunsModel> {
    const runs = async () => ({ runs: [first, second, third], total: 3 });
    const model = new RunsModel({ runs } as unknown as Client, new FakeStream().changes);
    await model.refresh();
    return model;
  }

  it('holds them in the order in which they were picked, and lets go of one picked again', async () => {
    const model = await aModel();
    [third, first, second, first].forEach(run => model.pick(run));
    expect(model.picked).toEqual([third, second]);
  });

  it('takes all from the last one picked to this one', async () => {
    const model = await aModel();
    model.pick(third);
    model.pickTo(0);
    expect(model.picked).toEqual([third, second, first]);
  });
});

it.each([
  [0.9, 0.95, '+0.05'],
  [2, 1, '−1'],
  [null, 1, ''],
  ['NaN', 1, '']
] as const)('the change from %s to %s is %j', (a, b, words) => {
  expect(change(a, b)).toBe(words);
});

it('the least and the greatest of some values are marked, and none where all are the same', () => {
  expect([...extremes([3, null, 1, 'NaN', 3])]).toEqual([
    [0, 'jp-mlops-Greatest'],
    [2, 'jp-mlops-Least'],
    [4, 'jp-mlops-Greatest']
  ]);
  expect(extremes([2, 2]).size).toBe(0);
});

const PAIR: Comparison = {
  a: first,
  b: second,
  params: [{ key: 'C', a: 0.1, b: null }],
  metrics: [{ key: 'acc', a: 0.9, b: 0.95 }],
  tags: [],
  inputs: [],
  data: [
    {
      name: 'train.csv',
      a: 'train@1',
      b: 'train@2',
      rows_a: 100,
      rows_b: 120,
      columns: [{ column: 'age', change: 'type', a: 'int64', b: 'float64' }],
      columns_known: true,
      note: ''
    }
  ],
  packages: [],
  environment: [],
  source_diff: '',
  code: [
    { change: 'gap', a_line: null, a_text: '2 lines', b_line: null, b_text: '' },
    { change: 'changed', a_line: 3, a_text: 'old', b_line: 3, b_text: 'new' },
    { change: 'added', a_line: null, a_text: '', b_line: 4, b_text: 'more' }
  ]
};
const TABLE: RunTable = {
  runs: [first, second, third],
  rows: [{ kind: 'params', key: 'C', values: [0.1, null, 10] }]
};
const COORDINATES: ParallelCoordinates = {
  axes: [
    { key: 'params.C', scale: 'linear', domain: [0, 10] },
    { key: 'metrics.loss', scale: 'linear', domain: [1, 3] }
  ],
  lines: [first, second, third].map(({ id, name }, i) => ({
    run_id: id,
    name,
    status: 'finished',
    values: [i, i],
    positions: [i / 2, i / 2]
  }))
};

function aClient(runs = TABLE.runs) {
  return {
    compare: vi.fn(async () => PAIR),
    compareTable: vi.fn(async () => ({ ...TABLE, runs })),
    compareFigures: vi.fn(async () => ({ runs: [], rows: [] })),
    parallel: vi.fn(async () => COORDINATES),
    histories: vi.fn(async () => [])
  };
}

async function show(ids: string[], client: ReturnType<typeof aClient>) {
  const model = new ComparisonModel(ids, client as unknown as Client, new FakeStream().changes);
  await model.refresh();
  const open = vi.fn();
  const rendermime = {} as IRenderMimeRegistry;
  render(<ComparePage model={model} rendermime={rendermime} onOpen={open} />);
  return { model, open };
}

describe('the page of two runs', () => {
  it('shows what differs, with a way to each run', async () => {
    const client = aClient([first, second]);
    const { open } = await show(['1', '2'], client);
    expect(client.compare).toHaveBeenCalledWith('1', '2');
    expect(client.parallel).not.toHaveBeenCalled();
    const metric = within(screen.getByRole('table', { name: 'Metrics' })).getByRole('row');
    expect(metric.textContent).toBe('acc0.90.95+0.05');
    expect(screen.getByRole('table', { name: 'Params' }).textContent).toBe('C0.1–');
    expect(screen.getByText('tags, environment, packages')).toBeTruthy();
    fireEvent.click(screen.getByRole('button', { name: 'run2 2' }));
    expect(open.mock.lastCall?.[0].id).toBe('run:2');
  });

  it('tells which columns of the data changed', async () => {
    await show(['1', '2'], aClient([first, second]));
    expect(screen.getByRole('table', { name: 'Data' }).textContent).toBe(
      'train.csvtrain@1train@2+20 rowsage int64 → float64'
    );
  });

  it('puts the lines of code beside each other', async () => {
    await show(['1', '2'], aClient([first, second]));
    const code = screen.getByRole('table', { name: 'Code of the two runs' });
    const rows = within(code).getAllByRole('row');
    expect(rows.map(row => row.textContent)).toEqual(['⋯ 2 lines', '3old3new', '4more']);
  });
});

describe('the page of many runs', () => {
  it('asks once for the points of all of them', async () => {
    const client = aClient();
    await show(['1', '2', '3'], client);
    expect(client.histories.mock.calls).toEqual([[['1', '2', '3'], ['loss'], 500]]);
    expect(client.compare).not.toHaveBeenCalled();
  });

  it('has a column a run', async () => {
    await show(['1', '2', '3'], aClient());
    const params = screen.getByRole('table', { name: 'Params' });
    expect(within(params).getAllByRole('row')[1].textContent).toBe('C0.1–10');
  });

  it('draws only the runs that pass the ranges of the axes', async () => {
    const { model } = await show(['1', '2', '3'], aClient());
    const axis = screen.getByRole('button', { name: /^Axis metrics\.loss/ });
    fireEvent.keyDown(axis, { key: 'ArrowUp' });
    expect([...model.hidden]).toEqual(['1', '2']);
    expect(screen.getByRole('checkbox', { name: 'Draw run1 1' })).toHaveProperty('checked', false);
    fireEvent.click(screen.getByText('show all'));
    expect(model.hidden.size).toBe(0);
  });

  it('lets a run be hidden by hand', async () => {
    const { model } = await show(['1', '2', '3'], aClient());
    fireEvent.click(screen.getByRole('checkbox', { name: 'Draw run2 2' }));
    expect([...model.hidden]).toEqual(['2']);
  });
});
