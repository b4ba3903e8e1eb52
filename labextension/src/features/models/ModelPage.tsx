import React from 'react';
import { Model, ModelVersion, Node } from '../../api/types';
import { counted, formatBytes, formatNumber, formatTime } from '../../ui/format';
import { modelIcon } from '../../ui/icons';
import { LineageGraph } from '../../ui/lineage';
import { Button, CopyId, Facts, KeyValues, LinkButton, PageHeader, Section } from '../../ui/page';
import { useModel } from '../../ui/signals';
import { ErrorBox, Loaded } from '../../ui/states';
import { Versions } from '../../ui/versions';
import { ModelModel } from './model';

export interface ModelPageProps {
  model: ModelModel;
  onOpen: (node: Node) => void;
  /** Asks before an alias leaves the version that has it. */
  confirm: (question: string, action: string) => Promise<boolean>;
}

/** One model: its versions and aliases, and metrics and lineage of the selected version. */
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
  const { data, model, onOpen } = props;
  const { selected, lineage } = model;
  return (
    <>
      <PageHeader
        icon={<modelIcon.react tag="span" />}
        title={data.name}
        subtitle={
          <Facts items={[counted(data.versions.length, 'version'), selected?.description]} />
        }
      />
      {model.editError && <ErrorBox error={model.editError} />}
      <div className="jp-mlops-Columns">
        <div>
          <Section title="Versions" count={data.versions.length}>
            <Versions
              label="Versions"
              columns={['aliases', 'metrics', 'class', 'size', 'registered']}
              versions={data.versions}
              selected={selected}
              onSelect={version => void model.select(version)}
              cells={versionCells}
            />
          </Section>
          {lineage && lineage.nodes.length > 1 && (
            <Section title={`Lineage of version ${selected?.version}`}>
              <LineageGraph lineage={lineage} onOpen={onOpen} />
            </Section>
          )}
          {selected && (
            <Section title="Load it">
              <pre className="jp-mlops-Snippet">
                {`mlops.load_model("${data.name}@${selected.aliases[0] ?? selected.version}")`}
              </pre>
            </Section>
          )}
        </div>
        {selected && (
          <aside>
            <Aliases {...props} version={selected} />
            <Section title="Metrics" count={Object.keys(selected.metrics).length}>
              <KeyValues
                label="Metrics"
                items={Object.entries(selected.metrics).map(([key, value]) => [
                  key,
                  formatNumber(value)
                ])}
              />
            </Section>
            <Section title="Details">
              <KeyValues label="Details" items={details(selected, onOpen)} />
            </Section>
            <Section title="Packages" count={Object.keys(selected.packages).length} folded>
              <KeyValues label="Packages" items={Object.entries(selected.packages)} />
            </Section>
          </aside>
        )}
      </div>
    </>
  );
}

function versionCells(version: ModelVersion): React.ReactNode[] {
  const metrics = Object.entries(version.metrics).slice(0, 2);
  return [
    <>
      {version.aliases.map(alias => (
        <span className="jp-mlops-Alias" key={alias}>
          {alias}
        </span>
      ))}
    </>,
    metrics.map(([name, value]) => `${name} ${formatNumber(value)}`).join(', '),
    version.class_name.split('.').pop(),
    formatBytes(version.size_bytes),
    formatTime(version.created_at)
  ];
}

/** The selected version's aliases; one that stands on another version moves after a question. */
function Aliases(props: ContentProps & { version: ModelVersion }): JSX.Element {
  const { data, model, version, confirm } = props;
  const [draft, setDraft] = React.useState('');
  const known = React.useId();
  if (version.version === null) {
    return <></>;
  }
  const number = version.version;
  const move = async (event: React.FormEvent) => {
    event.preventDefault();
    const alias = draft.trim();
    const holder = data.aliases[alias];
    const question = `Move the alias “${alias}” of ${data.name} from version ${holder} to version ${number}?`;
    if (alias && (holder === undefined || holder === number || (await confirm(question, 'Move')))) {
      await model.setAlias(alias, number);
      setDraft('');
    }
  };
  const remove = async (alias: string) => {
    if (await confirm(`Remove the alias “${alias}” of ${data.name}?`, 'Remove')) {
      await model.deleteAlias(alias);
    }
  };
  return (
    <Section title={`Aliases of version ${number}`} count={version.aliases.length}>
      <div className="jp-mlops-Tags">
        {version.aliases.map(alias => (
          <span className="jp-mlops-Chip" key={alias}>
            {alias}
            <button
              aria-label={`Remove alias ${alias}`}
              title={`Remove alias ${alias}`}
              onClick={() => void remove(alias)}
            >
              ×
            </button>
          </span>
        ))}
      </div>
      <form className="jp-mlops-AliasForm" onSubmit={event => void move(event)}>
        <input
          type="text"
          className="jp-mlops-Field"
          aria-label={`Alias for version ${number}`}
          placeholder="champion"
          list={known}
          value={draft}
          onChange={event => setDraft(event.target.value)}
        />
        <datalist id={known}>
          {Object.keys(data.aliases).map(alias => (
            <option key={alias} value={alias} />
          ))}
        </datalist>
        <Button disabled={!draft.trim()} onClick={() => undefined}>
          {data.aliases[draft.trim()] === undefined ? 'Add alias' : 'Move alias here'}
        </Button>
      </form>
    </Section>
  );
}

function details(version: ModelVersion, onOpen: (node: Node) => void): [string, React.ReactNode][] {
  const runId = version.run_id;
  return [
    ['class', version.class_name],
    ['format', version.format],
    ['status', version.status],
    ['by', version.created_by],
    ...(version.origin ? [['origin', version.origin] as [string, string]] : []),
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
