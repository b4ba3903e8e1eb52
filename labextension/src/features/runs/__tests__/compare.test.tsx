import { fireEvent, render, screen, within } from '@testing-library/react';
import React from 'react';
import { describe, expect, it, vi } from 'vitest';
import { aRun, FakeStream } from '../../../api/__tests__/fakes';
import { Client } from '../../../api/client';
import { Comparison } from '../../../api/types';
import { change, ComparePage } from '../ComparePage';
import { sideBySide } from '../diff';
import { ComparisonModel, RunsModel } from '../model';

const [first, second, third] = ['1', '2', '3'].map(id => aRun({ id, name: `run${id}` }));

describe('picking runs', () => {
  function aModel(): RunsModel {
    return new RunsModel({} as Client, new FakeStream().changes);
  }

  it('holds two, the later one replaced by a third', () => {
    const model = aModel();
    [first, second, third].forEach(run => model.pick(run));
    expect(model.picked).toEqual([first, third]);
  });

  it('lets go of a run that is picked again', () => {
    const model = aModel();
    [first, second, first].forEach(run => model.pick(run));
    expect(model.picked).toEqual([second]);
  });
});

describe('a diff side by side', () => {
  const diff = ['--- a', '+++ b', '@@ -3,4 +3,4 @@', ' same', '-old', '+new', '+more', ' end'];
  const cell = (number: number, text: string, changed = false) => ({ number, text, changed });

  it('puts what was removed beside what was added', () => {
    expect(sideBySide(diff.join('\n'))).toEqual([
      { gap: true },
      { a: cell(3, 'same'), b: cell(3, 'same') },
      { a: cell(4, 'old', true), b: cell(4, 'new', true) },
      { a: null, b: cell(5, 'more', true) },
      { a: cell(5, 'end'), b: cell(6, 'end') }
    ]);
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

describe('the page of a comparison', () => {
  it('shows what differs, with a way to each run', async () => {
    const comparison: Comparison = {
      a: first,
      b: second,
      params: [{ key: 'C', a: 0.1, b: null }],
      metrics: [{ key: 'acc', a: 0.9, b: 0.95 }],
      tags: [],
      inputs: [],
      packages: [],
      source_diff: ''
    };
    const compare = vi.fn(async () => comparison);
    const client = { compare } as unknown as Client;
    const model = new ComparisonModel('1', '2', client, new FakeStream().changes);
    await model.refresh();
    const open = vi.fn();
    render(<ComparePage model={model} onOpen={open} />);
    expect(compare).toHaveBeenCalledWith('1', '2');
    const metric = within(screen.getByRole('table', { name: 'Metrics' })).getByRole('row');
    expect(metric.textContent).toBe('acc0.90.95+0.05');
    expect(screen.getByRole('table', { name: 'Params' }).textContent).toBe('C0.1–');
    expect(screen.getByText('data, tags, packages, code')).toBeTruthy();
    fireEvent.click(screen.getByRole('button', { name: 'run2 2' }));
    expect(open.mock.lastCall?.[0].id).toBe('run:2');
  });
});
