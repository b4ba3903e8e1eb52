import { act, fireEvent, render, screen, within } from '@testing-library/react';
import React from 'react';
import { describe, expect, it, vi } from 'vitest';
import { FakeStream } from '../../../api/__tests__/fakes';
import { aGate, registryThat } from '../../../api/__tests__/registryFakes';
import { AuditQuery } from '../../../api/registryClient';
import { AuditEntry, Node } from '../../../api/types';
import { AuditPage, inWords } from '../AuditPage';
import { AuditModel, PAGE } from '../model';

function anEntry(seq: number, values: Partial<AuditEntry> = {}): AuditEntry {
  return {
    seq,
    time: 1000,
    user: 'ada',
    action: 'alias.set',
    subject: 'model:digits@champion',
    detail: {},
    previous: '',
    hash: '',
    ...values
  };
}

/** A page over a trail of so many decisions, the newest first. */
async function aPage(entries: AuditEntry[], subject = '') {
  const audit = vi.fn(async ({ before = Infinity, limit = 0 }: AuditQuery) =>
    entries.filter(entry => entry.seq < before).slice(0, limit)
  );
  const model = new AuditModel(subject, registryThat({ audit }), new FakeStream().changes);
  const opened: Node[] = [];
  render(<AuditPage model={model} onOpen={node => opened.push(node)} />);
  await act(() => model.refresh());
  return { audit, model, opened };
}

describe('the audit trail', () => {
  it('tells who did what to what, and leads there', async () => {
    const detail = { from: 1, to: 2, alias: 'champion', why: ['acc is 0.5.', 'Not approved.'] };
    const { opened } = await aPage([
      anEntry(2, { action: 'alias.refuse', detail }),
      anEntry(1, { subject: 'workspace', action: 'restore' })
    ]);
    const rows = within(screen.getByRole('table', { name: 'Decisions' })).getAllByRole('row');
    const texts = rows.map(row => [...row.children].map(cell => cell.textContent));
    expect(texts[1].filter((_, i) => i !== 1)).toEqual([
      '2',
      'ada',
      'alias.refuse',
      'model:digits@champion',
      'v1 → v2 · alias champion · why acc is 0.5.; Not approved.'
    ]);
    fireEvent.click(screen.getByRole('button', { name: 'model:digits@champion' }));
    expect(opened.map(node => [node.kind, node.id])).toEqual([['model', 'model:digits@champion']]);
    expect(screen.queryByRole('button', { name: 'workspace' })).toBeNull();
  });

  it('shows the newest first, and older ones on request', async () => {
    const many = Array.from({ length: PAGE + 5 }, (_, i) => anEntry(PAGE + 5 - i));
    const { audit } = await aPage(many);
    expect(screen.getByText(`${PAGE} decisions and more`)).toBeTruthy();
    await act(async () => {
      fireEvent.click(screen.getByText('Show older decisions'));
    });
    expect(screen.getByText(`${PAGE + 5} decisions`)).toBeTruthy();
    expect(audit.mock.lastCall).toEqual([{ subject: '', before: 6, limit: PAGE }]);
    expect(screen.queryByText('Show older decisions')).toBeNull();
  });

  it('is of one subject, of another, or of all', async () => {
    const { audit } = await aPage([anEntry(1)], 'model:digits');
    expect(screen.getByRole('heading', { name: 'History of model digits' })).toBeTruthy();
    const field = screen.getByLabelText('Subject');
    fireEvent.change(field, { target: { value: ' dataset:train ' } });
    await act(async () => {
      fireEvent.submit(field.closest('form')!);
    });
    await act(async () => {
      fireEvent.click(screen.getByRole('button', { name: 'Show all' }));
    });
    expect(audit.mock.calls.map(([query]) => query.subject)).toEqual([
      'model:digits',
      'dataset:train',
      ''
    ]);
    expect(screen.getByRole('heading', { name: 'Audit trail' })).toBeTruthy();
  });

  it('says when nothing was decided yet', async () => {
    await aPage([]);
    expect(screen.getByText('No decision yet')).toBeTruthy();
  });

  it('shortens digests, and leaves out what is empty', () => {
    const detail = { digest: 'ab'.repeat(32), reason: '', note: null, rows: 3, from: null, to: 1 };
    expect(inWords(detail)).toBe('none → v1 · digest abababab… · rows 3');
  });

  it('says of what has many fields those that were set, be it to nothing', () => {
    const detail = {
      check: 'between',
      columns: [],
      arguments: { min: 0, max: 1, also: null },
      owner: { from: '', to: 'ada' }
    };
    expect(inWords(detail)).toBe('check between · arguments min=0, max=1 · owner none → ada');
  });

  it('says gates as sentences, and sizes, times and ids as people read them', () => {
    const to = [
      aGate({ metric: 'acc', minimum: 0.9 }),
      aGate({ kind: 'approval', metric: '', minimum: null, approvals: 2 })
    ];
    expect(inWords({ from: [], to })).toBe(
      'none → acc at least 0.9; 2 others approve, at least approver'
    );
    const detail = { run_id: '01h000000000000000000run01', size_bytes: 2048, duration_s: 1.5 };
    expect(inWords(detail)).toBe('run 0run01 · size 2.0 KiB · duration 1.5 s');
  });
});
