import { act, fireEvent, render, screen, within } from '@testing-library/react';
import React from 'react';
import { describe, expect, it, vi } from 'vitest';
import { FakeStream } from '../../../api/__tests__/fakes';
import {
  accessOf,
  aDiff,
  aGate,
  aModel,
  aModelVersion,
  aRef,
  aReview,
  registryThat
} from '../../../api/__tests__/registryFakes';
import { RegistryClient } from '../../../api/registryClient';
import { RequestError } from '../../../api/request';
import { Move, Node, Review, Role } from '../../../api/types';
import { plainRenderer } from '../../../ui/__tests__/renderer';
import { Decision } from '../../../ui/decisions';
import { ModelModel } from '../model';
import { ModelPage } from '../ModelPage';

const EARLIER: Move = {
  kind: 'model',
  name: 'digits',
  alias: 'champion',
  before: null,
  after: 3,
  user: 'ada',
  at: 500,
  reason: '',
  rollback: false
};
const MOVE: Move = {
  kind: 'model',
  name: 'digits',
  alias: 'champion',
  before: 3,
  after: 1,
  user: 'bob',
  at: 1000,
  reason: 'it drifted',
  rollback: true
};

interface Given {
  answers?: object;
  review?: Partial<Review>;
  role?: Role;
  user?: string;
  reason?: string | null;
}

async function aPage({ answers, review, role = 'admin', user = 'bob', reason = 'why not' }: Given) {
  const client = {
    model: vi.fn(async () => aModel()),
    lineage: async () => null,
    gates: vi.fn(async () => [{ model: 'digits', alias: 'champion', gates: [aGate()] }]),
    card: vi.fn(async () => '# Digits'),
    review: vi.fn(async () => aReview(review)),
    moves: vi.fn(async () => [MOVE, EARLIER]),
    ...answers
  };
  const model = new ModelModel(
    'digits',
    registryThat(client as unknown as Partial<RegistryClient>),
    new FakeStream().changes,
    await accessOf(role, user)
  );
  const asked: Decision[] = [];
  const opened: Node[] = [];
  render(
    <ModelPage
      model={model}
      rendermime={plainRenderer}
      onOpen={node => opened.push(node)}
      onHistory={() => undefined}
      notebookOpener={path => (path.startsWith('/here/') ? () => undefined : null)}
      decide={async decision => {
        asked.push(decision);
        return reason;
      }}
    />
  );
  await act(() => model.refresh());
  await act(async () => undefined);
  return { model, client, asked, opened };
}

async function press(name: string) {
  await act(async () => {
    fireEvent.click(screen.getByRole('button', { name }));
  });
}

function button(name: string): HTMLButtonElement {
  return screen.getByRole('button', { name });
}

/** The text of a table's rows, cell by cell. */
function cells(name: string): string[][] {
  const rows = within(screen.getByRole('table', { name })).getAllByRole('row');
  return rows.map(row => [...row.children].map(cell => cell.textContent ?? ''));
}

