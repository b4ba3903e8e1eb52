import { act, fireEvent, render, screen } from '@testing-library/react';
import React from 'react';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { FakeStream } from '../../api/__tests__/fakes';
import {
  aDataset,
  aDatasetVersion,
  aFeatureView,
  aModel,
  theDetails
} from '../../api/__tests__/registryFakes';
import { Names } from '../../api/names';
import { Dataset, FeatureView, Model } from '../../api/types';
import { DatasetList } from '../../features/datasets/DatasetList';
import { FeatureViewList } from '../../features/featureviews/FeatureViewList';
import { ModelList } from '../../features/models/ModelList';
import { datasetIcon } from '../icons';
import { NameHeader } from '../names';

/** As high as all rows: jsdom lays nothing out. */
beforeEach(() => {
  vi.spyOn(Element.prototype, 'clientHeight', 'get').mockReturnValue(1000);
});
afterEach(() => vi.restoreAllMocks());

const many = (count: number, values: (i: number) => Partial<Dataset> = () => ({})) =>
  Array.from({ length: count }, (_, i) =>
    aDataset([aDatasetVersion(1)], { name: `set-${i}`, ...values(i) })
  );

/** A list over what the server answers, and what was opened from it. */
async function aList(answer: () => Promise<Dataset[]>) {
  const model = new Names(answer, new FakeStream().changes, 'datasets');
  const opened: string[] = [];
  render(<DatasetList model={model} onOpen={name => opened.push(name)} />);
  const loading = screen.queryByText('Loading…') !== null;
  await act(() => model.refresh());
  return { model, opened, loading };
}

const options = () => screen.queryAllByRole('option').map(row => row.textContent);

describe('a list of registered names', () => {
  it('says that it is loading, and then what went wrong, with a way to try again', async () => {
    const answer = vi.fn(async (): Promise<Dataset[]> => {
      throw new Error('The registry is down.');
    });
    const { loading } = await aList(answer);
    expect(loading).toBe(true);
    expect(screen.getByRole('alert').textContent).toContain('The registry is down.');
    answer.mockResolvedValue(many(1));
    await act(async () => {
      fireEvent.click(screen.getByRole('button', { name: 'Retry' }));
    });
    expect(screen.queryByRole('alert')).toBeNull();
    expect(options()).toHaveLength(1);
  });

  it('shows aliases before versions, and whatever has neither rows nor a number yet', async () => {
    const pending = aDatasetVersion(0, { version: null, rows: null, kind: 'folder' });
    await aList(async () => [
      aDataset([aDatasetVersion(2), aDatasetVersion(1)], { aliases: { prod: 1, test: 2 } }),
      aDataset([pending], { name: 'scans' }),
      aDataset([], { name: 'planned' })
    ]);
    const [digits, scans, planned] = options();
    expect(digits).toMatch(/^digitsprod v1\+11,797 rows · 1.5 KiB · /);
    expect(scans).toMatch(/^scanspendingfolder · /);
    expect(planned).toBe('plannedno versions');
  });

  it('opens what is chosen with the keys', async () => {
    const { opened } = await aList(async () => many(3));
    const list = screen.getByRole('listbox', { name: 'Datasets' });
    fireEvent.keyDown(list, { key: 'End' });
    fireEvent.keyDown(list, { key: 'Enter' });
    expect(opened).toEqual(['set-2']);
  });

  it('has a filter once it is long, by all that is said of a name', async () => {
    const { opened } = await aList(async () =>
      many(12, i => ({
        aliases: (i === 3 ? { Prod: 1 } : {}) as Record<string, number>,
        details: theDetails({ owner: i < 5 ? 'Zoë' : 'bob', tags: { team: `t${i}` } })
      }))
    );
    const field = screen.getByRole('searchbox', { name: 'Filter datasets' });
    const type = (value: string) => fireEvent.change(field, { target: { value } });
    type('zoë PROD');
    expect(options()).toHaveLength(1);
    expect(screen.getByRole('status').textContent).toBe('1 of 12 shown');
    fireEvent.click(screen.getByRole('option'));
    expect(opened).toEqual(['set-3']);
    type('team=t11');
    expect(options()[0]).toMatch(/^set-11/);
    type('nobody has said this');
    expect(screen.getByText('None of the 12 matches.')).toBeTruthy();
    expect(screen.queryByRole('listbox')).toBeNull();
    type(' ');
    expect(screen.getByRole('status').textContent).toBe('');
    expect(screen.getByRole('listbox')).toBeTruthy();
  });

  it('has no filter while it is short', async () => {
    await aList(async () => many(9));
    expect(screen.queryByRole('searchbox')).toBeNull();
  });

  it.each([
    [
      'Models',
      (model: Names<Model>) => <ModelList model={model} onOpen={() => undefined} />,
      aModel(),
      /LogisticRegression|Pipeline|·/
    ],
    [
      'Feature views',
      (model: Names<FeatureView>) => <FeatureViewList model={model} onOpen={() => undefined} />,
      aFeatureView(),
      /of driver · not computed yet/
    ]
  ])('is the same for %s', async (label, list, one, words) => {
    const model = new Names<never>(async () => [one as never], new FakeStream().changes, 'models');
    await model.refresh();
    render(list(model));
    expect(screen.getByRole('listbox', { name: label })).toBeTruthy();
    expect(options()[0]).toMatch(words);
  });
});

describe('the header of a registered name', () => {
  it.each([
    ['dataset', aDataset([aDatasetVersion(1)], { name: 'train' }), [], ['1 version']],
    [
      'model',
      aModel({ versions: [], details: theDetails({ owner: 'ada', licence: 'MIT' }) }),
      [],
      ['0 versions', 'of ada', 'MIT']
    ],
    ['view', aFeatureView({ name: 'spend' }), ['feature view'], ['feature view', '1 version']]
  ] as const)('of a %s says what it is and leads to its decisions', (kind, of, facts, said) => {
    const asked: string[] = [];
    const { container } = render(
      <NameHeader
        kind={kind}
        icon={datasetIcon}
        of={of}
        facts={facts}
        onHistory={subject => asked.push(subject)}
      />
    );
    expect(screen.getByRole('heading', { name: of.name, level: 1 })).toBeTruthy();
    const shown = container.querySelectorAll('.jp-mlops-Fact');
    expect([...shown].map(fact => fact.textContent)).toEqual(said);
    fireEvent.click(screen.getByRole('button', { name: 'History' }));
    expect(asked).toEqual([`${kind}:${of.name}`]);
  });
});
