import React from 'react';
import { DataRead, Node, RunDetail, VersionRef } from '../../api/types';
import { counted, formatBytes } from '../../ui/format';
import { Fold, KeyValues, LinkButton, Section } from '../../ui/page';

interface Props {
  detail: RunDetail;
  onOpen: (node: Node) => void;
}

/** The files and addresses that the run read. */
export function RunData(props: Props): JSX.Element | null {
  const { data } = props.detail;
  if (data.length === 0) {
    return null;
  }
  return (
    <Section title="Data" count={data.length} folded={data.length > 30}>
      <ul className="jp-mlops-Data" aria-label="Data that was read">
        {data.map(read => (
          <li key={`${read.uri} ${read.reader} ${read.time}`}>
            <Read read={read} onOpen={props.onOpen} />
          </li>
        ))}
      </ul>
    </Section>
  );
}

function Read(props: { read: DataRead; onOpen: (node: Node) => void }): JSX.Element {
  const { read, onOpen } = props;
  const columns = Object.entries(read.columns);
  const facts = [
    read.reader,
    read.files === null ? '' : counted(read.files, 'file'),
    read.rows === null ? '' : counted(read.rows, 'row'),
    read.size_bytes === null ? '' : formatBytes(read.size_bytes)
  ].filter(Boolean);
  return (
    <>
      <div className="jp-mlops-Data-head">
        <code title={read.uri}>{shortened(read.uri)}</code>
        {read.version && <Version version={read.version} onOpen={onOpen} />}
      </div>
      <div className="jp-mlops-Hint">
        {facts.join(' · ')}
        {facts.length > 0 && ' · '}
        <Digest read={read} />
      </div>
      {read.problem && <div className="jp-mlops-Hint jp-mod-warn">{read.problem}</div>}
      {columns.length > 0 && (
        <Fold title={counted(columns.length, 'column')}>
          <KeyValues label={`Columns of ${read.uri}`} items={columns} />
        </Fold>
      )}
    </>
  );
}

function Version(props: { version: VersionRef; onOpen: (node: Node) => void }): JSX.Element {
  const { kind, name, version } = props.version;
  const label = version === null ? `${name} (pending)` : `${name}@${version}`;
  return (
    <LinkButton
      title="Open this registered dataset"
      onClick={() =>
        props.onOpen({ id: `${kind}:${name}@${version ?? ''}`, kind, label, status: '' })
      }
    >
      {label}
    </LinkButton>
  );
}

/** The content's digest, and what is to be known of it. */
function Digest(props: { read: DataRead }): JSX.Element {
  const { digest, sampled } = props.read;
  if (!digest) {
    return <span title="Large content is hashed later, off the cell.">digest pending</span>;
  }
  return (
    <span title={sampled ? `${digest}\nof parts of the content: it is large` : `BLAKE3 ${digest}`}>
      <code>{digest.slice(0, 10)}</code>
      {sampled && ' (sampled)'}
    </span>
  );
}

/** The end of a path tells more than its beginning. */
function shortened(uri: string): string {
  return uri.length > 90 ? `…${uri.slice(-88)}` : uri;
}

/** The fitted models that the cell left behind. */
export function RunModels(props: { detail: RunDetail }): JSX.Element | null {
  const { models } = props.detail;
  if (models.length === 0) {
    return null;
  }
  return (
    <Section title="Models" count={models.length}>
      <table className="jp-mlops-Table" aria-label="Models left in the namespace">
        <thead>
          <tr>
            {['name', 'class', 'parameters', 'size'].map(title => (
              <th key={title} scope="col">
                {title}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {models.map(model => (
            <tr key={model.name}>
              <th scope="row">
                <code>{model.name}</code>
              </th>
              <td>{model.class_name}</td>
              <td>{model.parameters === null ? '–' : model.parameters.toLocaleString('en')}</td>
              <td>{formatBytes(model.size_bytes)}</td>
            </tr>
          ))}
        </tbody>
      </table>
      <p className="jp-mlops-Hint">
        Keep one with <code>%%track --log-model NAME</code> or{' '}
        <code>mlops.register_model(NAME)</code>.
      </p>
    </Section>
  );
}