describe('the page of a model', () => {
  it('shows the version that is chosen, and how to load it', async () => {
    const { client } = await aPage({});
    await act(async () => {
      fireEvent.click(screen.getByLabelText('v1'));
    });
    expect(screen.getByText(/load_model\("digits@champion"\)/)).toBeTruthy();
    expect(client.review.mock.lastCall).toEqual(['digits', 1, 'champion']);
    expect(screen.getByText('version 1 is champion')).toBeTruthy();
    expect(screen.queryByRole('button', { name: 'Approve' })).toBeNull();
  });

  it('leads to where a version came from', async () => {
    const version = aModelVersion(2, {
      run_id: '01h000000000000000000run01',
      job_id: '01h000000000000000000job01',
      notebook: '/here/train.ipynb',
      datasets: [aRef('dataset', 'digits', 3)],
      example_name: 'example.parquet'
    });
    const { opened } = await aPage({
      answers: { model: async () => aModel({ versions: [version] }) }
    });
    for (const name of ['0run01', '0job01', 'digits@3', 'train.ipynb']) {
      await press(name);
    }
    expect(opened.map(node => node.id)).toEqual([
      'run:01h000000000000000000run01',
      'job:01h000000000000000000job01',
      'dataset:digits@3'
    ]);
  });

  it('shows what a version takes and gives', async () => {
    const signature = {
      inputs: [
        { name: 'age', dtype: 'int64', shape: null },
        { name: 'city', dtype: '', shape: null }
      ],
      outputs: [{ name: '', dtype: 'float32', shape: [null, 3, null] }],
      input_kind: 'table',
      output_kind: 'array'
    };
    const version = aModelVersion(2, { signature });
    await aPage({ answers: { model: async () => aModel({ versions: [version] }) } });
    expect(cells('Inputs')).toEqual([
      ['age', 'int64', ''],
      ['city', 'any type', '']
    ]);
    expect(cells('Outputs')).toEqual([['float32', 'rows × 3 × any']]);
  });

  it('renders the card, and saves what is written into it', async () => {
    const setCard = vi.fn(async () => '# New');
    await aPage({ answers: { setCard } });
    expect(screen.getByText('# Digits')).toBeTruthy();
    await press('Edit card');
    fireEvent.change(screen.getByLabelText('Model card, as Markdown'), {
      target: { value: '# New' }
    });
    await press('Save card');
    expect(setCard).toHaveBeenCalledWith('digits', 2, '# New');
    expect(screen.queryByLabelText('Model card, as Markdown')).toBeNull();
  });

  it('keeps what was written when the card cannot be saved', async () => {
    const setCard = vi.fn().mockRejectedValue(new RequestError('forbidden', 'Not you.', 403));
    await aPage({ answers: { setCard } });
    await press('Edit card');
    await press('Save card');
    expect(screen.getByRole('alert').textContent).toContain('Not you.');
    expect(screen.getByLabelText('Model card, as Markdown')).toBeTruthy();
  });
});

