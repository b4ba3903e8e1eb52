import React from 'react';
import { Job, Node, Used } from '../../api/types';
import { useRefusal } from '../../ui/access';
import {
  formatBytes,
  formatDuration,
  formatTime,
  formatValue,
  shortId,
  terminalText
} from '../../ui/format';
import { LineageGraph } from '../../ui/lineage';
import { Button, CopyId, Facts, KeyValues, PageHeader, Section } from '../../ui/page';
import { useModel, useNow } from '../../ui/signals';
import { Loaded } from '../../ui/states';
import { ProgressBar, StatusBadge, StatusIcon } from '../../ui/status';
import { hasEnded, JobModel } from './model';

export interface JobPageProps {
  model: JobModel;
  onOpen: (node: Node) => void;
  onCancel: (id: string) => void;
  /** Opens a notebook of this server, or null where its path is not below the server's root. */
  notebookOpener: (path: string) => (() => void) | null;
  /** Where an attempt's executed notebook lies, once the server has told where its home is. */
  executedNotebook: (job: Job) => string | null;
}

/** One job: where it stands, its log as it grows, what it asked for. */
export function JobPage(props: JobPageProps): JSX.Element {
  useModel(props.model);
  return (
    <div className="jp-mlops-Page">
      <Loaded of={props.model}>{job => <Content {...props} job={job} />}</Loaded>
    </div>
  );
}

type ContentProps = JobPageProps & { job: Job };

function Content(props: ContentProps): JSX.Element {
  const { job, model } = props;
  const params = Object.entries(job.spec.params);
  return (
    <>
      <JobHeader {...props} />
      {job.reason && job.status !== 'succeeded' && (
        <div className="jp-mlops-Notice">{job.reason}</div>
      )}
      {job.warning && !hasEnded(job) && (
        <div className="jp-mlops-Notice" role="status">
          {job.warning}
        </div>
      )}
      <JobProgress job={job} />
      <div className="jp-mlops-Columns">
        <div>
          <Section title="Log">
            <Log text={model.log} ended={hasEnded(job)} />
          </Section>
          {model.lineage && model.lineage.nodes.length > 1 && (
            <Section title="Lineage" count={model.lineage.nodes.length}>
              <LineageGraph lineage={model.lineage} onOpen={props.onOpen} />
            </Section>
          )}
        </div>
        <aside>
          <Section title="Parameters" count={params.length}>
            {params.length === 0 ? (
              <p className="jp-mlops-Hint">The notebook’s own values.</p>
            ) : (
              <KeyValues
                label="Parameters"
                items={params.map(([key, value]) => [key, formatValue(value)])}
              />
            )}
          </Section>
          <Section title="Resources">
            <KeyValues label="Resources" items={resources(job)} />
          </Section>
          {job.used && (
            <Section title="Used">
              <KeyValues label="Used" items={usedOf(job, job.used)} />
            </Section>
          )}
          <Section title="Origin">
            <KeyValues label="Origin" items={origin(props)} />
          </Section>
        </aside>
      </div>
    </>
  );
}

function JobHeader(props: ContentProps): JSX.Element {
  const { job, onOpen, notebookOpener, executedNotebook } = props;
  const now = useNow(1_000);
  const refused = useRefusal('cancel');
  const runId = job.run_id;
  const sweep = job.spec.sweep_id;
  const executed = executedNotebook(job);
  const openExecuted = executed ? notebookOpener(executed) : null;
  const duration = job.started_at === null ? null : (job.ended_at ?? now) - job.started_at;
  const facts = [
    <StatusBadge status={job.status} reason={job.reason} key="status" />,
    <CopyId id={job.spec.id} key="id" />,
    job.spec.experiment,
    job.choice ? (
      <span key="executor" title={job.choice}>
        on {job.executor}
      </span>
    ) : (
      `on ${job.executor || job.spec.executor}`
    ),
    `submitted ${formatTime(job.spec.submitted_at)}`,
    duration === null ? null : formatDuration(duration),
    job.attempt > 1 && `attempt ${job.attempt}`
  ];
  return (
    <PageHeader
      icon={<StatusIcon status={job.status} reason={job.reason} />}
      title={job.spec.name}
      subtitle={<Facts items={facts} />}
    >
      {sweep && (
        <Button
          title="The sweep that this job is a trial of"
          onClick={() => onOpen({ id: `sweep:${sweep}`, kind: 'sweep', label: '', status: '' })}
        >
          Sweep
        </Button>
      )}
      {runId && (
        <Button onClick={() => onOpen({ id: `run:${runId}`, kind: 'run', label: '', status: '' })}>
          Run
        </Button>
      )}
      {openExecuted ? (
        <Button title={executed ?? ''} onClick={openExecuted}>
          Executed notebook
        </Button>
      ) : (
        job.started_at !== null && (
          <a
            className="jp-mlops-Button"
            href={props.model.notebookUrl}
            download={`${job.spec.name}-${shortId(job.spec.id)}.ipynb`}
            title="Download the executed notebook, or as much of it as there is"
          >
            Download notebook
          </a>
        )
      )}
      {!hasEnded(job) && (
        <Button
          warn
          disabled={job.cancel_requested || refused !== ''}
          title={refused || undefined}
          onClick={() => props.onCancel(job.spec.id)}
        >
          {job.cancel_requested ? 'Cancelling…' : 'Cancel'}
        </Button>
      )}
    </PageHeader>
  );
}

