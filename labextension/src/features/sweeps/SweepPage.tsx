import React from 'react';
import { Node, Sweep, SweepDetail, Trial } from '../../api/types';
import { useRefusal } from '../../ui/access';
import { counted, formatDuration, formatNumber, formatTime, formatValue } from '../../ui/format';
import {
  Button,
  CopyCommand,
  CopyId,
  Facts,
  KeyValues,
  LinkButton,
  PageHeader,
  Section
} from '../../ui/page';
import { useModel, useNow } from '../../ui/signals';
import { EmptyState, Loaded } from '../../ui/states';
import { StatusBadge, StatusIcon } from '../../ui/status';
import { SweepModel } from './model';
import { SweepCharts, SweepParallel } from './SweepCharts';
import { distributionText, endedCount, STATUSES, toCome } from './trials';
import { TrialTable } from './TrialTable';

export interface SweepPageProps {
  model: SweepModel;
  onOpen: (node: Node) => void;
  onCancel: (id: string) => void;
  onCompare: (runs: string[]) => void;
  /** Opens a notebook of this server, or null where its path is not below the server's root. */
  notebookOpener: (path: string) => (() => void) | null;
}

/** One sweep: how far it is, what is best so far, what matters, and each trial. */
export function SweepPage(props: SweepPageProps): JSX.Element {
  useModel(props.model);
  return (
    <div className="jp-mlops-Page">
      <Loaded of={props.model}>{detail => <Content {...props} detail={detail} />}</Loaded>
    </div>
  );
}

type ContentProps = SweepPageProps & { detail: SweepDetail };

function Content(props: ContentProps): JSX.Element {
  const { detail, model } = props;
  const { sweep, trials } = detail;
  const open = (trial: Trial) => {
    const node = nodeOf(trial);
    if (node) {
      props.onOpen(node);
    }
  };
  return (
    <>
      <SweepHeader {...props} sweep={sweep} />
      <Notice sweep={sweep} />
      <Counts sweep={sweep} />
      <Best {...props} />
      {trials.length === 0 ? (
        <NoTrials sweep={sweep} />
      ) : (
        <>
          <div className="jp-mlops-Columns">
            <div>
              <SweepCharts detail={detail} model={model} />
              <SweepParallel detail={detail} model={model} onOpen={open} />
            </div>
            <SweepFacts {...props} />
          </div>
          <Section title="Trials" count={trials.length}>
            <TrialTable {...props} onOpen={open} onOpenNode={props.onOpen} />
          </Section>
        </>
      )}
    </>
  );
}

/** What a trial's number opens: its run, or its job before there is one. */
function nodeOf(trial: Trial): Node | null {
  if (trial.run_id) {
    return { id: `run:${trial.run_id}`, kind: 'run', label: '', status: '' };
  }
  return trial.job_id ? { id: `job:${trial.job_id}`, kind: 'job', label: '', status: '' } : null;
}

function SweepHeader(props: ContentProps & { sweep: Sweep }): JSX.Element {
  const { sweep } = props;
  const { spec, status, reason } = sweep;
  const refused = useRefusal('cancel');
  const open = spec.template.notebook ? props.notebookOpener(spec.template.notebook) : null;
  const facts = [
    <StatusBadge status={status} reason={reason} key="status" />,
    <CopyId id={spec.id} key="id" />,
    spec.goal && `${spec.goal.direction} ${spec.goal.metric}`,
    `${spec.sampler} sampler`,
    spec.pruner && `${spec.pruner} pruner`,
    spec.parallel !== null && `${spec.parallel} at once`,
    spec.experiment,
    `submitted ${formatTime(spec.submitted_at)}`,
    <Elapsed sweep={sweep} key="elapsed" />
  ];
  return (
    <PageHeader
      icon={<StatusIcon status={status} reason={reason} />}
      title={spec.name}
      subtitle={<Facts items={facts} />}
    >
      {open && (
        <Button title={spec.template.notebook ?? ''} onClick={open}>
          Notebook
        </Button>
      )}
      {status === 'running' && (
        <Button
          warn
          disabled={sweep.cancel_requested || refused !== ''}
          title={refused || 'Make no more trials, and stop those that go on'}
          onClick={() => props.onCancel(spec.id)}
        >
          {sweep.cancel_requested ? 'Cancelling…' : 'Cancel'}
        </Button>
      )}
    </PageHeader>
  );
}

function Elapsed(props: { sweep: Sweep }): JSX.Element {
  const now = useNow(1_000);
  const { spec, ended_at } = props.sweep;
  return <>{formatDuration((ended_at ?? now) - spec.submitted_at)}</>;
}

function Notice(props: { sweep: Sweep }): JSX.Element | null {
  const { status, reason, cancel_requested } = props.sweep;
  if (status === 'running' && cancel_requested) {
    return (
      <div className="jp-mlops-Notice" role="status">
        Being cancelled: no more trials are made, and those that go on are asked to end.
      </div>
    );
  }
  return reason && status !== 'finished' ? <div className="jp-mlops-Notice">{reason}</div> : null;
}

