import { Edge, Lineage } from '../api/types';

/** Which side of a graph's focus is shown. */
export type Direction = 'all' | 'upstream' | 'downstream';

/** The part of a graph that led to its focus, or that came of it. */
export function restrict(lineage: Lineage, direction: Direction): Lineage {
  if (direction === 'all') {
    return lineage;
  }
  const kept = reached(lineage, direction);
  return {
    ...lineage,
    nodes: lineage.nodes.filter(node => kept.has(node.id)),
    edges: lineage.edges.filter(edge => kept.has(edge.source) && kept.has(edge.target))
  };
}

/** Whether there is something on both sides, so that a choice makes sense. */
export function hasBothSides(lineage: Lineage): boolean {
  return reached(lineage, 'upstream').size > 1 && reached(lineage, 'downstream').size > 1;
}

function reached(lineage: Lineage, direction: Direction): Set<string> {
  const [from, to]: ['source' | 'target', 'source' | 'target'] =
    direction === 'upstream' ? ['target', 'source'] : ['source', 'target'];
  const next = new Map<string, string[]>();
  for (const edge of lineage.edges as readonly Edge[]) {
    next.set(edge[from], [...(next.get(edge[from]) ?? []), edge[to]]);
  }
  const found = new Set([lineage.focus]);
  const open = [lineage.focus];
  while (open.length) {
    for (const id of next.get(open.pop()!) ?? []) {
      if (!found.has(id)) {
        found.add(id);
        open.push(id);
      }
    }
  }
  return found;
}
