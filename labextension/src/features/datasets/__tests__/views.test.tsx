import { act, fireEvent, render, screen, within } from '@testing-library/react';
import React from 'react';
import { describe, expect, it, vi } from 'vitest';
import { FakeStream } from '../../../api/__tests__/fakes';
import {
  accessOf,
  aColumn,
  aDataset,
  aDatasetVersion,
  aDiff,
  aDrift,
  aProfile,
  aRef,
  registryThat
} from '../../../api/__tests__/registryFakes';
import { Names } from '../../../api/names';
import { RegistryClient } from '../../../api/registryClient';
import { RequestError } from '../../../api/request';
import { CheckReport, Expectation, Impact, Node, Role } from '../../../api/types';
import { DatasetList } from '../DatasetList';
import { DatasetPage } from '../DatasetPage';
import { DatasetModel } from '../model';

const DATASET = aDataset([
  aDatasetVersion(2, {
    storage: 'reference',
    uri: 's3://team/digits.parquet',
    run_id: '01h000000000000000000run01',
    view: aRef('view', 'stats'),
    inputs: [aRef('dataset', 'raw', 3)],
    query: 'SELECT 1'
  }),
  aDatasetVersion(1, { aliases: ['prod'] })
]);
const EXPECTATION: Expectation = {
  dataset: 'digits',
  name: 'labels',
  check: 'one_of',
  columns: ['target'],
  arguments: { values: [0, 1] },
  severity: 'refuse',
  created_at: 0,
  created_by: 'ada'
};
const REPORT: CheckReport = {
  dataset: 'digits',
  version: 2,
  digest: '',
  passed: false,
  checked_at: 1000,
  duration_s: 0,
  results: [
    {
      name: 'labels',
      check: 'one_of',
      severity: 'refuse',
      passed: false,
      message: 'Other labels are there.',
      columns: ['target'],
      failing: 12,
      examples: ['7', '9']
    }
  ]
};

async function aPage(answers: Partial<RegistryClient> = {}, role: Role = 'admin') {
  const client = registryThat({
    dataset: async () => DATASET,
    lineage: async () => ({ focus: '', nodes: [], edges: [], truncated: false }),
    expectations: async () => [],
    profile: async () => aProfile(),
    report: async () => null,
    ...answers
  });
  const stream = new FakeStream();
  const model = new DatasetModel('digits', client, stream.changes, await accessOf(role));
  const opened: Node[] = [];
  const onHistory = vi.fn();
  render(
    <DatasetPage
      model={model}
      onOpen={node => opened.push(node)}
      onHistory={onHistory}
      decide={async () => 'clean'}
    />
  );
  await act(() => model.refresh());
  await act(async () => undefined);
  return { model, opened, onHistory };
}

/** The text of a table's rows, cell by cell. */
function cells(name: string): string[][] {
  const rows = within(screen.getByRole('table', { name })).getAllByRole('row');
  return rows.map(row => [...row.children].map(cell => cell.textContent ?? ''));
}

describe('the list of datasets', () => {
  it('teaches how to register one while there are none', async () => {
    const client = registryThat({ datasets: async () => [] });
    const model = new Names(() => client.datasets(), new FakeStream().changes, 'datasets');
    await model.refresh();
    render(<DatasetList model={model} onOpen={() => undefined} />);
    expect(screen.getByText(/register_dataset/)).toBeTruthy();
  });
});