describe('the review of a version', () => {
  const failing = {
    allowed: false,
    gates: [
      { gate: aGate(), passed: true, message: 'acc is 0.97.', value: 0.97, reference: null },
      {
        gate: aGate({ kind: 'approval' }),
        passed: false,
        message: 'Nobody has approved it.',
        value: 0,
        reference: 1
      }
    ],
    approvals: [
      {
        model: 'digits',
        version: 2,
        alias: 'champion',
        user: 'cleo',
        approved: false,
        at: 1000,
        reason: 'too slow'
      }
    ]
  } satisfies Partial<Review>;

  it('shows each gate, each verdict of a person, and why it may not be promoted', async () => {
    await aPage({ review: failing });
    const gates = screen.getByRole('list', { name: 'Gates of champion' });
    expect(
      within(gates)
        .getAllByRole('listitem')
        .map(item => item.textContent)
    ).toEqual(['✓ acc is 0.97.', '✗ Nobody has approved it.']);
    expect(within(gates).getByRole('img', { name: 'failed' })).toBeTruthy();
    expect(screen.getByRole('list', { name: 'Approvals' }).textContent).toMatch(
      /cleo rejected it .*: too slow/
    );
    const promote = button('Promote to champion');
    expect([promote.disabled, promote.title]).toEqual([true, 'Nobody has approved it.']);
  });

  it('promotes after a question, with the reason', async () => {
    const setAlias = vi.fn(async () => aModel({ aliases: { champion: 2 }, seq: 2 }));
    const { asked, client } = await aPage({ answers: { setAlias } });
    await press('Promote to champion');
    expect(asked.map(each => each.question)).toEqual([
      'Move champion of digits from version 1 to version 2?'
    ]);
    const target = { version: 2, reason: 'why not', new: false };
    expect(setAlias).toHaveBeenCalledWith('models', 'digits', 'champion', target);
    expect(client.review.mock.calls.length).toBeGreaterThan(1);
  });

  it('shows the server’s refusal', async () => {
    const refused = new RequestError('gates_refused', 'Somebody was quicker.', 409);
    await aPage({ answers: { setAlias: vi.fn().mockRejectedValue(refused) } });
    await press('Promote to champion');
    expect(screen.getByRole('alert').textContent).toContain('Somebody was quicker.');
    await press('Close this message');
    expect(screen.queryByRole('alert')).toBeNull();
  });

  it('does nothing when the user goes back', async () => {
    const [setAlias, rollback, approve] = [vi.fn(), vi.fn(), vi.fn()];
    await aPage({ answers: { setAlias, rollback, approve }, reason: null });
    for (const name of ['Promote to champion', 'Roll champion back', 'Approve', 'Reject']) {
      await press(name);
    }
    expect([setAlias, rollback, approve].flatMap(each => each.mock.calls)).toEqual([]);
  });

  it('takes an approval or a rejection, and takes it back', async () => {
    const approve = vi.fn(async () => null);
    const own = { ...failing.approvals[0], user: 'bob', approved: true };
    await aPage({ answers: { approve }, review: { approvals: [own] } });
    expect(screen.queryByRole('button', { name: 'Approve' })).toBeNull();
    await press('Reject');
    await press('Take back');
    const verdict = (approved: boolean | null) => [
      'digits',
      2,
      'champion',
      { approved, reason: 'why not' }
    ];
    expect(approve.mock.calls).toEqual([verdict(false), verdict(null)]);
  });

  it('lets nobody approve what they registered themselves', async () => {
    await aPage({ user: 'ada' });
    expect(button('Approve').title).toBe(
      'You registered this version: another user has to approve it.'
    );
    expect([button('Approve').disabled, button('Reject').disabled]).toEqual([true, false]);
  });

  it('says to who may not decide what it takes', async () => {
    await aPage({ role: 'viewer' });
    for (const name of ['Approve', 'Reject', 'Promote to champion', 'Roll champion back']) {
      expect([name, button(name).disabled]).toEqual([name, true]);
      expect(button(name).title).toContain('this needs the role');
    }
  });

  it('rolls an alias back after a question', async () => {
    const rollback = vi.fn(async () => aModel({ aliases: { champion: 3 } }));
    const { asked } = await aPage({ answers: { rollback } });
    expect(screen.getByRole('list', { name: 'Moves of champion' }).textContent).toMatch(
      /v3 → v1rolled backbob, .*: it drifted/
    );
    await press('Roll champion back');
    expect([asked[0].warn, asked[0].question]).toEqual([
      true,
      'Put champion of digits back from version 1 to version 3?'
    ]);
    expect(rollback).toHaveBeenCalledWith('digits', 'champion', 'why not');
  });

  it('offers no way back where there is none', async () => {
    await aPage({ answers: { moves: async () => [{ ...MOVE, before: null, rollback: false }] } });
    expect(button('Roll champion back').title).toBe(
      'champion has no earlier version to go back to.'
    );
  });

  it('shows metrics, packages, code and data against the holder’s', async () => {
    await aPage({
      review: {
        gates: [
          {
            ...failing.gates[0],
            gate: aGate({ kind: 'better', metric: 'cost', lower_is_better: true })
          }
        ],
        metrics_before: { acc: 0.9, cost: 3, epochs: 4, gone: 1 },
        metrics_after: { acc: 0.8, cost: 2, epochs: 5 },
        packages_changed: { numpy: ['2.0', '2.1'], torch: ['2.9', ''] },
        code: [{ change: 'added', a_line: null, a_text: '', b_line: 1, b_text: 'C = 10' }],
        data: [aDiff({ same: true })],
        notes: ['No figures were kept.']
      }
    });
    expect(cells('Metrics of both versions')).toEqual([
      ['metric', 'v1', 'v2', 'change'],
      ['acc', '0.9', '0.8', '−0.1 ▼ worse'],
      ['cost', '3', '2', '−1 ▲ better'],
      ['epochs', '4', '5', '+1 '],
      ['gone', '1', '–', ' ']
    ]);
    const packages = screen.getAllByRole('table', { name: 'Packages' })[0];
    expect(packages.textContent).toBe('v1v2numpy2.02.1torch2.9–');
    expect(screen.getByRole('table', { name: /^Code of version 1/ }).textContent).toContain(
      'C = 10'
    );
    expect(screen.getByText('digits: version 1 → 2')).toBeTruthy();
    expect(screen.getByText('No figures were kept.')).toBeTruthy();
  });

  it('is for the alias that the reader chooses', async () => {
    const { client } = await aPage({
      answers: { model: async () => aModel({ aliases: { champion: 1, next: 1 } }) }
    });
    await act(async () => {
      fireEvent.change(screen.getByLabelText('Alias to review for'), { target: { value: 'next' } });
    });
    expect(client.review.mock.lastCall).toEqual(['digits', 2, 'next']);
    expect(client.moves.mock.lastCall).toEqual(['models', 'digits', 'next']);
  });

  it('is not read again while nothing has changed', async () => {
    const { client, model } = await aPage({});
    await act(() => model.refresh());
    await act(() => model.refresh());
    expect(client.review).toHaveBeenCalledTimes(1);
  });
});

