import { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import React from 'react';
import { Model, ModelVersion, Node } from '../../api/types';
import { Decide } from '../../ui/decisions';
import { formatBytes, formatNumber, formatTime } from '../../ui/format';
import { modelIcon } from '../../ui/icons';
import { LineageSection } from '../../ui/lineageSection';
import { AliasChips } from '../../ui/marks';
import { NameHeader } from '../../ui/names';
import { Section } from '../../ui/page';
import { useModel } from '../../ui/signals';
import { ErrorBox, Loaded } from '../../ui/states';
import { VersionsSection } from '../../ui/versions';
import { CardSection } from './CardSection';
import { ModelModel } from './model';
import { ModelAside } from './ModelAside';
import { ReviewSection } from './ReviewSection';
import { SignatureSection } from './SignatureSection';

export interface ModelPageProps {
  model: ModelModel;
  rendermime: IRenderMimeRegistry;
  onOpen: (node: Node) => void;
  /** Shows who decided what about it, and when. */
  onHistory: (subject: string) => void;
  /** Opens a notebook of this server, or null where its path is not below the server's root. */
  notebookOpener: (path: string) => (() => void) | null;
  decide: Decide;
}

/** One model: its versions, the selected one's review for an alias, its card and its lineage. */
export function ModelPage(props: ModelPageProps): JSX.Element {
  useModel(props.model);
  return (
    <div className="jp-mlops-Page">
      <Loaded of={props.model}>{model => <Content {...props} data={model} />}</Loaded>
    </div>
  );
}

type ContentProps = ModelPageProps & { data: Model };

function Content(props: ContentProps): JSX.Element {
  const { data, model } = props;
  const { selected } = model;
  const number = selected?.version ?? null;
  return (
    <>
      <NameHeader kind="model" icon={modelIcon} of={data} onHistory={props.onHistory} />
      {model.editError && <ErrorBox error={model.editError} close={() => model.forgetError()} />}
      <div className="jp-mlops-Columns">
        <div>
          <VersionTable {...props} />
          {selected && number !== null && (
            <>
              <ReviewSection {...props} version={number} />
              <CardSection key={number} {...props} version={number} />
              <SignatureSection version={selected} />
              <LineageSection
                model={model}
                version={number}
                question="What depends on this version?"
                onOpen={props.onOpen}
              />
            </>
          )}
          {selected && <LoadIt data={data} version={selected} />}
        </div>
        {selected && <ModelAside {...props} version={selected} />}
      </div>
    </>
  );
}

function VersionTable(props: ContentProps): JSX.Element {
  const { data, model } = props;
  return (
    <VersionsSection
      columns={['aliases', 'metrics', 'flavour', 'size', 'registered', 'by']}
      versions={data.versions}
      selected={model.selected}
      onSelect={version => void model.select(version)}
      cells={versionCells}
    />
  );
}

function versionCells(version: ModelVersion): React.ReactNode[] {
  const metrics = Object.entries(version.metrics).slice(0, 2);
  return [
    <AliasChips key="aliases" aliases={version.aliases} />,
    metrics.map(([name, value]) => `${name} ${formatNumber(value, 4)}`).join(', '),
    <span key="flavour" title={version.class_name}>
      {version.format}
    </span>,
    formatBytes(version.size_bytes),
    formatTime(version.created_at),
    version.created_by
  ];
}

function LoadIt(props: { data: Model; version: ModelVersion }): JSX.Element {
  const { data, version } = props;
  const ref = `${data.name}@${version.aliases[0] ?? version.version}`;
  return (
    <Section title="Load it">
      <pre className="jp-mlops-Snippet">
        {`model = mlops.load_model("${ref}")\nmlops.predict("${ref}", data)`}
      </pre>
    </Section>
  );
}
