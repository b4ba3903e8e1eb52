import { ILayoutRestorer, JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ICommandPalette, Notification } from '@jupyterlab/apputils';
import { IRunningSessionManagers } from '@jupyterlab/running';
import { Signal } from '@lumino/signaling';
import React from 'react';
import { Job } from '../api/types';
import { CATEGORY, CommandIDs } from '../commands';
import { describe } from '../features/jobs/JobList';
import { JobPage } from '../features/jobs/JobPage';
import { hasEnded, JobModel, JobsModel } from '../features/jobs/model';
import { IMlops } from '../tokens';
import { counted, formatParams, shortId } from '../ui/format';
import { jobIcon } from '../ui/icons';
import { askId, confirm, tell } from './ask';
import { nodeOpener, notebookOpener, Pages } from './pages';

const ID_LENGTH = 26;

/** The pages of jobs, cancelling, and jobs among what is running. */
const jobs: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-mlops:jobs',
  description: 'Shows a batch job with its progress and log, and cancels it.',
  autoStart: true,
  requires: [IMlops],
  optional: [ICommandPalette, ILayoutRestorer, IRunningSessionManagers],
  activate: (
    app: JupyterFrontEnd,
    mlops: IMlops,
    palette: ICommandPalette | null,
    restorer: ILayoutRestorer | null,
    running: IRunningSessionManagers | null
  ) => {
    addPages(app, mlops, restorer);
    addCancel(app, mlops);
    palette?.addItem({ command: CommandIDs.openJob, category: CATEGORY });
    palette?.addItem({ command: CommandIDs.cancelJob, category: CATEGORY });
    if (running) {
      addRunning(app, mlops.jobs, running);
    }
    tellFailures(app, mlops.jobs);
  }
};

function addPages(app: JupyterFrontEnd, mlops: IMlops, restorer: ILayoutRestorer | null): void {
  let home: string | null = null;
  void mlops.client.status().then(
    status => (home = status.home),
    () => undefined // without it the link to the executed notebook is left out
  );
  const pages = new Pages<JobModel>({
    app,
    restorer,
    namespace: 'jupyter-mlops-job',
    access: mlops.access,
    icon: jobIcon,
    command: CommandIDs.openJob,
    argument: 'id',
    model: id => new JobModel(id, mlops.client, mlops.changes),
    title: model => model.data?.spec.name || `Job ${shortId(model.id)}`,
    view: model => (
      <JobPage
        model={model}
        onOpen={nodeOpener(app)}
        onCancel={id => void app.commands.execute(CommandIDs.cancelJob, { id })}
        notebookOpener={notebookOpener(app)}
        executedNotebook={job => executedNotebook(home, job)}
      />
    )
  });
  app.commands.addCommand(CommandIDs.openJob, {
    label: args => (args['id'] ? `Open Job ${shortId(String(args['id']))}` : 'Open Job…'),
    caption: 'Open the page of a job by its id',
    icon: jobIcon,
    execute: async args => {
      const id = String(args['id'] ?? '') || (await askId('Open Job'));
      if (id) {
        await wholeJob(mlops, id).then(job => pages.open(job), tell);
      }
    }
  });
}

function executedNotebook(home: string | null, job: Job): string | null {
  return home && job.started_at !== null
    ? `${home}/jobs/${job.spec.id}/attempts/${job.attempt}/output.ipynb`
    : null;
}

/** The id that a typed end of it stands for. */
async function wholeJob(mlops: IMlops, id: string): Promise<string> {
  return id.length === ID_LENGTH ? id : (await mlops.client.job(id)).spec.id;
}

function addCancel(app: JupyterFrontEnd, mlops: IMlops): void {
  app.commands.addCommand(CommandIDs.cancelJob, {
    label: args => (args['id'] ? `Cancel Job ${shortId(String(args['id']))}` : 'Cancel Job…'),
    caption: 'Stop a job and everything that it started',
    execute: async args => {
      try {
        if (args['sweep']) {
          await cancelSweep(app, mlops.jobs, String(args['sweep']));
          return;
        }
        const id = String(args['id'] ?? '') || (await askId('Cancel Job'));
        if (id) {
          await cancelJob(mlops, id);
        }
      } catch (thrown) {
        tell(thrown);
      }
    }
  });
}

