import React from 'react';
import { Dataset, DatasetVersion } from '../../api/types';
import { Fact, NameAside } from '../../ui/aside';
import { Decide } from '../../ui/decisions';
import { counted, formatBytes } from '../../ui/format';
import { CopyId, Section } from '../../ui/page';
import { IdLink, OnOpen, RefLink, refText } from '../../ui/refs';
import { DatasetModel } from './model';

export interface DatasetAsideProps {
  model: DatasetModel;
  dataset: Dataset;
  version: DatasetVersion;
  onOpen: OnOpen;
  decide: Decide;
}

/** What people say of the dataset, and the facts of the version in view. */
export function DatasetAside(props: DatasetAsideProps): JSX.Element {
  const { version } = props;
  return (
    <NameAside
      {...props}
      kind="dataset"
      data={props.dataset}
      facts={facts(version, props.onOpen)}
      more={
        version.query && (
          <Section title="Query">
            <pre className="jp-mlops-Snippet">{version.query}</pre>
          </Section>
        )
      }
    />
  );
}

function facts(version: DatasetVersion, onOpen: OnOpen): Fact[] {
  const { run_id: run, view, inputs, rows, files } = version;
  return [
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
    run !== null && ['run', <IdLink key="run" kind="run" id={run} onOpen={onOpen} />],
    view !== null && ['feature view', <RefLink key="view" {...view} kind="view" onOpen={onOpen} />],
    inputs.length > 0 && [
      'made from',
      <span className="jp-mlops-Links" key="inputs">
        {inputs.map(input => (
          <RefLink key={refText(input.name, input.version)} {...input} onOpen={onOpen} />
        ))}
      </span>
    ]
  ];
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
