import React from 'react';
import { DatasetVersion, Node } from '../../api/types';
import { AliasEditor } from '../../ui/aliases';
import { Decide } from '../../ui/decisions';
import { DetailsEditor } from '../../ui/details';
import { counted, formatBytes } from '../../ui/format';
import { nodeOf } from '../../ui/impact';
import { CopyId, KeyValues, LinkButton, Section } from '../../ui/page';
import { DatasetModel } from './model';

export interface DatasetAsideProps {
  model: DatasetModel;
  version: DatasetVersion;
  onOpen: (node: Node) => void;
  decide: Decide;
}

/** What people say of the dataset, and the facts of the version in view. */
export function DatasetAside(props: DatasetAsideProps): JSX.Element | null {
  const { model, version, onOpen } = props;
  const dataset = model.data;
  if (!dataset) {
    return null;
  }
  const refused = model.access.refuses('describe');
  return (
    <aside>
      <Section title="About">
        <DetailsEditor
          of={`dataset ${dataset.name}`}
          {...dataset.details}
          refused={refused}
          onSave={edit => void model.describe(null, edit)}
        />
      </Section>
      {version.version !== null && (
        <AliasEditor
          name={dataset.name}
          version={version.version}
          here={version.aliases}
          all={dataset.aliases}
          refused={model.access.refuses('move')}
          decide={props.decide}
          onMove={(...move) => model.moveAlias(...move)}
          onRemove={(...removal) => model.removeAlias(...removal)}
        />
      )}
      <Section title={`Details of version ${version.version ?? '(pending)'}`}>
        {version.version !== null && (
          <DetailsEditor
            of={`version ${version.version}`}
            description={version.description}
            tags={version.tags}
            refused={refused}
            onSave={edit => void model.describe(version.version, edit)}
          />
        )}
        <KeyValues label="Details" items={details(version, onOpen)} />
      </Section>
      {version.query && (
        <Section title="Query">
          <pre className="jp-mlops-Snippet">{version.query}</pre>
        </Section>
      )}
    </aside>
  );
}

/** Where the content lies. */
function place(version: DatasetVersion): React.ReactNode {
  return version.storage === 'copy' ? (
    'copied into the blobs'
  ) : (
    <>
      by reference: <code>{version.uri}</code>
    </>
  );
}

type Fact = [string, React.ReactNode];

function details(version: DatasetVersion, onOpen: (node: Node) => void): Fact[] {
  const { run_id: run, view, inputs, rows, files } = version;
  const facts: (Fact | false)[] = [
    version.status !== 'ready' && ['status', version.status],
    ['kind', version.kind],
    rows !== null && ['rows', rows.toLocaleString('en')],
    files !== null && ['files', counted(files, 'file')],
    ['size', formatBytes(version.size_bytes)],
    ['storage', place(version)],
    version.file_name !== '' && ['file', version.file_name],
    version.source !== '' && version.source !== version.uri && ['source', version.source],
    ['digest', <CopyId id={version.digest} key="digest" />],
    ['registered by', version.created_by],
    run !== null && [
      'run',
      <LinkButton key="run" onClick={() => onOpen(nodeOf('run', run))}>
        {run.slice(-6)}
      </LinkButton>
    ],
    view !== null && ['feature view', <Ref key="view" {...view} kind="view" onOpen={onOpen} />],
    inputs.length > 0 && [
      'made from',
      <span className="jp-mlops-Links" key="inputs">
        {inputs.map(input => (
          <Ref key={`${input.name}@${input.version}`} {...input} onOpen={onOpen} />
        ))}
      </span>
    ]
  ];
  return facts.filter((fact): fact is Fact => fact !== false);
}

function Ref(props: {
  kind: string;
  name: string;
  version: number | null;
  onOpen: (node: Node) => void;
}): JSX.Element {
  const ref = props.version === null ? props.name : `${props.name}@${props.version}`;
  return <LinkButton onClick={() => props.onOpen(nodeOf(props.kind, ref))}>{ref}</LinkButton>;
}
