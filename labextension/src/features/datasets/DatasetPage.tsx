import React from 'react';
import { Dataset, DatasetVersion, Node } from '../../api/types';
import { Decide } from '../../ui/decisions';
import { formatBytes, formatTime } from '../../ui/format';
import { datasetIcon } from '../../ui/icons';
import { LineageSection } from '../../ui/lineageSection';
import { AliasChips } from '../../ui/marks';
import { NameHeader } from '../../ui/names';
import { KeyValues, Section } from '../../ui/page';
import { refText } from '../../ui/refs';
import { useModel } from '../../ui/signals';
import { ErrorBox, Loaded } from '../../ui/states';
import { VersionsSection } from '../../ui/versions';
import { DatasetAside } from './DatasetAside';
import { DiffSection } from './DiffSection';
import { ExpectationsSection } from './ExpectationsSection';
import { DatasetModel } from './model';
import { ProfileSection } from './ProfileSection';

export interface DatasetPageProps {
  model: DatasetModel;
  onOpen: (node: Node) => void;
  /** Shows who decided what about it, and when. */
  onHistory: (subject: string) => void;
  decide: Decide;
}

/** One dataset: its versions, and what is in the selected one, expected of it, and came of it. */
export function DatasetPage(props: DatasetPageProps): JSX.Element {
  useModel(props.model);
  return (
    <div className="jp-mlops-Page">
      <Loaded of={props.model}>{dataset => <Content {...props} dataset={dataset} />}</Loaded>
    </div>
  );
}

function Content(props: DatasetPageProps & { dataset: Dataset }): JSX.Element {
  const { dataset, model } = props;
  const { selected } = model;
  const number = selected?.version ?? null;
  return (
    <>
      <NameHeader kind="dataset" icon={datasetIcon} of={dataset} onHistory={props.onHistory} />
      {model.editError && <ErrorBox error={model.editError} close={() => model.forgetError()} />}
      <div className="jp-mlops-Columns">
        <div>
          <VersionTable {...props} />
          {selected && number !== null && (
            <>
              <ProfileSection key={selected.digest} version={number} profile={model.profile} />
              <ExpectationsSection model={model} version={number} />
              <DiffSection model={model} selected={selected} />
              <LineageSection
                model={model}
                version={number}
                question="What breaks if this version is bad?"
                onOpen={props.onOpen}
              />
            </>
          )}
          <Section title="Load it">
            <pre className="jp-mlops-Snippet">
              {`mlops.load_dataset("${refOf(dataset, selected)}")`}
            </pre>
          </Section>
        </div>
        {selected && <DatasetAside {...props} version={selected} />}
      </div>
      {selected?.columns && !model.profile.data?.columns.length && <Schema version={selected} />}
    </>
  );
}

function refOf(dataset: Dataset, selected: DatasetVersion | undefined): string {
  return refText(dataset.name, selected?.version);
}

function VersionTable(props: DatasetPageProps & { dataset: Dataset }): JSX.Element {
  const { dataset, model } = props;
  return (
    <VersionsSection
      columns={['aliases', 'kind', 'rows', 'size', 'storage', 'registered', 'by']}
      versions={dataset.versions}
      selected={model.selected}
      onSelect={version => void model.select(version)}
      cells={each => [
        <AliasChips key="aliases" aliases={each.aliases} />,
        each.kind,
        each.rows === null ? '–' : each.rows.toLocaleString('en'),
        formatBytes(each.size_bytes),
        <span key="storage" title={each.uri ?? undefined}>
          {each.storage}
        </span>,
        formatTime(each.created_at),
        each.created_by
      ]}
    />
  );
}

function Schema(props: { version: DatasetVersion }): JSX.Element {
  const columns = props.version.columns ?? [];
  return (
    <Section title="Schema" count={columns.length}>
      <KeyValues
        label="Schema"
        items={columns.map(column => [column.name, <code key={column.name}>{column.type}</code>])}
      />
    </Section>
  );
}
