import React from 'react';
import { SharedGpu } from '../../api/types';
import { formatBytes, shortId } from '../../ui/format';
import { LinkButton, Section } from '../../ui/page';
import { useModel } from '../../ui/signals';
import { EmptyState, Loaded } from '../../ui/states';
import { Bar, percent } from './Bar';
import { GpusModel } from './model';

const TITLE = 'GPUs of this machine';

interface OpensJobs {
  onOpenJob: (id: string) => void;
}

/** Every GPU that jobs can lease, how much of it is taken, and by whom. */
export function GpusSection(props: OpensJobs & { model: GpusModel }): JSX.Element {
  const { model, onOpenJob } = props;
  useModel(model);
  return (
    <Section
      title={TITLE}
      count={model.data?.length}
      note={model.data?.some(gpu => gpu.virtual) && 'virtual: slots that stand for GPUs'}
    >
      <Loaded of={model}>
        {gpus =>
          gpus.length === 0 ? (
            <EmptyState title="There are no GPUs here" code="JUPYTER_MLOPS_GPU_SLOTS=2 jupyter lab">
              JUPYTER_MLOPS_GPU_SLOTS=2 makes two virtual ones, to try:
            </EmptyState>
          ) : (
            <GpuTable gpus={gpus} onOpenJob={onOpenJob} />
          )
        }
      </Loaded>
    </Section>
  );
}

/** Virtual ones have no memory. */
function GpuTable(props: OpensJobs & { gpus: SharedGpu[] }): JSX.Element {
  const memory = props.gpus.some(gpu => gpu.memory_bytes !== null);
  return (
    <div className="jp-mlops-Scroll">
      <table className="jp-mlops-Table jp-mlops-Usage jp-mlops-Gpus" aria-label={TITLE}>
        <thead>
          <tr>
            <th scope="col">GPU</th>
            <th scope="col" title="How much of it jobs have leased">
              taken
            </th>
            {memory && (
              <th scope="col" title="What is promised to jobs, and what others hold">
                memory
              </th>
            )}
            <th scope="col">who has it</th>
          </tr>
        </thead>
        <tbody>
          {props.gpus.map(gpu => (
            <Row key={gpu.uuid} gpu={gpu} memory={memory} onOpenJob={props.onOpenJob} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Row(props: OpensJobs & { gpu: SharedGpu; memory: boolean }): JSX.Element {
  const { gpu, memory, onOpenJob } = props;
  const taken = 1 - Number(gpu.free_share);
  return (
    <tr>
      <th scope="row" title={gpu.uuid}>
        {gpu.index}: {gpu.name}
      </th>
      <td>
        {percent(taken)}
        <Bar used={taken} of={1} />
      </td>
      {memory && (
        <td>
          <Memory gpu={gpu} />
        </td>
      )}
      <td>
        {gpu.holders
          ? gpu.holders
              .split('; ')
              .map((words, i) => (
                <Holder key={i} words={words} jobs={gpu.jobs} onOpenJob={onOpenJob} />
              ))
          : 'free'}
      </td>
    </tr>
  );
}

function Memory(props: { gpu: SharedGpu }): JSX.Element | null {
  const { memory_bytes: all, free_bytes: free } = props.gpu;
  if (all === null || free === null) {
    return null;
  }
  return (
    <>
      {formatBytes(all - free)}
      <small> of {formatBytes(all)}</small>
    </>
  );
}

/** The server's words, in which a job of this workspace can be opened. */
function Holder(props: OpensJobs & { words: string; jobs: SharedGpu['jobs'] }): JSX.Element {
  const { words, jobs, onOpenJob } = props;
  const named = (id: string) => `job ${shortId(id)}`;
  const id = Object.keys(jobs).find(id => words.includes(named(id)));
  if (id === undefined) {
    return <div>{words}</div>;
  }
  const [before, after] = words.split(named(id));
  return (
    <div>
      {before}
      <LinkButton title={`Open ${named(id)}`} onClick={() => onOpenJob(id)}>
        job {jobs[id]} ({shortId(id)})
      </LinkButton>
      {after}
    </div>
  );
}
