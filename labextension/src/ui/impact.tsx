import React from 'react';
import { Impact, Node, VersionRef } from '../api/types';
import { shortId } from './format';
import { KeyValues, LinkButton } from './page';
import { nodeOf, refText } from './refs';

/** Everything that came of something, kind by kind: what to look at again if that were bad. */
export function ImpactList(props: { impact: Impact; onOpen: (node: Node) => void }): JSX.Element {
  const { impact, onOpen } = props;
  const groups = (
    [
      ['aliases', impact.aliases.map(aliasNode)],
      ['models', impact.models.map(ref => versionNode('model', ref))],
      ['feature views', impact.views.map(ref => versionNode('view', ref))],
      ['datasets', impact.datasets.map(ref => versionNode('dataset', ref))],
      ['runs', impact.runs.map(id => idNode('run', id))],
      ['jobs', impact.jobs.map(id => idNode('job', id))]
    ] as [string, Node[]][]
  ).filter(([, nodes]) => nodes.length > 0);
  if (groups.length === 0) {
    return <p className="jp-mlops-Hint">Nothing that is known was made from it.</p>;
  }
  return (
    <KeyValues
      label="Impact"
      items={groups.map(([title, nodes]) => [
        `${title} (${nodes.length})`,
        <span className="jp-mlops-Links" key={title}>
          {nodes.map(node => (
            <LinkButton key={node.id} onClick={() => onOpen(node)}>
              {node.label}
            </LinkButton>
          ))}
        </span>
      ])}
    />
  );
}

function versionNode(kind: string, ref: VersionRef): Node {
  return nodeOf(kind, refText(ref.name, ref.version));
}

/** Datasets have aliases too: those are told apart by what stands before their names. */
function aliasNode(alias: string): Node {
  const ofDataset = alias.startsWith('dataset:');
  return nodeOf('alias', alias, ofDataset ? `${alias.slice('dataset:'.length)} (dataset)` : alias);
}

function idNode(kind: string, id: string): Node {
  return nodeOf(kind, id, shortId(id));
}
