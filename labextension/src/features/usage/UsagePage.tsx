import React from 'react';
import { Usage, UsageReport } from '../../api/types';
import { counted, formatDuration, formatTime } from '../../ui/format';
import { usageIcon } from '../../ui/icons';
import { Facts, PageHeader, Section } from '../../ui/page';
import { useModel } from '../../ui/signals';
import { EmptyState, Loaded } from '../../ui/states';
import { Bar, percent } from './Bar';
import { GpusSection } from './GpusSection';
import { GROUPS, PERIODS, UsageModel } from './model';

/** Who has which GPU just now; GPU-hours, CPU-hours, waste and queue wait, by what the reader wants. */
export function UsagePage(props: {
  model: UsageModel;
  onOpenJob: (id: string) => void;
}): JSX.Element {
  const { model, onOpenJob } = props;
  useModel(model);
  return (
    <div className="jp-mlops-Page">
      <PageHeader
        icon={<usageIcon.react tag="span" />}
        title="Usage"
        subtitle={model.data && <Facts items={facts(model.data)} />}
      />
      <GpusSection model={model.gpus} onOpenJob={onOpenJob} />
      <Section title="What jobs have held and used">
        <Loaded of={model}>
          {report => (
            <>
              <Choices model={model} />
              {report.usage.length === 0 ? (
                <EmptyState title="No job has run in that time" />
              ) : (
                <UsageTable report={report} />
              )}
            </>
          )}
        </Loaded>
      </Section>
    </div>
  );
}

function facts(report: UsageReport): React.ReactNode[] {
  const { total } = report;
  const since = Number(report.since);
  return [
    since > 0 && `since ${formatTime(since)}`,
    counted(total.attempts, 'attempt'),
    total.running > 0 && `${total.running} running`,
    total.measured < total.attempts && `${total.measured} measured`
  ];
}

function Choices(props: { model: UsageModel }): JSX.Element {
  const { model } = props;
  return (
    <div className="jp-mlops-Choices">
      <label>
        by{' '}
        <select
          value={model.by}
          onChange={event => void model.groupBy(event.target.value as UsageModel['by'])}
        >
          {GROUPS.map(group => (
            <option key={group} value={group}>
              {group}
            </option>
          ))}
        </select>
      </label>
      <label>
        time{' '}
        <select value={model.since} onChange={event => void model.look(event.target.value)}>
          {PERIODS.map(([value, words]) => (
            <option key={value} value={value}>
              {words}
            </option>
          ))}
        </select>
      </label>
    </div>
  );
}

function UsageTable(props: { report: UsageReport }): JSX.Element {
  const { by, usage, total } = props.report;
  const most = Math.max(...usage.map(each => Number(each.gpu_hours)));
  return (
    <div className="jp-mlops-Scroll">
      <table className="jp-mlops-Table jp-mlops-Usage" aria-label={`Usage by ${by}`}>
        <thead>
          <tr>
            <th scope="col">{by}</th>
            <th scope="col">attempts</th>
            <th scope="col">failed</th>
            <th scope="col">GPU hours</th>
            <th scope="col" title="Hours in which a GPU was held and not used">
              idle
            </th>
            <th scope="col" title="Mean utilisation of the GPUs that were held">
              GPU load
            </th>
            <th scope="col" title="Hours of CPU time that were used, of those asked for">
              CPU hours
            </th>
            <th scope="col" title="How much of the memory that was asked for was used at most">
              memory
            </th>
            <th scope="col" title="Mean wait in the queue, and the longest">
              wait
            </th>
          </tr>
        </thead>
        <tbody>
          {usage.map(each => (
            <Row key={each.group} usage={each} most={most} />
          ))}
        </tbody>
        {usage.length > 1 && (
          <tfoot>
            <Row usage={total} most={0} />
          </tfoot>
        )}
      </table>
    </div>
  );
}

function Row(props: { usage: Usage; most: number }): JSX.Element {
  const { usage, most } = props;
  const { group, attempts, gpu_hours, gpu_idle_hours, gpu_load } = usage;
  const failed = usage.failed + usage.lost;
  const wait = usage.wait_mean_s;
  const held = Number(gpu_hours);
  const idle = Math.min(held, Number(gpu_idle_hours));
  return (
    <tr>
      <th scope="row" title={group}>
        {group.slice(group.lastIndexOf('/') + 1)}
      </th>
      <td>{attempts.toLocaleString('en')}</td>
      <td>{failed || ''}</td>
      <td>
        {formatHours(held)}
        {most > 0 && <Bar used={held - idle} idle={idle} of={most} />}
      </td>
      <td>{held ? formatHours(Number(gpu_idle_hours)) : ''}</td>
      <td>{gpu_load === null ? '' : percent(Number(gpu_load))}</td>
      <td>
        {formatHours(Number(usage.cpu_hours))}
        <small> of {formatHours(Number(usage.cpu_asked_hours))}</small>
      </td>
      <td>{memoryShare(usage)}</td>
      <td title={wait === null ? undefined : `at most ${formatDuration(usage.wait_longest_s)}`}>
        {wait === null ? '' : formatDuration(wait)}
      </td>
    </tr>
  );
}

function memoryShare(usage: Usage): string {
  const asked = Number(usage.memory_asked_gib_hours);
  return asked ? percent(Number(usage.memory_used_gib_hours) / asked) : '';
}

/** `0`, `< 0.01`, `2.5`, `1,204`. */
export function formatHours(hours: number): string {
  if (hours > 0 && hours < 0.005) {
    return '< 0.01';
  }
  const digits = hours < 10 ? 2 : hours < 100 ? 1 : 0;
  return hours.toLocaleString('en', { maximumFractionDigits: digits });
}
