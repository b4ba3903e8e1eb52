import React from 'react';
import { ModelVersion, Node } from '../../api/types';
import { AliasEditor } from '../../ui/aliases';
import { Decide } from '../../ui/decisions';
import { DetailsEditor } from '../../ui/details';
import { formatBytes, formatNumber } from '../../ui/format';
import { nodeOf } from '../../ui/impact';
import { CopyId, KeyValues, LinkButton, Section } from '../../ui/page';
import { AliasHistory } from './AliasHistory';
import { GatesEditor } from './GatesEditor';
import { ModelModel } from './model';

export interface ModelAsideProps {
  model: ModelModel;
  version: ModelVersion;
  onOpen: (node: Node) => void;
  /** Opens a notebook of this server, or null where its path is not below the server's root. */
  notebookOpener: (path: string) => (() => void) | null;
  decide: Decide;
}

/** What people say of the model, the facts of the version in view, gates and moves of the alias. */
export function ModelAside(props: ModelAsideProps): JSX.Element | null {
  const { model, version } = props;
  const data = model.data;
  if (!data) {
    return null;
  }
  const refused = model.access.refuses('describe');
  const metrics = Object.entries(version.metrics);
  const packages = Object.entries(version.packages);
  return (
    <aside>
      <Section title="About">
        <DetailsEditor
          of={`model ${data.name}`}
          {...data.details}
          refused={refused}
          onSave={edit => void model.describe(null, edit)}
        />
      </Section>
      {version.version !== null && (
        <AliasEditor
          name={data.name}
          version={version.version}
          here={version.aliases}
          all={data.aliases}
          refused={model.access.refuses('move')}
          decide={props.decide}
          onMove={(...move) => model.moveAlias(...move)}
          onRemove={(...removal) => model.removeAlias(...removal)}
        />
      )}
      <GatesEditor model={model} />
      <AliasHistory model={model} />
      {metrics.length > 0 && (
        <Section title="Metrics" count={metrics.length}>
          <KeyValues
            label="Metrics"
            items={metrics.map(([key, value]) => [key, formatNumber(value)])}
          />
        </Section>
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
        <KeyValues label="Details" items={details(props)} />
      </Section>
      {packages.length > 0 && (
        <Section title="Packages" count={packages.length} folded>
          <KeyValues label="Packages" items={packages} />
        </Section>
      )}
    </aside>
  );
}

type Fact = [string, React.ReactNode];

function details(props: ModelAsideProps): Fact[] {
  const { version, onOpen, notebookOpener } = props;
  const { run_id: run, job_id: job, notebook } = version;
  const link = (kind: string, ref: string, label: string) => (
    <LinkButton key={ref} onClick={() => onOpen(nodeOf(kind, ref))}>
      {label}
    </LinkButton>
  );
  const facts: (Fact | false)[] = [
    version.status !== 'ready' && ['status', version.status],
    ['class', version.class_name],
    ['flavour', version.format],
    ['size', formatBytes(version.size_bytes)],
    ['registered by', version.created_by],
    run !== null && ['run', link('run', run, run.slice(-6))],
    job !== null && ['job', link('job', job, job.slice(-6))],
    notebook !== null && [
      'notebook',
      <NotebookLink key="notebook" path={notebook} open={notebookOpener(notebook)} />
    ],
    version.datasets.length > 0 && [
      'trained on',
      <span className="jp-mlops-Links" key="datasets">
        {version.datasets.map(each => {
          const ref = each.version === null ? each.name : `${each.name}@${each.version}`;
          return link('dataset', ref, ref);
        })}
      </span>
    ],
    version.example_name !== '' && ['example', version.example_name],
    ['digest', <CopyId id={version.digest} key="digest" />],
    version.origin !== '' && [
      'workspace',
      /^[0-9a-f]{32}$/.test(version.origin) ? (
        <CopyId id={version.origin} key="origin" />
      ) : (
        version.origin
      )
    ]
  ];
  return facts.filter((fact): fact is Fact => fact !== false);
}

function NotebookLink(props: { path: string; open: (() => void) | null }): JSX.Element {
  const name = props.path.slice(props.path.lastIndexOf('/') + 1);
  return props.open ? (
    <LinkButton title={props.path} onClick={props.open}>
      {name}
    </LinkButton>
  ) : (
    <span title={props.path}>{name}</span>
  );
}
