import { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { Dialog, ICommandPalette, Notification, showDialog } from '@jupyterlab/apputils';
import { DocumentRegistry } from '@jupyterlab/docregistry';
import { IFileBrowserFactory } from '@jupyterlab/filebrowser';
import { ReactWidget } from '@jupyterlab/ui-components';
import { Widget } from '@lumino/widgets';
import React from 'react';
import { Submitted } from '../api/client';
import { CATEGORY, CommandIDs } from '../commands';
import { SubmitModel } from '../features/jobs/model';
import { SubmitForm } from '../features/jobs/SubmitForm';
import { IMlops } from '../tokens';
import { shortId } from '../ui/format';
import { submitIcon } from '../ui/icons';
import { tell } from './ask';

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
    app.commands.addCommand(CommandIDs.submitNotebook, {
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
        const submitted = await askAndSubmit(mlops, path);
        if (submitted) {
          mlops.changes.announce('jobs', null);
          tellSubmitted(app, submitted);
        }
      }
    });
    palette?.addItem({ command: CommandIDs.submitNotebook, category: CATEGORY });
  }
};

type NotebookContext = DocumentRegistry.Context;

function contextOf(widget: Widget | null): NotebookContext | undefined {
  return (widget as { context?: NotebookContext } | null)?.context;
}

function selectedPath(browsers: IFileBrowserFactory | null): string | undefined {
  return browsers?.tracker.currentWidget?.selectedItems().next().value?.path;
}

/** The job runs what is on disk, so what is on the screen goes there first. */
async function saveOpen(app: JupyterFrontEnd, path: string): Promise<void> {
  for (const widget of app.shell.widgets('main')) {
    const context = contextOf(widget);
    if (context?.path === path && context.model.dirty) {
      await context.save();
      return;
    }
  }
}

/** Asks until the server accepts or the user gives up; what was typed stays. */
async function askAndSubmit(mlops: IMlops, path: string): Promise<Submitted | null> {
  const model = new SubmitModel(path, mlops.client);
  void model.refresh();
  try {
    for (;;) {
      const body = ReactWidget.create(<SubmitForm model={model} />);
      const { button } = await showDialog({
        title: `Run ${path.split('/').pop()} as a batch job`,
        body,
        buttons: [Dialog.cancelButton(), Dialog.okButton({ label: 'Submit' })],
        focusNodeSelector: '.jp-mlops-Submit input'
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
  const [{ spec }, ...others] = submitted.jobs;
  const text = others.length
    ? `Submitted ${submitted.jobs.length} jobs of “${spec.name}”`
    : `Submitted “${spec.name}” (${shortId(spec.id)})`;
  const [label, command] = others.length
    ? ['Show jobs', CommandIDs.openSidebar]
    : ['Open job', CommandIDs.openJob];
  Notification.success(text, {
    autoClose: 10_000,
    actions: [{ label, callback: () => void app.commands.execute(command, { id: spec.id }) }]
  });
}

export default notebook;
