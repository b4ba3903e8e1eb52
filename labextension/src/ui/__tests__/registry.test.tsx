import { act, fireEvent, render, screen, within } from '@testing-library/react';
import React from 'react';
import { describe, expect, it, vi } from 'vitest';
import { aDiff, aDrift, aRef } from '../../api/__tests__/registryFakes';
import { Lineage, Node } from '../../api/types';
import { AliasEditor } from '../aliases';
import { DatasetDiffView } from '../datasetDiff';
import { DetailsEditor } from '../details';
import { restrict } from '../directions';
import { Histogram, TwoHistograms } from '../histogram';
import { ImpactList } from '../impact';
import { LineageGraph } from '../lineage';
import { AliasSummary } from '../marks';
import { Counts, formatShare } from '../shares';

/** The text of a table's rows, cell by cell. */
function cells(name: string): string[][] {
  const rows = within(screen.getByRole('table', { name })).getAllByRole('row');
  return rows.map(row => [...row.children].map(cell => cell.textContent ?? ''));
}

describe('a histogram', () => {
  it('says in words where most of it lies', () => {
    render(<Histogram name="age" counts={[1, 7, 2]} edges={[0, 10, 20, 30]} />);
    expect(
      screen.getByRole('img', {
        name: 'Histogram of age: 3 bins from 0 to 30, most between 10 to 20'
      })
    ).toBeTruthy();
    expect(screen.getByText('10 to 20: 7')).toBeTruthy();
  });

  it('of two distributions compares their shares, whatever their sizes', () => {
    const { container } = render(
      <TwoHistograms
        name="age"
        before={[1, 3]}
        after={[50, 50]}
        bin={i => `bin ${i}`}
        height={34}
      />
    );
    expect([...container.querySelectorAll('title')].map(title => title.textContent)).toEqual([
      'bin 0: 25.0% → 50.0%',
      'bin 1: 75.0% → 50.0%'
    ]);
    const [low, high] = [...container.querySelectorAll('.jp-mod-bar')];
    expect(low.getAttribute('height')).toBe(high.getAttribute('height'));
    expect(container.querySelectorAll('path.jp-mod-line')).toHaveLength(1);
  });
});

describe('counts', () => {
  it('put the most frequent first and cut what is long', () => {
    render(<Counts title="Words" counts={{ a: 1, b: 30, c: 2 }} most={2} />);
    expect(cells('Words')).toEqual([['b', '', '30'], ['c', '', '2'], ['and 1 more']]);
  });

  it.each([
    [0, '0%'],
    [0.0001, '< 0.1%'],
    [0.0344, '3.4%'],
    [0.571, '57%']
  ])('write the share %d as %s', (share, words) => {
    expect(formatShare(share)).toBe(words);
  });
});

describe('the difference of two versions', () => {
  it('shows schema, sizes and drift, the largest first, told without colours', () => {
    const diff = aDiff({
      added: [{ name: 'day', type: 'date32' }],
      retyped: [{ name: 'id', before: 'int32', after: 'int64' }],
      drift: [
        aDrift('calm'),
        aDrift('wild', {
          verdict: 'large',
          psi: 0.4,
          ks: 0.3,
          ks_p: 1e-9,
          mean_after: 6,
          nulls_after: 0.25
        })
      ],
      notes: ['Too wide.']
    });
    render(<DatasetDiffView diff={diff} />);
    expect(screen.getByText('100 → 120 rows (+20)')).toBeTruthy();
    expect(screen.getByRole('group', { name: 'Changes of the schema' }).textContent).toBe(
      'day added (date32)id int32 → int64'
    );
    const rows = cells('Drift of the columns').map(row => row.filter((_, i) => i !== 2));
    expect(rows.slice(1)).toEqual([
      ['wild', '▲ large', '0.4', '0.3 (< 0.001)', '4.5 → 6', '0% → 25%'],
      ['calm', '≈ stable', '0.01', '0.02 (0.8)', '4.5', '0%']
    ]);
    expect(screen.getByText('Too wide.')).toBeTruthy();
    expect(screen.getAllByText('5 to 10: 50.0% → 80.0%')).toHaveLength(2);
  });

  it('says when the contents are the same', () => {
    render(<DatasetDiffView diff={aDiff({ same: true })} />);
    expect(screen.getByText('The contents are the same.')).toBeTruthy();
  });

  it('matches rows by their keys, with examples', () => {
    const rows = {
      keys: ['id'],
      added: 2,
      removed: 0,
      changed: 1,
      unchanged: 1234,
      changed_columns: { fare: 1 },
      examples: [
        { kind: 'changed', key: { id: 7 }, before: { fare: 1.5 }, after: { fare: 2 } },
        { kind: 'added', key: { id: 8 }, before: {}, after: { fare: 3 } }
      ]
    };
    render(<DatasetDiffView diff={aDiff({ rows })} />);
    const group = screen.getByRole('group', { name: 'Rows by their keys' });
    expect(group.textContent).toContain('rows by id2 added0 removed1 changed1,234 the same');
    expect(cells('Examples of changed rows')).toEqual([
      ['changed', 'id=7', 'fare: 1.5 → 2'],
      ['added', 'id=8', '']
    ]);
  });

  it('lists the files of folders', () => {
    const files = {
      added: 1,
      removed: 0,
      changed: 1,
      unchanged: 9,
      added_paths: ['cats/9.png'],
      removed_paths: [],
      changed_paths: ['cats/1.png']
    };
    render(<DatasetDiffView diff={aDiff({ rows_before: null, rows_after: null, files })} />);
    expect(screen.getByRole('group', { name: 'Files' }).textContent).toContain('1 file added');
    expect(screen.getByText('cats/9.png')).toBeTruthy();
    expect(screen.queryByText('The schema is the same.')).toBeNull();
  });
});

