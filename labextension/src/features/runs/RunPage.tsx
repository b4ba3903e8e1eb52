import { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import React from 'react';
import { Node, RunDetail } from '../../api/types';
import { useRefusal } from '../../ui/access';
import { EditableText, TagEditor } from '../../ui/editable';
import { formatBytes, formatDuration, formatTime } from '../../ui/format';
import { LineageGraph } from '../../ui/lineage';
import { Outputs } from '../../ui/outputs';
import { Button, CopyId, Facts, LinkButton, PageHeader, Section } from '../../ui/page';
import { useModel, useNow } from '../../ui/signals';
import { ErrorBox, Loaded } from '../../ui/states';
import { ProgressBar, StatusBadge, StatusIcon } from '../../ui/status';
import { OrderBadge, RunCode } from './RunCode';
import { RunContext } from './RunContext';
import { RunData, RunModels } from './RunData';
import { RunHardware } from './RunHardware';
import { RunMetrics } from './RunMetrics';
import { RunParams } from './RunParams';
import { RunReproductions } from './RunReproductions';
import { RunModel } from './runModel';

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
  const refused = useRefusal('describe');
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
          <RunReproductions model={model} onOpen={props.onOpen} />
          <RunMetrics model={model} detail={detail} />
          <RunOutputs {...props} />
          <RunCode model={model} detail={detail} rendermime={rendermime} />
          <RunData detail={detail} onOpen={props.onOpen} />
          <RunModels detail={detail} />
          <RunHardware model={model} detail={detail} />
          {detail.cells.length > 0 && <Cells {...props} />}
          <Lineage {...props} />
        </div>
        <aside>
          <RunParams detail={detail} />
          <Section title="Tags">
            <TagEditor
              tags={run.tags}
              refused={refused}
              onChange={tags => void model.edit({ tags })}
            />
          </Section>
          <Section title="Note">
            <EditableText
              refused={refused}
              long
              label="note"
              value={run.note}
              placeholder="Add a note: what was tried, what was learned"
              onSave={note => void model.edit({ note })}
            />
          </Section>
          <Artifacts {...props} />
          <RunContext model={model} detail={detail} rendermime={rendermime} />
        </aside>
      </div>
    </>
  );
}

function RunHeader(props: ContentProps): JSX.Element {
  const { model, onOpen, notebookOpener } = props;
  const { run } = props.detail;
  const now = useNow(1_000);
  const submitting = useRefusal('submit');
  const describing = useRefusal('describe');
  const jobId = run.job_id;
  const duration = run.status === 'running' ? now - run.started_at : run.duration_s;
  const openJob = (id: string) => onOpen({ id: `job:${id}`, kind: 'job', label: '', status: '' });
  const openNotebook = run.notebook ? notebookOpener(run.notebook) : null;
  const facts = [
    <StatusBadge status={run.status} reason={run.status_reason} key="status" />,
    <CopyId id={run.id} key="id" />,
    run.experiment,
    run.kind,
    formatTime(run.started_at),
    formatDuration(duration),
    [run.user, run.host].filter(Boolean).join('@'),
    <OrderBadge context={props.detail.context} key="order" />
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
      {jobId && <Button onClick={() => openJob(jobId)}>Job</Button>}
      <Button
        disabled={submitting !== ''}
        title={
          submitting ||
          'Run it again from what was recorded: its cells, parameters and dataset versions'
        }
        onClick={() => void model.reproduce()}
      >
        Reproduce
      </Button>
      <a
        className="jp-mlops-Button"
        href={model.exportUrl}
        download={`run-${run.id}.zip`}
        title="Download it all as one zip file: notebook, metrics, outputs, artifacts, lock file"
      >
        Export
      </a>
      <Button
        disabled={describing !== ''}
        title={
          describing ||
          (run.archived ? 'Show it in lists again' : 'Hide it from lists; nothing is deleted')
        }
        onClick={() => void model.edit({ archived: !run.archived })}
      >
        {run.archived ? 'Unarchive' : 'Archive'}
      </Button>
    </PageHeader>
  );
}

/** What the cell displayed, also while it goes on and after its tab was closed. */
function RunOutputs(props: ContentProps): JSX.Element | null {
  const { detail, model, rendermime } = props;
  const running = detail.run.status === 'running';
  if (detail.outputs.length === 0) {
    return running ? (
      <Section title="Outputs">
        <p className="jp-mlops-Hint">Nothing yet. What the cell displays appears here.</p>
      </Section>
    ) : null;
  }
  return (
    <Section title="Outputs" count={detail.outputs.length} note={running ? 'live' : undefined}>
      <Outputs
        rendermime={rendermime}
        outputs={detail.outputs}
        widgets={detail.widgets}
        live={running}
        urlOf={output => model.outputUrl(output)}
      />
    </Section>
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