async function cancelJob(mlops: IMlops, id: string): Promise<void> {
  const job = await mlops.client.job(id);
  const question = `Stop “${job.spec.name}” (${shortId(job.spec.id)}) and everything that it started? What it has logged is kept.`;
  if (hasEnded(job)) {
    Notification.info(`“${job.spec.name}” has ended already: ${job.status}.`, {
      autoClose: 5_000
    });
  } else if (await confirm(question, 'Cancel job')) {
    await mlops.jobs.cancel(job.spec.id);
  }
}

/** A sweep of which the server knows no more than its jobs is cancelled job by job. */
async function cancelSweep(app: JupyterFrontEnd, model: JobsModel, sweep: string): Promise<void> {
  if (model.sweeps.some(each => each.spec.id === sweep)) {
    await app.commands.execute(CommandIDs.cancelSweep, { id: sweep });
    return;
  }
  const open = model.openIn(sweep);
  const question = `Stop ${counted(open.length, 'job')} of “${open[0]?.spec.name}” and everything that they started? What they have logged is kept.`;
  if (open.length && (await confirm(question, 'Cancel sweep'))) {
    // some may have ended while the question was open
    await Promise.all(model.openIn(sweep).map(job => model.cancel(job.spec.id)));
  }
}

function addRunning(
  app: JupyterFrontEnd,
  model: JobsModel,
  managers: IRunningSessionManagers
): void {
  const changed = new Signal<JobsModel, unknown>(model);
  model.stateChanged.connect(() => changed.emit(undefined));
  managers.add({
    name: 'Batch Jobs',
    running: () => model.open.map(job => runningItem(app, model, job)),
    runningChanged: changed,
    refreshRunning: () => void model.refresh(),
    shutdownLabel: 'Cancel Job',
    shutdownAllLabel: 'Cancel All',
    shutdownAllConfirmationText:
      'Cancel all batch jobs? Everything that they started is stopped; what they have logged is kept.',
    shutdownAll: () => {
      for (const job of model.open) {
        model.cancel(job.spec.id).catch(tell);
      }
    }
  });
}

function runningItem(app: JupyterFrontEnd, model: JobsModel, job: Job) {
  const { id, name, params } = job.spec;
  const told = [name, formatParams(params)].filter(Boolean).join(' ');
  return {
    open: () => void app.commands.execute(CommandIDs.openJob, { id }),
    shutdown: () => void model.cancel(id).catch(tell),
    icon: () => jobIcon,
    label: () => told,
    labelTitle: () => `${told} (${shortId(id)}): ${describe(job, Date.now() / 1000)}`,
    detail: () =>
      job.progress ? `${job.progress.done}/${job.progress.total}` : (job.status as string)
  };
}

/** A notification when jobs that were seen open here have failed since; one, however many. */
function tellFailures(app: JupyterFrontEnd, model: JobsModel): void {
  let open = new Set<string>();
  const told = new Set<string>();
  model.stateChanged.connect(() => {
    const failed = (model.data ?? []).filter(
      job =>
        open.has(job.spec.id) &&
        (job.status === 'failed' || job.status === 'lost') &&
        !told.has(job.spec.sweep_id ?? '')
    );
    open = new Set(model.open.map(job => job.spec.id));
    const [first, ...others] = failed;
    if (!first) {
      return;
    }
    // the trials of a sweep may fail one after the other: its page counts them
    failed.forEach(({ spec }) => spec.sweep_id && told.add(spec.sweep_id));
    const { spec, status, reason } = first;
    const callback = () => void app.commands.execute(CommandIDs.openJob, { id: spec.id });
    const more = others.length ? ` (and ${counted(others.length, 'other')})` : '';
    Notification.error(`Job “${spec.name}” ${status}${reason && `: ${reason}`}${more}`, {
      autoClose: false,
      actions: [{ label: 'Open job', callback }]
    });
  });
}

export default jobs;
