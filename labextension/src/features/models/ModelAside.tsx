import React from 'react';
import { Model, ModelVersion } from '../../api/types';
import { Fact, NameAside } from '../../ui/aside';
import { Decide } from '../../ui/decisions';
import { formatBytes, formatNumber } from '../../ui/format';
import { CopyId, KeyValues, LinkButton, Section } from '../../ui/page';
import { IdLink, OnOpen, RefLink, refText } from '../../ui/refs';
import { AliasHistory } from './AliasHistory';
import { GatesEditor } from './GatesEditor';
import { ModelModel } from './model';

export interface ModelAsideProps {
  model: ModelModel;
  data: Model;
  version: ModelVersion;
  onOpen: OnOpen;
  /** Opens a notebook of this server, or null where its path is not below the server's root. */
  notebookOpener: (path: string) => (() => void) | null;
  decide: Decide;
}

/** What people say of the model, the facts of the version in view, gates and moves of the alias. */
export function ModelAside(props: ModelAsideProps): JSX.Element {
  const { model, version } = props;
  const metrics = Object.entries(version.metrics);
  const packages = Object.entries(version.packages);
  return (
    <NameAside
      {...props}
      kind="model"
      facts={facts(props)}
      more={
        packages.length > 0 && (
          <Section title="Packages" count={packages.length} folded>
            <KeyValues label="Packages" items={packages} />
          </Section>
        )
      }
    >
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
    </NameAside>
  );
}

function facts(props: ModelAsideProps): Fact[] {
  const { version, onOpen, notebookOpener } = props;
  const { run_id: run, job_id: job, notebook, datasets } = version;
  return [
    version.status !== 'ready' && ['status', version.status],
    ['class', version.class_name],
    ['flavour', version.format],
    ['size', formatBytes(version.size_bytes)],
    ['registered by', version.created_by],
    run !== null && ['run', <IdLink key="run" kind="run" id={run} onOpen={onOpen} />],
    job !== null && ['job', <IdLink key="job" kind="job" id={job} onOpen={onOpen} />],
    notebook !== null && [
      'notebook',
      <NotebookLink key="notebook" path={notebook} open={notebookOpener(notebook)} />
    ],
    datasets.length > 0 && [
      'trained on',
      <span className="jp-mlops-Links" key="datasets">
        {datasets.map(each => (
          <RefLink
            key={refText(each.name, each.version)}
            {...each}
            kind="dataset"
            onOpen={onOpen}
          />
        ))}
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
