import { act, fireEvent, render, screen, within } from '@testing-library/react';
import React from 'react';
import { describe, expect, it, vi } from 'vitest';
import { aDetail, aRun, aSummary, FakeStream } from '../../../api/__tests__/fakes';
import { accessOf } from '../../../api/__tests__/registryFakes';
import { AccessModel } from '../../../api/access';
import { Client } from '../../../api/client';
import { DataRead, Reproduction, RunDetail } from '../../../api/types';
import { plainRenderer as rendermime } from '../../../ui/__tests__/renderer';
import { AccessContext } from '../../../ui/access';
import { grouped } from '../RunHardware';
import { RunPage } from '../RunPage';
import { RunModel } from '../runModel';

const READ: DataRead = {
  uri: '/data/train.csv',
  reader: 'pandas.read_csv',
  size_bytes: 2048,
  digest: 'abcdef0123456789',
  sampled: true,
  files: null,
  rows: 1200,
  columns: { age: 'int64' },
  column_digests: {},
  time: 0,
  problem: '',
  version: { kind: 'dataset', name: 'train', version: 2, digest: 'abcdef0123456789' }
};

async function show(
  values: Partial<RunDetail>,
  more: object = {},
  access: AccessModel | null = null
) {
  const detail = aDetail(aRun({ params: { lr: 0.1, n: 7 } }), values);
  const client = {
    run: async () => detail,
    histories: async () => [],
    lineage: async () => ({ focus: '', nodes: [], edges: [] }),
    reproductions: async () => [],
    exportUrl: () => '/export',
    capturedUrl: (_: string, digest: string) => `/captured/${digest}`,
    outputUrl: () => '/output',
    ...more
  };
  const model = new RunModel('R', client as unknown as Client, new FakeStream().changes);
  await model.refresh();
  const onOpen = vi.fn();
  const { container } = render(
    <AccessContext.Provider value={access}>
      <RunPage model={model} rendermime={rendermime} onOpen={onOpen} notebookOpener={() => null} />
    </AccessContext.Provider>
  );
  return { model, onOpen, container };
}

