import React from 'react';
import { Node } from '../api/types';
import { shortId } from './format';
import { LinkButton } from './page';

/** `digits@2`; what has no version yet, or is meant as a whole, has only its name. */
export function refText(name: string, version: number | null | undefined): string {
  return version === null || version === undefined ? name : `${name}@${version}`;
}

/** A node for what is opened by its reference or its id. */
export function nodeOf(kind: string, ref: string, label = ref): Node {
  return { id: `${kind}:${ref}`, kind, label, status: '' };
}

export type OnOpen = (node: Node) => void;

/** Opens a registered thing, or a version of it. */
export function RefLink(props: {
  kind: string;
  name: string;
  version?: number | null;
  onOpen: OnOpen;
}): JSX.Element {
  const ref = refText(props.name, props.version);
  return (
    <LinkButton title={ref} onClick={() => props.onOpen(nodeOf(props.kind, ref))}>
      {ref}
    </LinkButton>
  );
}

/** Opens a run or a job, which people know by the end of its id. */
export function IdLink(props: { kind: string; id: string; onOpen: OnOpen }): JSX.Element {
  const { kind, id, onOpen } = props;
  return (
    <LinkButton onClick={() => onOpen(nodeOf(kind, id, shortId(id)))}>{shortId(id)}</LinkButton>
  );
}
