import { fireEvent, render, screen } from '@testing-library/react';
import React from 'react';
import { describe, expect, it, vi } from 'vitest';
import { ParallelCoordinates, RunLine } from '../../api/types';
import { moved, passing, segments, ticksOf } from '../coordinates';
import { Parallel } from '../parallel';

const line = (run_id: string, positions: (number | null)[]): RunLine => ({
  run_id,
  name: `run ${run_id}`,
  status: 'finished',
  values: positions,
  positions
});
const coordinates: ParallelCoordinates = {
  axes: [
    { key: 'params.lr', scale: 'log', domain: [0.001, 0.1] },
    { key: 'params.kernel', scale: 'category', domain: ['rbf', 'linear'] },
    { key: 'metrics.acc', scale: 'linear', domain: [0, 1] }
  ],
  lines: [line('a', [0, 0, 0.2]), line('b', [0.5, null, 0.9]), line('c', [1, 1, 0.95])]
};

describe('axes', () => {
  it('have marks at even distances, or one a category', () => {
    const labels = coordinates.axes.map(axis => ticksOf(axis).map(tick => tick.label));
    expect(labels).toEqual([
      ['0.001', '0.00316', '0.01', '0.0316', '0.1'],
      ['rbf', 'linear'],
      ['0', '0.25', '0.5', '0.75', '1']
    ]);
  });

  it('change places', () => {
    expect(moved(['a', 'b', 'c'], 0, 2)).toEqual(['b', 'c', 'a']);
    expect(moved(['a', 'b', 'c'], 0, -1)).toEqual(['a', 'b', 'c']);
  });
});

describe('lines', () => {
  it('pass where all ranges let them', () => {
    expect(passing(coordinates.lines, new Map())).toBeNull();
    const ranges = new Map([
      [2, [0.85, 1]],
      [0, [0, 0.6]]
    ] as const);
    expect(passing(coordinates.lines, ranges)).toEqual(['b']);
    expect(passing(coordinates.lines, new Map([[1, [0, 1]]] as const))).toEqual(['a', 'c']);
  });

  it('are interrupted where a run has no value', () => {
    expect(segments(coordinates.lines[1], [0, 1, 2]).map(part => part.length)).toEqual([1, 1]);
  });
});

describe('the picture', () => {
  function show() {
    const calls = { onSelect: vi.fn(), onOpen: vi.fn(), onFocus: vi.fn() };
    const { container } = render(<Parallel coordinates={coordinates} {...calls} />);
    return { ...calls, container };
  }
  const axis = (name: RegExp) => screen.getByRole('button', { name });

  it('keeps a part of an axis by its keys', () => {
    const { onSelect, container } = show();
    fireEvent.keyDown(axis(/Axis metrics\.acc/), { key: 'ArrowUp' });
    expect(onSelect).toHaveBeenLastCalledWith(['b', 'c']);
    expect(screen.getByRole('status').textContent).toBe('2 of 3 runs pass');
    expect(container.querySelectorAll('.jp-mod-faint')).toHaveLength(1);
    fireEvent.keyDown(axis(/Axis metrics\.acc/), { key: 'Escape' });
    expect(onSelect).toHaveBeenLastCalledWith(null);
  });

  it('moves an axis by its keys', () => {
    show();
    fireEvent.keyDown(axis(/Axis metrics\.acc/), { key: 'ArrowLeft' });
    const names = screen.getAllByRole('button').map(each => each.getAttribute('aria-label'));
    expect(names.map(name => name!.split('.')[1])).toEqual(['lr', 'acc', 'kernel']);
  });

  it('opens the run behind a line', () => {
    const { onOpen, container } = show();
    fireEvent.click(container.querySelector('[data-run="c"]')!);
    expect(onOpen).toHaveBeenCalledWith('c');
  });
});
