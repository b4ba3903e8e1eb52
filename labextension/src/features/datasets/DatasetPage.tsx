import React from 'react';
import { Dataset, DatasetVersion, Node } from '../../api/types';
import { counted, formatBytes, formatTime } from '../../ui/format';
import { datasetIcon } from '../../ui/icons';
import { LineageGraph } from '../../ui/lineage';
import { CopyId, Facts, KeyValues, LinkButton, PageHeader, Section } from '../../ui/page';
import { useModel } from '../../ui/signals';
import { Loaded } from '../../ui/states';
import { Versions } from '../../ui/versions';
import { DatasetModel } from './model';

export interface DatasetPageProps {
  model: DatasetModel;
  onOpen: (node: Node) => void;
}

/** One dataset: its versions, and schema and lineage of the selected one. */
export function DatasetPage(props: DatasetPageProps): JSX.Element {
  useModel(props.model);
  return (
    <div className="jp-mlops-Page">
      <Loaded of={props.model}>{dataset => <Content {...props} dataset={dataset} />}</Loaded>
    </div>
  );
}

function Content(props: DatasetPageProps & { dataset: Dataset }): JSX.Element {
  const { dataset, model, onOpen } = props;
  const { selected, lineage } = model;
  const ref = selected ? `${dataset.name}@${selected.version}` : dataset.name;
  return (
    <>
      <PageHeader
        icon={<datasetIcon.react tag="span" />}
        title={dataset.name}
        subtitle={
          <Facts items={[counted(dataset.versions.length, 'version'), selected?.description]} />
        }
      />
      <div className="jp-mlops-Columns">
        <div>
          <Section title="Versions" count={dataset.versions.length}>
            <Versions
              label="Versions"
              columns={['kind', 'rows', 'size', 'registered', 'by']}
              versions={dataset.versions}
              selected={selected}
              onSelect={version => void model.select(version)}
              cells={each => [
                each.kind,
                each.rows === null ? '–' : each.rows.toLocaleString('en'),
                formatBytes(each.size_bytes),
                formatTime(each.created_at),
                each.created_by
              ]}
            />
          </Section>
          {lineage && lineage.nodes.length > 1 && (
            <Section title={`Lineage of version ${selected?.version}`}>
              <LineageGraph lineage={lineage} onOpen={onOpen} />
            </Section>
          )}
          <Section title="Load it">
            <pre className="jp-mlops-Snippet">{`mlops.load_dataset("${ref}")`}</pre>
          </Section>
        </div>
        {selected && (
          <aside>
            <Schema version={selected} />
            <Section title="Details">
              <KeyValues label="Details" items={details(selected, onOpen)} />
            </Section>
          </aside>
        )}
      </div>
    </>
  );
}

function Schema(props: { version: DatasetVersion }): JSX.Element | null {
  const { columns } = props.version;
  return columns ? (
    <Section title="Schema" count={columns.length}>
      <KeyValues
        label="Schema"
        items={columns.map(column => [column.name, <code key={column.name}>{column.type}</code>])}
      />
    </Section>
  ) : null;
}

function details(
  version: DatasetVersion,
  onOpen: (node: Node) => void
): [string, React.ReactNode][] {
  const runId = version.run_id;
  return [
    ['status', version.status],
    ['file', version.file_name],
    ['source', version.source || '–'],
    ['digest', <CopyId id={version.digest} key="digest" />],
    [
      'run',
      runId ? (
        <LinkButton
          onClick={() => onOpen({ id: `run:${runId}`, kind: 'run', label: '', status: '' })}
        >
          {runId.slice(-6)}
        </LinkButton>
      ) : (
        '–'
      )
    ]
  ];
}
