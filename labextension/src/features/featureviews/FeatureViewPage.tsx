import { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import React from 'react';
import { FeatureView, FeatureViewVersion, Materialization, Node } from '../../api/types';
import { counted, formatDuration, formatTime } from '../../ui/format';
import { featureIcon } from '../../ui/icons';
import { LineageSection } from '../../ui/lineageSection';
import { NameHeader } from '../../ui/names';
import { CopyId, KeyValues, Section } from '../../ui/page';
import { IdLink, RefLink } from '../../ui/refs';
import { Code } from '../../ui/rich';
import { useModel } from '../../ui/signals';
import { Loaded } from '../../ui/states';
import { VersionsSection } from '../../ui/versions';
import { FeatureViewModel } from './model';

export interface FeatureViewPageProps {
  model: FeatureViewModel;
  rendermime: IRenderMimeRegistry;
  onOpen: (node: Node) => void;
  /** Shows who decided what about it, and when. */
  onHistory: (subject: string) => void;
}

/** One feature view: its definitions, and what was computed by them. */
export function FeatureViewPage(props: FeatureViewPageProps): JSX.Element {
  useModel(props.model);
  return (
    <div className="jp-mlops-Page">
      <Loaded of={props.model}>{view => <Content {...props} view={view} />}</Loaded>
    </div>
  );
}

type ContentProps = FeatureViewPageProps & { view: FeatureView };

function Content(props: ContentProps): JSX.Element {
  const { view, model, rendermime, onOpen } = props;
  const { selected } = model;
  return (
    <>
      <NameHeader
        kind="view"
        icon={featureIcon}
        of={view}
        facts={['feature view']}
        onHistory={props.onHistory}
      />
      <div className="jp-mlops-Columns">
        <div>
          <VersionTable {...props} />
          <Computed {...props} />
          {selected && (
            <Section title={`Definition of version ${selected.version ?? '(pending)'}`}>
              <Code rendermime={rendermime} source={selected.code.trim()} />
            </Section>
          )}
          {selected && selected.version !== null && (
            <LineageSection
              model={model}
              version={selected.version}
              question="What depends on this version?"
              onOpen={onOpen}
            />
          )}
          <Section title="Use it">
            <pre className="jp-mlops-Snippet">
              {`mlops.training_set(labels, ["${view.name}"])\nmlops.online_features("${view.name}", keys)`}
            </pre>
          </Section>
        </div>
        {selected && <Aside view={view} version={selected} onOpen={onOpen} />}
      </div>
    </>
  );
}

function VersionTable(props: ContentProps): JSX.Element {
  const { view, model } = props;
  return (
    <VersionsSection
      columns={['of', 'keys', 'features', 'defined', 'by']}
      versions={view.versions}
      selected={model.selected}
      onSelect={version => void model.select(version)}
      cells={each => [
        each.source,
        each.keys.join(', '),
        each.features.length || '–',
        formatTime(each.created_at),
        each.created_by
      ]}
    />
  );
}

/** What was computed, the newest first. */
function Computed(props: ContentProps): JSX.Element {
  const { materializations } = props.view;
  return (
    <Section title="Computed" count={materializations.length}>
      {materializations.length === 0 ? (
        <p className="jp-mlops-Hint">
          Nothing yet: <code>{props.view.name}.materialize()</code>
        </p>
      ) : (
        <div className="jp-mlops-Scroll">
          <table className="jp-mlops-Table jp-mlops-Versions" aria-label="Computed">
            <thead>
              <tr>
                {['version', 'from', 'gave', 'rows', 'online', 'took', 'at', 'by'].map(title => (
                  <th key={title} scope="col">
                    {title}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {materializations.map((each, i) => (
                <ComputedRow key={i} each={each} onOpen={props.onOpen} />
              ))}
            </tbody>
          </table>
        </div>
      )}
    </Section>
  );
}

function ComputedRow(props: { each: Materialization; onOpen: (node: Node) => void }): JSX.Element {
  const { each, onOpen } = props;
  return (
    <tr>
      <th scope="row">v{each.view.version}</th>
      <td>
        <RefLink {...each.source} onOpen={onOpen} />
      </td>
      <td>
        <RefLink {...each.dataset} onOpen={onOpen} />
      </td>
      <td>{each.rows.toLocaleString('en')}</td>
      <td>{each.online_rows === null ? '–' : counted(each.online_rows, 'key')}</td>
      <td>{formatDuration(each.duration_s)}</td>
      <td>{formatTime(each.at)}</td>
      <td>{each.user}</td>
    </tr>
  );
}

function Aside(props: {
  view: FeatureView;
  version: FeatureViewVersion;
  onOpen: (node: Node) => void;
}): JSX.Element {
  const { view, version, onOpen } = props;
  const { run_id: run, ttl_s: ttl } = version;
  const description = version.description || view.details.description;
  return (
    <aside>
      {description && (
        <Section title="About">
          <p className="jp-mlops-Said">{description}</p>
        </Section>
      )}
      <Section title="Features" count={version.features.length}>
        <KeyValues
          label="Features"
          items={version.features.map(each => [
            each.name,
            <code key={each.name}>{each.type}</code>
          ])}
        />
      </Section>
      <Section title="Details">
        <KeyValues
          label="Details"
          items={[
            [
              'computed from',
              <RefLink key="source" kind="dataset" name={version.source} onOpen={onOpen} />
            ],
            ['keys', version.keys.join(', ')],
            ['timestamp', version.timestamp ?? 'none: it always holds'],
            ['holds for', ttl === null ? 'ever' : formatDuration(ttl)],
            ['function', [version.module, version.function].filter(Boolean).join('.')],
            ['digest', <CopyId key="digest" id={version.digest} />],
            ['run', run ? <IdLink key="run" kind="run" id={run} onOpen={onOpen} /> : '–']
          ]}
        />
      </Section>
    </aside>
  );
}