describe('the page of a dataset', () => {
  it.each(['expectations', 'lineage'] as const)(
    'says that its %s cannot be read, and shows all else',
    async part => {
      const broken = async () => {
        throw new RequestError('unavailable', 'The registry is busy.', 503);
      };
      await aPage({ [part]: broken });
      expect(screen.getAllByRole('alert').map(each => each.textContent)).toEqual([
        'The registry is busy.Retry'
      ]);
      expect(screen.getByRole('table', { name: 'Versions' })).toBeTruthy();
      const claims = { expectations: /Nothing is expected/, lineage: /No run has read/ };
      expect(screen.queryByText(claims[part])).toBeNull();
    }
  );

  it('shows versions with aliases and where they are kept, and how to load the one in view', async () => {
    const { opened, onHistory } = await aPage();
    const [, second, first] = cells('Versions');
    expect([second.slice(0, 6), first[1]]).toEqual([
      ['v2', '', 'table', '1,797', '1.5 KiB', 'reference'],
      'prod'
    ]);
    expect(screen.getByText('mlops.load_dataset("digits@2")')).toBeTruthy();
    expect(screen.getByText('s3://team/digits.parquet')).toBeTruthy();
    expect(screen.getByText('SELECT 1')).toBeTruthy();
    ['0run01', 'stats@1', 'raw@3'].forEach(name => fireEvent.click(screen.getByText(name)));
    expect(opened.map(node => node.id)).toEqual([
      'run:01h000000000000000000run01',
      'view:stats@1',
      'dataset:raw@3'
    ]);
    fireEvent.click(screen.getByRole('button', { name: 'History' }));
    expect(onHistory).toHaveBeenCalledWith('dataset:digits');
  });

  it('shows what is in the columns, and marks estimates', async () => {
    const columns = [
      aColumn('age', {
        nulls: 1078,
        distinct: 431,
        approximate: ['distinct', 'quantiles'],
        quantiles: { '0.5': 41, '0.05': 18 },
        histogram: { edges: [0, 50, 100], counts: [7, 3] }
      }),
      aColumn('city', {
        type: 'string',
        kind: 'text',
        mean: null,
        std: null,
        min: 'Aachen',
        max: 'a city with a long name',
        shortest: 4,
        longest: 23,
        mean_length: 7.5,
        top: [
          { value: 'Ulm', count: 9 },
          { value: '', count: 4 }
        ]
      })
    ];
    await aPage({ profile: async () => aProfile({ columns }) });
    const rows = cells('Profile of the columns');
    expect(rows[1]).toEqual([
      'ageint64',
      '0 to 50: 750 to 100: 3',
      '60%',
      '≈ 431',
      '0',
      '4.5',
      '9'
    ]);
    expect(rows[2]).toEqual([
      'citystring',
      'Ulm, (empty)',
      '0',
      '10',
      'Aachen',
      '–',
      'a city with …'
    ]);
    const age = screen.getByRole('button', { name: 'age' });
    fireEvent.click(age);
    expect(age.getAttribute('aria-expanded')).toBe('true');
    expect(cells('Quantiles of age')).toEqual([
      ['5%', 'median'],
      ['≈ 18', '≈ 41']
    ]);
    fireEvent.click(screen.getByRole('button', { name: 'city' }));
    expect(cells('Most frequent in city').map(row => row[0])).toEqual(['Ulm', '(empty)']);
    expect(screen.getByText(/by duckdb 1.4.2/)).toBeTruthy();
  });

  it('shows the images, texts and files of a folder', async () => {
    const profile = aProfile({
      rows: null,
      images: {
        count: 3,
        formats: { PNG: 3 },
        sizes: { '8x8': 3 },
        modes: { L: 3 },
        classes: { cat: 2, dog: 1 },
        unreadable: ['broken.png']
      },
      texts: {
        files: 1,
        lines: 2,
        words: 3,
        characters: 4,
        encodings: { utf_8: 1 },
        top_words: [{ value: 'the', count: 2 }]
      },
      files: {
        count: 4,
        size_bytes: 2048,
        suffixes: { '.png': 4 },
        suffix_bytes: { '.png': 2048 },
        largest: { 'a.png': 1024 }
      }
    });
    await aPage({ profile: async () => profile });
    expect(cells('Classes').map(row => row[0])).toEqual(['cat', 'dog']);
    expect(screen.getByText('broken.png')).toBeTruthy();
    expect(screen.getByText('1 text file')).toBeTruthy();
    expect(cells('Largest files')).toEqual([['a.png', '', '1.0 KiB']]);
  });

  it('says that a profile is pending, or why there is none', async () => {
    const profile = vi.fn().mockResolvedValueOnce(aProfile({ status: 'pending' }));
    const { model } = await aPage({ profile });
    expect(screen.getByText('The content is being looked into…')).toBeTruthy();
    profile.mockResolvedValue(aProfile({ status: 'failed', problem: 'not a Parquet file' }));
    await act(() => model.profile.refresh());
    expect(screen.getByRole('alert').textContent).toContain('not a Parquet file');
    expect(cells('Schema')).toEqual([['target', 'int64']]);
  });

  it('shows what is expected and what came of the last check, and checks now', async () => {
    const check = vi.fn(async () => ({ ...REPORT, passed: true, results: [] }));
    await aPage({
      expectations: async () => [EXPECTATION],
      report: async () => REPORT,
      check
    });
    expect(screen.getByRole('status').textContent).toContain('1 check failed');
    expect(cells('Expectations')[1]).toEqual([
      '✗',
      'labels',
      'target · values=[0,1]',
      'refused',
      'Other labels are there. (12 rows)for example 7, 9'
    ]);
    await act(async () => {
      fireEvent.click(screen.getByRole('button', { name: 'Check now' }));
    });
    expect(check).toHaveBeenCalledWith('digits', 2);
    expect(screen.getByRole('status').textContent).toContain('all hold');
  });

  it('compares with the version that is chosen, then row by row', async () => {
    const diff = vi.fn(async () => aDiff({ drift: [aDrift('target')] }));
    await aPage({ diff });
    await act(async () => {
      fireEvent.change(screen.getByLabelText('Version to compare with'), {
        target: { value: '1' }
      });
    });
    expect(screen.getByRole('table', { name: 'Drift of the columns' })).toBeTruthy();
    fireEvent.click(screen.getByLabelText('target'));
    await act(async () => {
      fireEvent.click(screen.getByRole('button', { name: 'Compare rows' }));
    });
    expect(diff.mock.calls).toEqual([
      ['digits', 1, 2, []],
      ['digits', 1, 2, ['target']]
    ]);
  });

  it('tells on request what would break', async () => {
    const impact = { models: [aRef('model', 'digits', 7)] };
    const none = { focus: '', datasets: [], views: [], runs: [], jobs: [], aliases: [] };
    const { opened } = await aPage({
      impact: async () => ({ ...none, ...impact, lineage: null }) as Impact
    });
    await act(async () => {
      fireEvent.click(screen.getByRole('button', { name: 'What breaks if this version is bad?' }));
    });
    fireEvent.click(screen.getByRole('button', { name: 'digits@7' }));
    expect(opened.map(node => node.id)).toEqual(['model:digits@7']);
  });

  it('moves an alias with the reason that was given', async () => {
    const setAlias = vi.fn(async () => DATASET);
    await aPage({ setAlias } as unknown as Partial<RegistryClient>);
    const field = screen.getByLabelText('Alias for version 2');
    fireEvent.change(field, { target: { value: 'prod' } });
    await act(async () => {
      fireEvent.submit(field.closest('form')!);
    });
    const target = { version: 2, reason: 'clean', new: true };
    expect(setAlias).toHaveBeenCalledWith('datasets', 'digits', 'prod', target);
  });

  it('lets a viewer look, and says why nothing can be changed', async () => {
    await aPage({ expectations: async () => [EXPECTATION] }, 'viewer');
    const button = screen.getByRole('button', { name: 'Check now' }) as HTMLButtonElement;
    expect(button.disabled).toBe(true);
    expect(button.title).toContain('needs the role contributor');
    expect(screen.queryByRole('button', { name: /^Edit/ })).toBeNull();
  });
});
