import { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import React from 'react';
import { Node, RunDetail } from '../../api/types';
import { MetricChart } from '../../ui/chart';
import { EditableText, TagEditor } from '../../ui/editable';
import {
  formatBytes,
  formatDuration,
  formatNumber,
  formatTime,
  formatValue
} from '../../ui/format';
import { LineageGraph } from '../../ui/lineage';
import { Button, CopyId, Facts, KeyValues, LinkButton, PageHeader, Section } from '../../ui/page';
import { Code, Outputs } from '../../ui/rich';
import { useModel, useNow } from '../../ui/signals';
import { ErrorBox, Loaded } from '../../ui/states';
import { ProgressBar, StatusBadge, StatusIcon } from '../../ui/status';
import { RunContext } from './RunContext';
import { RunModel } from './model';

export interface RunPageProps {
  model: RunModel;
  rendermime: IRenderMimeRegistry;
  onOpen: (node: Node) => void;
  /** Opens a notebook of this server, or null where its path is not below the server's root. */
  notebookOpener: (path: string) => (() => void) | null;
}

/** Everything about one run. */
export function RunPage(props: RunPageProps): JSX.Element {
  useModel(props.model);
  return (
    <div className="jp-mlops-Page">
      <Loaded of={props.model}>{detail => <Content {...props} detail={detail} />}</Loaded>
    </div>
  );
}

type ContentProps = RunPageProps & { detail: RunDetail };

function Content(props: ContentProps): JSX.Element {
  const { detail, model, rendermime } = props;
  const { run } = detail;
  return (
    <>
      <RunHeader {...props} />
      {model.editError && <ErrorBox error={model.editError} />}
      {run.status === 'lost' && run.status_reason && (
        <div className="jp-mlops-Notice">Lost: {run.status_reason}</div>
      )}
      {run.progress && run.status === 'running' && (
        <div className="jp-mlops-PageProgress">
          <ProgressBar {...run.progress} label="Cells executed" />
          <span>
            {run.progress.done} of {run.progress.total} cells done
          </span>
        </div>
      )}
      <div className="jp-mlops-Columns">
        <div>
          {detail.error && <RunFailure error={detail.error} />}
          <Metrics {...props} />
          {detail.source && (
            <Section title="Code">
              <Code rendermime={rendermime} source={detail.source} />
            </Section>
          )}
          {detail.outputs.length > 0 && (
            <Section title="Outputs" count={detail.outputs.length}>
              <Outputs rendermime={rendermime} outputs={detail.outputs} />
            </Section>
          )}
          {detail.cells.length > 0 && <Cells {...props} />}
          <Lineage {...props} />
        </div>
        <aside>
          <Params {...props} />
          <Section title="Tags">
            <TagEditor tags={run.tags} onChange={tags => void model.edit({ tags })} />
          </Section>
          <Section title="Note">
            <EditableText
              long
              label="note"
              value={run.note}
              placeholder="Add a note: what was tried, what was learned"
              onSave={note => void model.edit({ note })}
            />
          </Section>
          <Artifacts {...props} />
          <RunContext detail={detail} />
        </aside>
      </div>
    </>
  );
}

function RunHeader(props: ContentProps): JSX.Element {
  const { model, onOpen, notebookOpener } = props;
  const { run } = props.detail;
  const now = useNow(1_000);
  const jobId = run.job_id;
  const duration = run.status === 'running' ? now - run.started_at : run.duration_s;
  const openNotebook = run.notebook ? notebookOpener(run.notebook) : null;
  const facts = [
    <StatusBadge status={run.status} reason={run.status_reason} key="status" />,
    <CopyId id={run.id} key="id" />,
    run.experiment,
    run.kind,
    formatTime(run.started_at),
    formatDuration(duration),
    [run.user, run.host].filter(Boolean).join('@')
  ];
  return (
    <PageHeader
      icon={<StatusIcon status={run.status} reason={run.status_reason} />}
      title={run.name || run.kind}
      subtitle={<Facts items={facts} />}
    >
      {openNotebook && (
        <Button title={run.notebook ?? ''} onClick={openNotebook}>
          Notebook
        </Button>
      )}
      {jobId && (
        <Button onClick={() => onOpen({ id: `job:${jobId}`, kind: 'job', label: '', status: '' })}>
          Job
        </Button>
      )}
      <Button
        title={run.archived ? 'Show it in lists again' : 'Hide it from lists; nothing is deleted'}
        onClick={() => void model.edit({ archived: !run.archived })}
      >
        {run.archived ? 'Unarchive' : 'Archive'}
      </Button>
    </PageHeader>
  );
}

function RunFailure(props: { error: { name: string; message: string; traceback: string } }) {
  const { name, message, traceback } = props.error;
  return (
    <Section title="Error">
      <div className="jp-mlops-Failure" role="alert">
        <strong>{name}</strong>
        {message && `: ${message}`}
      </div>
      {traceback && (
        <details className="jp-mlops-Traceback">
          <summary>Traceback</summary>
          <pre>{traceback}</pre>
        </details>
      )}
    </Section>
  );
}

function Metrics(props: ContentProps): JSX.Element {
  const metrics = Object.entries(props.detail.run.metrics);
  const charts = metrics.flatMap(([name]) => props.model.histories.get(name) ?? []);
  return (
    <Section title="Metrics" count={metrics.length}>
      {metrics.length === 0 ? (
        <p className="jp-mlops-Hint">
          None. <code>mlops.log(loss=0.3, step=1)</code> records one.
        </p>
      ) : (
        <table className="jp-mlops-Table" aria-label="Metrics">
          <thead>
            <tr>
              {['metric', 'last', 'min', 'max', 'points'].map(title => (
                <th key={title} scope="col">
                  {title}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {metrics.map(([name, summary]) => (
              <tr key={name}>
                <th scope="row">{name}</th>
                <td title={String(summary.last)}>
                  <strong>{formatNumber(summary.last)}</strong>
                </td>
                <td title={String(summary.min)}>{formatNumber(summary.min)}</td>
                <td title={String(summary.max)}>{formatNumber(summary.max)}</td>
                <td>{summary.count}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {charts.length > 0 && (
        <div className="jp-mlops-Charts">
          {charts.map(history => (
            <MetricChart key={history.name} history={history} />
          ))}
        </div>
      )}
    </Section>
  );
}

function Params(props: ContentProps): JSX.Element {
  const { run, params_from } = props.detail;
  const items = Object.entries(run.params);
  return (
    <Section title="Params" count={items.length}>
      {items.length === 0 ? (
        <p className="jp-mlops-Hint">
          None. Literals that the cell assigns and <code>-p NAME=VALUE</code> are recorded.
        </p>
      ) : (
        <KeyValues
          label="Params"
          items={items.map(([key, value]) => [
            key,
            <span title={params_from[key] && `from: ${params_from[key]}`} key={key}>
              {formatValue(value)}
            </span>
          ])}
        />
      )}
    </Section>
  );
}

function Artifacts(props: ContentProps): JSX.Element | null {
  const { artifacts } = props.detail;
  if (artifacts.length === 0) {
    return null;
  }
  return (
    <Section title="Artifacts" count={artifacts.length}>
      <ul className="jp-mlops-Artifacts">
        {artifacts.map(({ name, size_bytes, media_type }) => (
          <li key={name}>
            <a
              href={props.model.artifactUrl(name)}
              download={name.split('/').pop()}
              title={`Download ${name} (${media_type})`}
            >
              {name}
            </a>
            <span>{formatBytes(size_bytes)}</span>
          </li>
        ))}
      </ul>
    </Section>
  );
}

function Cells(props: ContentProps): JSX.Element {
  const { cells } = props.detail;
  const longest = Math.max(...cells.map(cell => cell.duration_s), 0.001);
  return (
    <Section title="Cells" count={cells.length} folded={cells.length > 20}>
      <ol className="jp-mlops-Cells">
        {cells.map(cell => (
          <li key={cell.index} className={cell.ok ? '' : 'jp-mod-failed'}>
            <span>cell {cell.index + 1}</span>
            <div style={{ width: `${(60 * cell.duration_s) / longest}%` }} />
            <span>
              {formatDuration(cell.duration_s)}
              {!cell.ok && ' · failed'}
            </span>
          </li>
        ))}
      </ol>
    </Section>
  );
}

function Lineage(props: ContentProps): JSX.Element | null {
  const { lineage } = props.model;
  const { children } = props.detail;
  if (!lineage || lineage.nodes.length < 2) {
    return children.length === 0 ? null : (
      <Section title="Child runs" count={children.length}>
        {children.map(id => (
          <LinkButton
            key={id}
            onClick={() => props.onOpen({ id: `run:${id}`, kind: 'run', label: id, status: '' })}
          >
            {id.slice(-6)}
          </LinkButton>
        ))}
      </Section>
    );
  }
  return (
    <Section title="Lineage" count={lineage.nodes.length}>
      <LineageGraph lineage={lineage} onOpen={props.onOpen} />
    </Section>
  );
}
