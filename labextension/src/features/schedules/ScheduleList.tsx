import { closeIcon, LabIcon, runIcon } from '@jupyterlab/ui-components';
import React from 'react';
import { Schedule } from '../../api/types';
import { useRefusal } from '../../ui/access';
import { shortId } from '../../ui/format';
import { pauseIcon, resumeIcon, scheduleIcon } from '../../ui/icons';
import { VirtualList } from '../../ui/list';
import { useModel } from '../../ui/signals';
import { EmptyState, Loaded } from '../../ui/states';
import { SchedulesModel } from './model';

const ROW_HEIGHT = 46;

export interface ScheduleActions {
  /** Shows a schedule's newest run. */
  onOpenJob: (job: string) => void;
  onSwitch: (id: string, enabled: boolean) => void;
  onRun: (id: string) => void;
  onDelete: (id: string) => void;
}

/** The sidebar's list of schedules. */
export function ScheduleList(props: { model: SchedulesModel } & ScheduleActions): JSX.Element {
  const { model, ...actions } = props;
  useModel(model);
  return (
    <Loaded of={model}>
      {() =>
        model.rows.length === 0 ? (
          <EmptyState
            title="No schedules yet"
            code={"%%submit nightly --cron '0 3 * * *'\nfit(lr)"}
          >
            Give <code>%%submit</code> a time, or a batch job its “Schedule”:
          </EmptyState>
        ) : (
          <VirtualList
            label="Schedules"
            count={model.rows.length}
            rowHeight={ROW_HEIGHT}
            level={() => 1} // a tree: what stands in the options of a list box cannot be reached
            row={index => <ScheduleRow schedule={model.rows[index]} {...actions} />}
            onOpen={index => {
              const { last_job_id } = model.rows[index];
              if (last_job_id) {
                actions.onOpenJob(last_job_id);
              }
            }}
          />
        )
      }
    </Loaded>
  );
}

/** A schedule: when its next run is due, and what can be done with it. */
export function ScheduleRow(props: { schedule: Schedule } & ScheduleActions): JSX.Element {
  const { schedule } = props;
  const { id, name, timing } = schedule.spec;
  const due = describeNext(schedule);
  return (
    <div
      className="jp-mlops-Row-body"
      title={[`${timing.cron} (${timing.timezone})`, due, schedule.reason]
        .filter(Boolean)
        .join('\n')}
    >
      <scheduleIcon.react tag="span" className="jp-mlops-Row-icon" />
      <div className="jp-mlops-Row-text">
        <div className="jp-mlops-Row-title">
          <span>{name}</span>
          <code>{shortId(id)}</code>
        </div>
        <div className="jp-mlops-Row-details">
          <span>{[due, timing.cron, schedule.reason].filter(Boolean).join(' · ')}</span>
        </div>
      </div>
      <Action label={`Run ${name} now`} icon={runIcon} onClick={() => props.onRun(id)} />
      {schedule.enabled ? (
        <Action
          label={`Pause ${name}`}
          icon={pauseIcon}
          onClick={() => props.onSwitch(id, false)}
        />
      ) : (
        <Action
          label={`Resume ${name}`}
          icon={resumeIcon}
          onClick={() => props.onSwitch(id, true)}
        />
      )}
      <Action
        label={`Delete schedule ${name}`}
        icon={closeIcon}
        onClick={() => props.onDelete(id)}
      />
    </div>
  );
}

/** `next Sun, Nov 22, 03:00` by the reader's clock, or that there is none. */
export function describeNext(schedule: Schedule): string {
  if (!schedule.enabled || schedule.next_at === null) {
    return 'paused';
  }
  const due = new Date(schedule.next_at * 1000).toLocaleString(undefined, {
    weekday: 'short',
    month: 'short',
    day: 'numeric',
    hour: '2-digit',
    minute: '2-digit'
  });
  return `next ${due}`;
}

function Action(props: { label: string; icon: LabIcon; onClick: () => void }): JSX.Element {
  const refused = useRefusal('submit');
  return (
    <button
      className="jp-mlops-Icon-button"
      aria-label={props.label}
      title={refused || props.label}
      disabled={refused !== ''}
      onClick={event => {
        event.stopPropagation();
        props.onClick();
      }}
      onKeyDown={event => event.stopPropagation()}
    >
      <props.icon.react tag="span" height="14px" width="14px" />
    </button>
  );
}
