import { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { Dialog, ICommandPalette, Notification, showDialog } from '@jupyterlab/apputils';
import { IFileBrowserFactory } from '@jupyterlab/filebrowser';
import { ReactWidget } from '@jupyterlab/ui-components';
import React from 'react';
import { Submitted } from '../api/client';
import { CATEGORY, CommandIDs } from '../commands';
import { SubmitForm } from '../features/jobs/SubmitForm';
import { SubmitModel } from '../features/jobs/submitModel';
import { IMlops } from '../tokens';
import { counted, shortId } from '../ui/format';
import { submitIcon } from '../ui/icons';
import { tell } from './ask';
import { contextOf, contextsOf, parametersCellWriter } from './parametersCell';
import { addSubmitting } from './submitting';

/** Running a notebook as a batch job, from its toolbar, the file browser or the palette. */
const notebook: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-mlops:notebook',
  description: 'Submits a notebook as a batch job.',
  autoStart: true,
  requires: [IMlops],
  optional: [ICommandPalette, IFileBrowserFactory],
  activate: (
    app: JupyterFrontEnd,
    mlops: IMlops,
    palette: ICommandPalette | null,
    browsers: IFileBrowserFactory | null
  ) => {
    addSubmitting(app.commands, mlops.access, CommandIDs.submitNotebook, {
      label: 'Run as Batch Job…',
      caption: 'Run as batch job: submit this notebook with parameters and resources',
      icon: submitIcon,
      execute: async args => {
        const path = args['path']
          ? String(args['path'])
          : args['browser']
            ? selectedPath(browsers)
            : contextOf(app.shell.currentWidget)?.path;
        if (!path?.endsWith('.ipynb')) {
          Notification.warning('Open or select a notebook first: a batch job runs a notebook.');
          return;
        }
        await saveOpen(app, path);
        const model = new SubmitModel(path, mlops.client, parametersCellWriter(app, path));
        const submitted = await askAndSubmit(model);
        if (submitted) {
          mlops.changes.announce('jobs', null);
          mlops.changes.announce('sweeps', null);
          mlops.changes.announce('schedules', null);
          tellSubmitted(app, submitted);
        }
      }
    });
    palette?.addItem({ command: CommandIDs.submitNotebook, category: CATEGORY });
  }
};

function selectedPath(browsers: IFileBrowserFactory | null): string | undefined {
  return browsers?.tracker.currentWidget?.selectedItems().next().value?.path;
}

/** The job runs what is on disk, so what is on the screen goes there first. */
async function saveOpen(app: JupyterFrontEnd, path: string): Promise<void> {
  for (const context of contextsOf(app, path).filter(each => each.model.dirty)) {
    await context.save();
  }
}

/** Asks until the server accepts or the user gives up; what was typed stays. */
async function askAndSubmit(model: SubmitModel): Promise<Submitted | null> {
  void model.refresh();
  try {
    for (;;) {
      const body = ReactWidget.create(<SubmitForm model={model} />);
      const { button } = await showDialog({
        title: `Run ${model.path.split('/').pop()} as a batch job`,
        body,
        buttons: [Dialog.cancelButton(), Dialog.okButton({ label: 'Submit' })],
        focusNodeSelector: `.jp-mlops-Submit ${model.refused ? '[aria-invalid]' : 'input'}`
      });
      if (!button.accept) {
        return null;
      }
      const submitted = await model.submit();
      if (submitted) {
        return submitted;
      }
    }
  } catch (thrown) {
    tell(thrown);
    return null;
  } finally {
    model.dispose();
  }
}

function tellSubmitted(app: JupyterFrontEnd, submitted: Submitted): void {
  const { jobs, sweep, schedule, notes = [] } = submitted;
  if (schedule) {
    const text = `Scheduled “${schedule.spec.name}” (${shortId(schedule.spec.id)})`;
    Notification.success([text, ...notes].join('\n'), { autoClose: false });
    return;
  }
  const [text, label, command, id] = sweep
    ? [
        `Submitted the sweep “${sweep.spec.name}” of ${counted(sweep.spec.trials, 'trial')}`,
        'Open sweep',
        CommandIDs.openSweep,
        sweep.spec.id
      ]
    : [
        `Submitted “${jobs[0].spec.name}” (${shortId(jobs[0].spec.id)})`,
        'Open job',
        CommandIDs.openJob,
        jobs[0].spec.id
      ];
  Notification.success([text, ...notes].join('\n'), {
    autoClose: notes.length ? false : 10_000,
    actions: [{ label, callback: () => void app.commands.execute(command, { id }) }]
  });
}

export default notebook;
