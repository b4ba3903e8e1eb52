import { Edge, Lineage, Node } from '../api/types';

export const BOX_WIDTH = 150;
export const BOX_HEIGHT = 32;
const STEP_X = BOX_WIDTH + 36;
const STEP_Y = BOX_HEIGHT + 12;
/** What a line that passes a column takes of its height. */
const LANE = 14;
const MARGIN = 8;

export interface Place {
  node: Node;
  x: number;
  y: number;
}

export interface Line {
  edge: Edge;
  /** The ends, and a point in each column that it passes. */
  points: readonly (readonly [number, number])[];
  /** Against the order of the columns: it was cut to lay the rest out. */
  back: boolean;
}

export interface Drawing {
  places: Place[];
  lines: Line[];
  width: number;
  height: number;
}

/**
 * Columns from what led to what came of it; all runs of a notebook stand to its right.
 *
 * Lineage has cycles: a notebook reads the model that a run inside it has registered. They are cut where
 * the weakest edge closes them, the same one each time: first a read of one's own product, then
 * `contains`, then other reads.
 */
export function draw(lineage: Lineage): Drawing {
  const ids = new Set(lineage.nodes.map(node => node.id));
  const edges = lineage.edges.filter(edge => ids.has(edge.source) && ids.has(edge.target));
  const kept = acyclic(edges);
  const column = columns(lineage.nodes, kept);
  const slots = stack(lineage.nodes, edges, kept, column);
  const places = lineage.nodes.map(node => ({
    node,
    x: MARGIN + column.get(node.id)! * STEP_X,
    y: slots.get(node.id)!
  }));
  const lines = edges.map(edge => line(edge, kept.has(edge), column, slots));
  return {
    places,
    lines,
    width: Math.max(0, ...places.map(place => place.x)) + BOX_WIDTH + MARGIN,
    height: Math.max(0, ...slots.values()) + BOX_HEIGHT + MARGIN + 8
  };
}

/** The strongest edges that close no cycle. */
function acyclic(edges: readonly Edge[]): Set<Edge> {
  const inside = reach(edges.filter(edge => edge.relation === 'contains'));
  const makers = edges.filter(edge => edge.relation === 'registered');
  const strength = (edge: Edge): number => {
    if (edge.relation === 'contains') {
      return 2;
    }
    if (edge.relation !== 'read') {
      return 0;
    }
    const own = makers.some(
      made => made.target === edge.source && inside(edge.target).has(made.source)
    );
    return own ? 3 : 1;
  };
  const name = (edge: Edge) => `${strength(edge)} ${edge.source} ${edge.target} ${edge.relation}`;
  const sorted = edges
    .map(edge => ({ edge, name: name(edge) }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
  const kept: Edge[] = [];
  for (const { edge } of sorted) {
    if (edge.source !== edge.target && !reach(kept)(edge.target).has(edge.source)) {
      kept.push(edge);
    }
  }
  return new Set(kept);
}

/** What can be reached from a node along edges. */
function reach(edges: readonly Edge[]): (from: string) => Set<string> {
  const targets = new Map<string, string[]>();
  for (const { source, target } of edges) {
    const known = targets.get(source);
    if (known) {
      known.push(target);
    } else {
      targets.set(source, [target]);
    }
  }
  return from => {
    const found = new Set<string>();
    const open = [from];
    while (open.length) {
      for (const next of targets.get(open.pop()!) ?? []) {
        if (!found.has(next)) {
          found.add(next);
          open.push(next);
        }
      }
    }
    return found;
  };
}

/** The longest way from a source; a source stands next to the first that it led to. */
function columns(nodes: readonly Node[], kept: ReadonlySet<Edge>): Map<string, number> {
  const column = new Map(nodes.map(node => [node.id, 0]));
  for (let moved = true; moved;) {
    moved = false;
    for (const { source, target } of kept) {
      if (column.get(target)! <= column.get(source)!) {
        column.set(target, column.get(source)! + 1);
        moved = true;
      }
    }
  }
  const entered = new Set([...kept].map(edge => edge.target));
  for (const { id } of nodes) {
    const next = [...kept].filter(edge => edge.source === id).map(edge => column.get(edge.target)!);
    if (!entered.has(id) && next.length) {
      column.set(id, Math.min(...next) - 1);
    }
  }
  return column;
}

/** Where a source's lines cross a column: one lane for all of them. */
function lane(source: string, column: number): string {
  return `${source} | ${column}`;
}

/** The height of each node and lane: near the middle of what leads to it. */
function stack(
  nodes: readonly Node[],
  edges: readonly Edge[],
  kept: ReadonlySet<Edge>,
  column: ReadonlyMap<string, number>
): Map<string, number> {
  const filled: string[][] = [];
  const before = new Map<string, string[]>();
  const put = (id: string, at: number) => {
    (filled[at] ??= []).push(id);
    before.set(id, []);
  };
  nodes.forEach(node => put(node.id, column.get(node.id)!));
  for (const edge of edges.filter(edge => kept.has(edge))) {
    let previous = edge.source;
    for (let at = column.get(edge.source)! + 1; at < column.get(edge.target)!; at++) {
      const id = lane(edge.source, at);
      if (!before.has(id)) {
        put(id, at);
        before.get(id)!.push(previous);
      }
      previous = id;
    }
    before.get(edge.target)!.push(previous);
  }
  const height = new Map<string, number>();
  for (const ids of filled) {
    const order = new Map(
      (ids ?? []).map((id, i) => {
        const above = before.get(id)!.map(each => height.get(each) ?? 0);
        return [id, above.length ? mean(above) : i * STEP_Y] as const;
      })
    );
    let y = MARGIN;
    for (const id of [...(ids ?? [])].sort((a, b) => order.get(a)! - order.get(b)!)) {
      height.set(id, y);
      y += column.has(id) ? STEP_Y : LANE;
    }
  }
  return height;
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function line(
  edge: Edge,
  forward: boolean,
  column: ReadonlyMap<string, number>,
  height: ReadonlyMap<string, number>
): Line {
  const [from, to] = [column.get(edge.source)!, column.get(edge.target)!];
  const [y1, y2] = [height.get(edge.source)!, height.get(edge.target)!];
  const x = (at: number) => MARGIN + at * STEP_X;
  if (!forward) {
    const points = [
      [x(from) + BOX_WIDTH / 2, y1 + BOX_HEIGHT],
      [x(to) + BOX_WIDTH / 2, y2 + BOX_HEIGHT]
    ] as const;
    return { edge, points, back: true };
  }
  const points: [number, number][] = [[x(from) + BOX_WIDTH, y1 + BOX_HEIGHT / 2]];
  for (let at = from + 1; at < to; at++) {
    const y = height.get(lane(edge.source, at))! + LANE / 2;
    points.push([x(at), y], [x(at) + BOX_WIDTH, y]);
  }
  points.push([x(to), y2 + BOX_HEIGHT / 2]);
  return { edge, points, back: false };
}