/** How many trials stand where, as one bar and in words. */
function Counts(props: { sweep: Sweep }): JSX.Element {
  const { sweep } = props;
  const { counts, spec } = sweep;
  const some = STATUSES.filter(status => counts[status]);
  const total = Math.max(
    spec.trials,
    some.reduce((sum, status) => sum + counts[status], 0)
  );
  const done = endedCount(sweep);
  const left = toCome(sweep);
  return (
    <div className="jp-mlops-Counts">
      <div
        className="jp-mlops-Counts-bar"
        role="progressbar"
        aria-label="Trials that have ended"
        aria-valuemin={0}
        aria-valuemax={total}
        aria-valuenow={done}
      >
        {some.map(status => (
          <div
            key={status}
            className={`jp-mlops-mod-${status}`}
            style={{ width: `${(100 * counts[status]) / Math.max(1, total)}%` }}
          />
        ))}
      </div>
      <ul aria-label="Trials by status">
        <li>
          <strong>
            {done} of {counted(spec.trials, 'trial')} done
          </strong>
        </li>
        {some.map(status => (
          <li key={status}>
            <StatusIcon status={status} />
            {counts[status]} {status}
          </li>
        ))}
        {left > 0 && <li>{left} to come</li>}
      </ul>
    </div>
  );
}

/** The best trial so far: its value, its params, the ways to its job and its run. */
function Best(props: ContentProps): JSX.Element | null {
  const { sweep, trials } = props.detail;
  const { goal } = sweep.spec;
  if (!goal) {
    return trials.length ? (
      <p className="jp-mlops-Hint">
        No trial is best without a goal: <code>--goal maximize:METRIC</code> names the metric.
      </p>
    ) : null;
  }
  const trial = trials.find(each => each.number === sweep.best);
  if (!trial) {
    return null;
  }
  const open = (kind: 'run' | 'job', id: string) =>
    props.onOpen({ id: `${kind}:${id}`, kind, label: '', status: '' });
  return (
    <section className="jp-mlops-Best" aria-label="Best trial">
      <div className="jp-mlops-Best-value">
        <span>{goal.metric}</span>
        <strong title={String(sweep.best_value)}>{formatNumber(sweep.best_value)}</strong>
        <span>
          {sweep.status === 'running' ? 'best so far' : 'best'}, trial {trial.number}
        </span>
      </div>
      <dl>
        {Object.entries(trial.params).map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd title={formatValue(value)}>
              {typeof value === 'number' ? formatNumber(value) : formatValue(value)}
            </dd>
          </div>
        ))}
      </dl>
      <div className="jp-mlops-Best-links">
        {trial.run_id && <Button onClick={() => open('run', trial.run_id!)}>Run</Button>}
        {trial.job_id && <Button onClick={() => open('job', trial.job_id!)}>Job</Button>}
      </div>
    </section>
  );
}

function NoTrials(props: { sweep: Sweep }): JSX.Element {
  return props.sweep.status === 'running' ? (
    <EmptyState title="No trial yet">
      The agent makes the first ones in a moment, and more as they end.
    </EmptyState>
  ) : (
    <EmptyState title="No trial was made" />
  );
}

function SweepFacts(props: ContentProps): JSX.Element {
  const { sweep, importance, dashboard } = props.detail;
  const { spec } = sweep;
  return (
    <aside>
      {spec.goal && (
        <Section title="Importance">
          <Importance goal={spec.goal.metric} importance={importance} />
        </Section>
      )}
      <Section title="Search space" count={Object.keys(spec.space).length}>
        <KeyValues
          label="Search space"
          items={Object.entries(spec.space).map(([name, each]) => [name, distributionText(each)])}
        />
      </Section>
      <Section title="Origin">
        <KeyValues label="Origin" items={origin(props)} />
      </Section>
      {dashboard && (
        <Section title="Optuna">
          <p className="jp-mlops-Hint">
            The study opens in optuna-dashboard, from a terminal on this machine:
          </p>
          <CopyCommand label="the command of optuna-dashboard" command={dashboard} />
        </Section>
      )}
    </aside>
  );
}

/** How much each param matters for the goal, the most first. */
function Importance(props: { goal: string; importance: SweepDetail['importance'] }): JSX.Element {
  const { goal, importance } = props;
  if (!importance || Object.keys(importance).length === 0) {
    return <p className="jp-mlops-Hint">It can be told when a few more trials have finished.</p>;
  }
  const parts = Object.entries(importance)
    .map(([name, part]) => [name, Number(part)] as const)
    .sort(([, a], [, b]) => b - a);
  return (
    <table className="jp-mlops-Importance" aria-label={`How much each param matters for ${goal}`}>
      <tbody>
        {parts.map(([name, part]) => (
          <tr key={name}>
            <th scope="row">{name}</th>
            <td aria-hidden="true">
              <div style={{ width: `${100 * part}%` }} />
            </td>
            <td title={String(part)}>{percent(part)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function percent(part: number): string {
  return part > 0 && part < 0.01 ? '< 1%' : `${Math.round(100 * part)}%`;
}

function origin(props: ContentProps): [string, React.ReactNode][] {
  const { spec } = props.detail.sweep;
  const { template } = spec;
  const { gpus, cpus } = template.resources;
  const items: [string, React.ReactNode][] = [
    ['executor', template.executor],
    ['each trial', [counted(Number(gpus), 'GPU'), counted(cpus, 'CPU')].join(', ')],
    ['directory', template.cwd],
    ['user', spec.user]
  ];
  if (spec.seed !== null) {
    items.push(['seed', String(spec.seed)]);
  }
  if (template.notebook) {
    const open = props.notebookOpener(template.notebook);
    const name = open ? (
      <LinkButton onClick={open}>{template.notebook}</LinkButton>
    ) : (
      template.notebook
    );
    items.unshift(['notebook', name]);
  }
  return items;
}