function JobProgress(props: { job: Job }): JSX.Element | null {
  const { progress, status } = props.job;
  if (!progress || status === 'succeeded') {
    return null;
  }
  const { done, total } = progress;
  const running = status === 'running';
  return (
    <div className="jp-mlops-PageProgress">
      <ProgressBar {...progress} label="Cells executed" />
      <span>
        {running && done < total
          ? `cell ${done + 1} of ${total}`
          : `${done} of ${total} cells done`}
      </span>
    </div>
  );
}

/** Text that grows. It follows its end until the reader scrolls up, and again once back there. */
function Log(props: { text: string; ended: boolean }): JSX.Element {
  const node = React.useRef<HTMLPreElement>(null);
  const follows = React.useRef(true);
  const shown = React.useMemo(() => terminalText(props.text), [props.text]);
  React.useLayoutEffect(() => {
    if (follows.current && node.current) {
      node.current.scrollTop = node.current.scrollHeight;
    }
  }, [shown]);
  const onScroll = () => {
    const { scrollTop, clientHeight, scrollHeight } = node.current!;
    follows.current = scrollTop + clientHeight > scrollHeight - 20;
  };
  return (
    <pre
      ref={node}
      className="jp-mlops-Log"
      role="log"
      aria-label="Log"
      tabIndex={0}
      onScroll={onScroll}
    >
      {shown || (props.ended ? 'Nothing was written.' : 'Nothing written yet.')}
    </pre>
  );
}

function resources(job: Job): [string, React.ReactNode][] {
  const { learned, resources: asked } = job.spec;
  const { gpus, cpus, memory_bytes, time_limit_s } = asked;
  const noted = (name: string, text: string) =>
    learned.includes(name) ? `${text}, as past runs needed` : text;
  return [
    ['GPUs', String(gpus)],
    ['CPUs', noted('cpus', String(cpus))],
    [
      'memory',
      memory_bytes === null ? 'no limit' : noted('memory_bytes', formatBytes(memory_bytes))
    ],
    ['time limit', time_limit_s === null ? 'none' : formatDuration(time_limit_s)],
    ['priority', String(job.spec.priority)],
    ['retries', String(job.spec.retries)],
    ...(job.gpus.length ? [['leased', job.gpus.join(', ')] as [string, string]] : [])
  ];
}

/** What its last attempt made of that; what was not measured is left out. */
function usedOf(job: Job, used: Used): [string, React.ReactNode][] {
  const { memory_bytes, cpu_s, gpu_memory_bytes, gpu_load, gpu_idle_s } = used;
  const items: [string, React.ReactNode][] = [];
  if (memory_bytes !== null) {
    items.push(['memory', `${formatBytes(memory_bytes)} at most`]);
  }
  if (cpu_s !== null) {
    items.push(['CPU time', formatDuration(cpu_s)]);
  }
  if (gpu_memory_bytes !== null) {
    items.push(['GPU memory', `${formatBytes(gpu_memory_bytes)} at most`]);
  }
  if (gpu_load !== null) {
    items.push(['GPU load', `${Math.round(100 * Number(gpu_load))}% on average`]);
  }
  if (gpu_idle_s !== null && job.spec.resources.gpus) {
    items.push(['GPU idle', formatDuration(gpu_idle_s)]);
  }
  return items;
}

function origin(props: ContentProps): [string, React.ReactNode][] {
  const { spec } = props.job;
  const open = spec.notebook ? props.notebookOpener(spec.notebook) : null;
  const items: [string, React.ReactNode][] = [
    ['kernel', spec.kernel_name],
    ['directory', spec.cwd],
    ['user', spec.user]
  ];
  if (spec.notebook) {
    const name = open ? (
      <button className="jp-mlops-Link" onClick={open}>
        {spec.notebook}
      </button>
    ) : (
      spec.notebook
    );
    items.unshift(['notebook', name]);
  }
  const executed = props.executedNotebook(props.job);
  return executed ? [...items, ['executed', executed]] : items;
}