describe('aliases of a version', () => {
  function show(values: Partial<React.ComponentProps<typeof AliasEditor>> = {}) {
    const acts = {
      decide: vi.fn(async () => 'because' as string | null),
      onMove: vi.fn(async () => true),
      onRemove: vi.fn(async () => true)
    };
    render(
      <AliasEditor
        name="digits"
        version={2}
        here={['next']}
        all={{ champion: 1, next: 2 }}
        refused=""
        {...acts}
        {...values}
      />
    );
    return acts;
  }

  async function type(alias: string) {
    const field = screen.getByLabelText('Alias for version 2');
    fireEvent.change(field, { target: { value: alias } });
    await act(async () => {
      fireEvent.submit(field.closest('form')!);
    });
    return field as HTMLInputElement;
  }

  it('move here from the version that had them, with a reason', async () => {
    const { decide, onMove } = show();
    expect((await type('champion')).value).toBe('');
    expect(decide).toHaveBeenCalledWith({
      title: 'Move alias',
      question: 'Point the alias “champion” of digits from version 1 at version 2?',
      action: 'Move'
    });
    expect(onMove).toHaveBeenCalledWith('champion', 2, 'because');
  });

  it.each([
    [{ champion: 1, next: 2 }, ' There is champion, next.'],
    [{}, '']
  ])('that are new are said to be, beside those that there are: %j', async (all, there) => {
    const { decide, onMove } = show({ all });
    await type('champoin');
    expect(decide).toHaveBeenCalledWith({
      title: 'Add alias',
      question: `Make “champoin”, a new alias of digits, and point it at version 2?${there}`,
      action: 'Add'
    });
    expect(onMove).toHaveBeenCalledWith('champoin', 2, 'because');
  });

  it('stay where they are when the user goes back, or the server refuses', async () => {
    const { onMove } = show({ decide: async () => null });
    expect((await type('champion')).value).toBe('champion');
    expect(onMove).not.toHaveBeenCalled();
  });

  it('keep what was typed when the server refuses', async () => {
    show({ onMove: async () => false });
    expect((await type('champion')).value).toBe('champion');
  });

  it('are removed after a question', async () => {
    const { onRemove } = show();
    await act(async () => {
      fireEvent.click(screen.getByRole('button', { name: 'Remove alias next' }));
    });
    expect(onRemove).toHaveBeenCalledWith('next', 'because');
  });

  it('cannot be changed by who may not, and say why', () => {
    show({ refused: 'You may not.' });
    const buttons = screen.getAllByRole('button') as HTMLButtonElement[];
    expect(buttons.map(button => [button.disabled, button.title])).toEqual([
      [true, 'You may not.'],
      [true, 'You may not.']
    ]);
  });

  it('are summed up in a list', () => {
    render(<AliasSummary aliases={{ champion: 3, old: 1, older: 1 }} otherwise="v4" />);
    expect(screen.getByText('champion v3').title).toBe('champion is version 3');
    expect(screen.getByText('+2').title).toBe('old is version 1, older is version 1');
    expect(screen.queryByText('v4')).toBeNull();
  });
});