describe('the page of a run', () => {
  it('lets a viewer read all and change nothing', async () => {
    await show({}, {}, await accessOf('viewer', 'vera'));
    const why = 'vera may not: this needs the role contributor, yours is viewer.';
    for (const name of ['Reproduce', 'Archive']) {
      const button = screen.getByRole<HTMLButtonElement>('button', { name });
      expect([button.disabled, button.title]).toEqual([true, why]);
    }
    expect(screen.getByLabelText<HTMLInputElement>('Add a tag').disabled).toBe(true);
    expect(screen.queryByRole('button', { name: 'Edit note' })).toBeNull();
    expect(screen.getByText('Export')).toBeTruthy();
  });

  it('says of each param where it was taken from', async () => {
    await show({ params_from: { lr: 'literal', n: 'read' } });
    const params = screen.getByRole('table', { name: 'Params' });
    expect(params.textContent).toBe('lr0.1n7read');
    expect(within(params).getByText('read').title).toMatch(/earlier cell/);
  });

  it('lists the data that was read, with a way to the registered version', async () => {
    const pending = { ...READ, uri: 's3://b/large.tar', digest: '', rows: null, version: null };
    const { onOpen } = await show({ data: [READ, pending] });
    const list = screen.getByRole('list', { name: 'Data that was read' });
    expect(list.textContent).toContain(
      'pandas.read_csv · 1,200 rows · 2.0 KiB · abcdef0123 (sampled)'
    );
    expect(list.textContent).toContain('digest pending');
    fireEvent.click(screen.getByRole('button', { name: 'train@2' }));
    expect(onOpen.mock.lastCall?.[0].id).toBe('dataset:train@2');
  });

  it('lists the models that were left, with how large they are', async () => {
    const model = {
      name: 'net',
      class_name: 'torch.nn.Linear',
      size_bytes: 4096,
      parameters: 1000
    };
    await show({ models: [model] });
    const models = screen.getByRole('table', { name: 'Models left in the namespace' });
    expect(within(models).getAllByRole('row')[1].textContent).toBe(
      'nettorch.nn.Linear1,0004.0 KiB'
    );
  });

  it('warns of cells that were run out of order, and tells which were needed when asked', async () => {
    const history = {
      digest: 'h',
      cells: 1,
      executed: 2,
      in_order: false,
      reason: 'cell 2 was run before cell 1'
    };
    const cells = [
      { number: 1, source: 'x = 1', ok: true, cell_id: 'a', needed: true, why: 'assigns x' },
      { number: 2, source: 'plot()', ok: false, cell_id: 'b', needed: false, why: '' }
    ];
    const executedCells = vi.fn(async () => cells);
    await show({ source: 'fit(x)', context: { history } }, { executedCells });
    expect(screen.getByText('run out of order').title).toBe('cell 2 was run before cell 1');
    expect(executedCells).not.toHaveBeenCalled();
    const fold = screen.getByText('1 cell that it depended on of the 2 executed before');
    await act(async () => {
      (fold.parentElement as HTMLDetailsElement).open = true;
      fold.parentElement!.dispatchEvent(new Event('toggle'));
    });
    const list = await screen.findByRole('list', { name: 'Executed cells, in order' });
    expect(within(list).getAllByRole('listitem')).toHaveLength(1);
    expect(list.textContent).toContain('needed: assigns x');
    fireEvent.click(screen.getByRole('checkbox', { name: /also the 1 cell/ }));
    expect(within(list).getAllByRole('listitem')[1].textContent).toContain('not needed · raised');
  });

  it('offers the files that were kept with it', async () => {
    await show({
      context: {
        lock: { digest: 'l', size_bytes: 10 },
        notebook_file: { path: '/home/ada/fit.ipynb', digest: 'n', size_bytes: 10 },
        modules: [{ name: 'pkg.ml', path: '/home/ada/pkg/ml.py', digest: 'm', size_bytes: 10 }]
      }
    });
    const links = within(screen.getByRole('list', { name: 'Files kept with the run' }))
      .getAllByRole('link')
      .map(link => [link.textContent, link.getAttribute('href')]);
    expect(links).toEqual([
      ['fit.ipynb', '/captured/n'],
      ['requirements.lock.txt', '/captured/l'],
      ['pkg.ml', '/captured/m']
    ]);
  });

  it('reports how well a reproduction agrees', async () => {
    const report: Reproduction = {
      run_id: 'R',
      job_id: '01h000000000000000000job01',
      verdict: 'differs',
      tolerance: 0.01,
      reproduced_run_id: null,
      reason: '',
      metrics: [
        { name: 'acc', original: 0.9, reproduced: 0.8, matches: false, note: 'off by 11%' },
        { name: 'loss', original: 1, reproduced: 1, matches: true, note: '' },
        { name: 'fit_s', original: 1, reproduced: 2, matches: null, note: 'a duration' }
      ],
      reasons: ['numpy 1.26 became 2.0'],
      warnings: [],
      left_out: []
    };
    await show({}, { reproductions: async () => [report] });
    expect(screen.getByText('1 of 2 metrics match within 0.01')).toBeTruthy();
    const rows = within(screen.getByRole('table', { name: /reproduction/ })).getAllByRole('row');
    expect(rows.slice(1).map(row => row.textContent)).toEqual([
      'acc0.90.8✗ off by 11%',
      'loss11✓ yes',
      'fit_s12a duration'
    ]);
    expect(screen.getByRole('list', { name: 'Why they may differ' }).textContent).toBe(
      'numpy 1.26 became 2.0'
    );
  });

  it('draws what it took of the machine over time', async () => {
    const names = ['system/gpu1_percent', 'system/rss_bytes'];
    const histories = async (ids: string[], asked: string[]) =>
      asked.map(name => ({
        run_id: ids[0],
        name,
        steps: [null, null],
        times: [5, 7],
        values: [2 ** 20, 2 ** 21]
      }));
    await show(
      { hardware: Object.fromEntries(names.map(name => [name, aSummary(2 ** 21, 2)])) },
      { histories }
    );
    expect(
      screen.getByRole('img', {
        name: 'Memory of the process over seconds, 2 points, last 2.0 MiB'
      })
    ).toBeTruthy();
    expect(screen.getByText('peak 2.0 MiB')).toBeTruthy();
  });
});

it('the series of all GPUs stand in one chart', () => {
  const names = ['system/rss_bytes', 'system/gpu1_percent', 'system/gpu0_percent'];
  expect([...grouped(names)]).toEqual([
    ['rss_bytes', ['system/rss_bytes']],
    ['gpu_percent', ['system/gpu0_percent', 'system/gpu1_percent']]
  ]);
});
