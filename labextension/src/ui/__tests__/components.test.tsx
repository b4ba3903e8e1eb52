import { fireEvent, render, screen } from '@testing-library/react';
import React from 'react';
import { describe, expect, it, vi } from 'vitest';
import { Lineage } from '../../api/types';
import { EditableText, TagEditor } from '../editable';
import { BOX_HEIGHT, BOX_WIDTH, draw } from '../layering';
import { LineageGraph } from '../lineage';
import { nextIndex } from '../list';
import { fenced } from '../rich';
import { StatusIcon } from '../status';

describe('lineage', () => {
  const node = (id: string) => ({ id, kind: id.split(':')[0], label: id, status: '' });
  const graph: Lineage = {
    focus: 'run:r',
    nodes: [node('dataset:d@1'), node('model:m@1'), node('run:r')],
    edges: [
      { source: 'dataset:d@1', target: 'run:r', relation: 'read' },
      { source: 'run:r', target: 'model:m@1', relation: 'registered' }
    ],
    truncated: false
  };

  /** The labels in each column, from left to right. */
  function columnsOf(drawn: Lineage): string[][] {
    const byX = new Map<number, string[]>();
    for (const { node, x } of draw(drawn).places) {
      byX.set(x, [...(byX.get(x) ?? []), node.label]);
    }
    return [...byX].sort(([a], [b]) => a - b).map(([, labels]) => labels);
  }

  it('stands in columns, from what led to what came of it', () => {
    expect(columnsOf(graph)).toEqual([['dataset:d@1'], ['run:r'], ['model:m@1']]);
  });

  it('is laid out even when it has a cycle', () => {
    const back = { source: 'model:m@1', target: 'dataset:d@1', relation: 'read' };
    const drawn = draw({ ...graph, edges: [...graph.edges, back] });
    expect(drawn.lines.map(line => line.back)).toEqual([false, false, true]);
  });

  const demo: Lineage = {
    focus: 'job:sweep',
    nodes: [
      node('job:sweep'),
      node('run:notebook'),
      node('model:digits@1'),
      node('run:champion'),
      node('dataset:digits@1'),
      node('run:sweep')
    ],
    edges: [
      { source: 'run:notebook', target: 'job:sweep', relation: 'submitted' },
      { source: 'job:sweep', target: 'run:sweep', relation: 'ran' },
      { source: 'model:digits@1', target: 'run:notebook', relation: 'read' },
      { source: 'run:notebook', target: 'dataset:digits@1', relation: 'registered' },
      { source: 'run:notebook', target: 'run:sweep', relation: 'contains' },
      { source: 'run:notebook', target: 'run:champion', relation: 'contains' },
      { source: 'run:champion', target: 'model:digits@1', relation: 'registered' },
      { source: 'dataset:digits@1', target: 'run:champion', relation: 'read' },
      { source: 'dataset:digits@1', target: 'run:sweep', relation: 'read' }
    ],
    truncated: false
  };

  it('begins with the notebook that reads what a run inside it registered', () => {
    const columns = [
      ['run:notebook'],
      ['job:sweep', 'dataset:digits@1'],
      ['run:champion', 'run:sweep'],
      ['model:digits@1']
    ];
    expect(columnsOf(demo)).toEqual(columns);
    expect(columnsOf({ ...demo, edges: [...demo.edges].reverse() })).toEqual(columns);
    const back = draw(demo).lines.filter(line => line.back);
    expect(back.map(({ edge }) => edge)).toEqual([demo.edges[2]]);
  });

  it('leads a line past the boxes between its ends', () => {
    const { places, lines } = draw(demo);
    const past = lines.find(({ edge }) => edge === demo.edges[5])!;
    const passed = past.points.slice(1, -1);
    expect(passed).toHaveLength(2);
    for (const [x, y] of passed) {
      const hit = places.filter(box => box.x <= x && x < box.x + BOX_WIDTH && box.y <= y);
      expect(hit.filter(box => y <= box.y + BOX_HEIGHT)).toEqual([]);
    }
  });

  it('opens the thing behind a node, which screen readers hear with its relations', () => {
    const open = vi.fn();
    render(<LineageGraph lineage={graph} onOpen={open} />);
    fireEvent.click(screen.getByRole('button', { name: /^run, run:r, registered → model:m@1$/ }));
    expect(open).toHaveBeenCalledWith(graph.nodes[2]);
  });
});

it('backquotes in code do not end its block', () => {
  expect(fenced('x = """\n```\n"""')).toBe('````python\nx = """\n```\n"""\n````');
});

describe('keys in a list', () => {
  it.each([
    ['ArrowDown', 3, 4],
    ['ArrowUp', 0, 0],
    ['PageDown', 3, 9],
    ['End', 3, 9],
    ['Home', 3, 0],
    ['x', 3, null]
  ])('%s at %i leads to %s', (key, from, to) => {
    expect(nextIndex(key, from, 10, 8)).toBe(to);
  });
});

describe('editing', () => {
  it('saves a text that was changed and keeps one that was not', () => {
    const save = vi.fn();
    render(<EditableText label="note" value="old" placeholder="" onSave={save} />);
    fireEvent.click(screen.getByLabelText('Edit note'));
    fireEvent.keyDown(screen.getByLabelText('note'), { key: 'Enter' });
    expect(save).not.toHaveBeenCalled();
    fireEvent.click(screen.getByLabelText('Edit note'));
    fireEvent.change(screen.getByLabelText('note'), { target: { value: 'new' } });
    fireEvent.keyDown(screen.getByLabelText('note'), { key: 'Enter' });
    expect(save).toHaveBeenCalledWith('new');
  });

  it('adds and removes tags', () => {
    const change = vi.fn();
    render(<TagEditor tags={{ team: 'a' }} onChange={change} />);
    const field = screen.getByLabelText('Add a tag');
    fireEvent.change(field, { target: { value: 'stage=final=1' } });
    fireEvent.submit(field.closest('form')!);
    fireEvent.click(screen.getByLabelText('Remove tag team'));
    expect(change.mock.calls).toEqual([[{ stage: 'final=1' }], [{ team: null }]]);
  });
});

it('a status is told without its colour', () => {
  render(<StatusIcon status="lost" reason="its process is gone" />);
  expect(screen.getByRole('img', { name: 'lost: its process is gone' })).toBeTruthy();
});