describe('the gates of an alias', () => {
  it('are not said to be none where they cannot be read', async () => {
    const gates = vi.fn(async () => {
      throw new RequestError('unavailable', 'The registry is busy.', 503);
    });
    await aPage({ answers: { gates } });
    expect(screen.getByRole('alert').textContent).toContain('The registry is busy.');
    expect(screen.queryByText('Nothing has to hold before it moves.')).toBeNull();
    expect(screen.queryByRole('button', { name: 'Add a gate' })).toBeNull();
    gates.mockResolvedValue([] as never);
    await press('Retry');
    expect(screen.getByText('Nothing has to hold before it moves.')).toBeTruthy();
  });

  const setGates = () => vi.fn(async () => ({ model: 'digits', alias: 'champion', gates: [] }));

  function fill(label: string, value: string) {
    fireEvent.change(screen.getByLabelText(label), { target: { value } });
  }

  it('get one more', async () => {
    const set = setGates();
    await aPage({ answers: { setGates: set } });
    await press('Add a gate');
    expect([button('Add').disabled, button('Add').title]).toEqual([true, 'Name a metric.']);
    fill('metric', 'loss');
    expect(button('Add').title).toBe('Give a minimum or a maximum.');
    fill('at most', '0.25');
    await act(async () => {
      fireEvent.submit(screen.getByRole('form', { name: 'New gate' }));
    });
    const added = aGate({ metric: 'loss', minimum: null, maximum: 0.25 });
    expect(set).toHaveBeenCalledWith('digits', 'champion', [aGate(), added], []);
  });

  it.each([
    ['acc', null],
    ['fairness', 'no version has this metric yet']
  ])('of a metric %s that no version has are asked for as such: %s', async (metric, question) => {
    const set = setGates();
    await aPage({ answers: { setGates: set, gates: async () => [] } });
    await press('Add a gate');
    fill('metric', metric);
    fill('at least', '0.5');
    const box = screen.queryByRole('checkbox');
    expect(box?.parentElement?.textContent ?? null).toBe(question);
    if (box) {
      fireEvent.click(box);
    }
    await act(async () => {
      fireEvent.submit(screen.getByRole('form', { name: 'New gate' }));
    });
    const gate = aGate({ metric, minimum: 0.5 });
    expect(set).toHaveBeenCalledWith('digits', 'champion', [gate], question ? [metric] : []);
  });

  it('can be of any kind', async () => {
    const set = setGates();
    await aPage({ answers: { setGates: set, gates: async () => [] } });
    await press('Add a gate');
    fill('What must hold', 'approval');
    fill('approvals', '2');
    fill('least role', 'admin');
    await act(async () => {
      fireEvent.submit(screen.getByRole('form', { name: 'New gate' }));
    });
    const gate = aGate({
      kind: 'approval',
      metric: '',
      minimum: null,
      approvals: 2,
      role: 'admin'
    });
    expect(set).toHaveBeenCalledWith('digits', 'champion', [gate], []);
  });

  it('lose one', async () => {
    const set = setGates();
    await aPage({ answers: { setGates: set } });
    await press('Remove the gate: acc at least 0.9');
    expect(set).toHaveBeenCalledWith('digits', 'champion', [], []);
  });

  it('are only read by who may not set them', async () => {
    await aPage({ role: 'contributor' });
    expect(screen.getByText('acc at least 0.9')).toBeTruthy();
    expect(screen.queryByRole('button', { name: 'Add a gate' })).toBeNull();
  });
});