describe('what is said of a thing', () => {
  const said = { description: 'Scans', tags: { a: '1' }, owner: 'ada', licence: '' };

  it('is changed field by field', () => {
    const onSave = vi.fn();
    render(<DetailsEditor of="dataset digits" {...said} refused="" onSave={onSave} />);
    fireEvent.click(screen.getByRole('button', { name: 'Edit licence of dataset digits' }));
    const field = screen.getByLabelText('licence of dataset digits');
    fireEvent.change(field, { target: { value: 'MIT' } });
    fireEvent.keyDown(field, { key: 'Enter' });
    fireEvent.click(screen.getByRole('button', { name: 'Remove tag a' }));
    expect(onSave.mock.calls).toEqual([[{ licence: 'MIT' }], [{ tags: { a: null } }]]);
  });

  it('is only read by who may not change it', () => {
    render(<DetailsEditor of="dataset digits" {...said} refused="Not you." onSave={vi.fn()} />);
    expect(screen.queryAllByRole('button')).toEqual([]);
    expect(screen.getByText('Scans').title).toBe('Not you.');
    expect((screen.getByLabelText('Add a tag') as HTMLInputElement).disabled).toBe(true);
  });
});

describe('impact', () => {
  it('lists what came of something by kind, each with its page', () => {
    const opened: Node[] = [];
    const impact = {
      focus: 'dataset:raw@1',
      datasets: [],
      views: [aRef('view', 'stats')],
      runs: ['01h000000000000000000run01'],
      jobs: [],
      models: [aRef('model', 'digits', 2)],
      aliases: ['digits@champion', 'dataset:train@gold'],
      lineage: null
    };
    render(<ImpactList impact={impact} onOpen={node => opened.push(node)} />);
    expect(cells('Impact')).toEqual([
      ['aliases (2)', 'digits@championtrain@gold (dataset)'],
      ['models (1)', 'digits@2'],
      ['feature views (1)', 'stats@1'],
      ['runs (1)', '0run01']
    ]);
    screen.getAllByRole('button').forEach(button => fireEvent.click(button));
    expect(opened.map(node => [node.kind, node.id])).toEqual([
      ['alias', 'alias:digits@champion'],
      ['alias', 'alias:dataset:train@gold'],
      ['model', 'model:digits@2'],
      ['view', 'view:stats@1'],
      ['run', 'run:01h000000000000000000run01']
    ]);
  });

  it('says when nothing came of it', () => {
    const none = { datasets: [], views: [], runs: [], jobs: [], models: [], aliases: [] };
    render(<ImpactList impact={{ focus: 'x', ...none, lineage: null }} onOpen={vi.fn()} />);
    expect(screen.getByText('Nothing that is known was made from it.')).toBeTruthy();
  });
});

describe('a side of the lineage', () => {
  const node = (id: string): Node => ({ id, kind: id.split(':')[0], label: id, status: '' });
  const edge = (source: string, target: string) => ({ source, target, relation: 'read' });
  const lineage: Lineage = {
    focus: 'run:r',
    nodes: ['dataset:d@1', 'run:r', 'model:m@1', 'alias:m@champion', 'run:other'].map(node),
    edges: [
      edge('dataset:d@1', 'run:r'),
      edge('run:r', 'model:m@1'),
      edge('model:m@1', 'alias:m@champion'),
      edge('dataset:d@1', 'run:other')
    ],
    truncated: false
  };

  it('is all that led there, or all that came of it', () => {
    const ids = (part: Lineage) => part.nodes.map(each => each.id);
    expect(ids(restrict(lineage, 'upstream'))).toEqual(['dataset:d@1', 'run:r']);
    expect(ids(restrict(lineage, 'downstream'))).toEqual([
      'run:r',
      'model:m@1',
      'alias:m@champion'
    ]);
    expect(restrict(lineage, 'upstream').edges).toEqual([edge('dataset:d@1', 'run:r')]);
    expect(restrict(lineage, 'all')).toBe(lineage);
  });

  it('is chosen above the picture', () => {
    render(<LineageGraph lineage={lineage} onOpen={vi.fn()} />);
    expect(screen.getAllByRole('listitem')).toHaveLength(5);
    fireEvent.change(screen.getByLabelText('Part of the lineage'), {
      target: { value: 'downstream' }
    });
    expect(screen.getAllByRole('listitem')).toHaveLength(3);
  });

  it('is not asked for where there is one only, and what was cut is told', () => {
    const one = { ...restrict(lineage, 'upstream'), truncated: true };
    render(<LineageGraph lineage={one} onOpen={vi.fn()} />);
    expect(screen.queryByLabelText('Part of the lineage')).toBeNull();
    expect(screen.getByText(/There is more than fits here/)).toBeTruthy();
  });
});
