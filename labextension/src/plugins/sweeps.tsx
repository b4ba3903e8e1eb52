import { ILayoutRestorer, JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ICommandPalette, Notification } from '@jupyterlab/apputils';
import React from 'react';
import { CATEGORY, CommandIDs } from '../commands';
import { SweepModel } from '../features/sweeps/model';
import { SweepPage } from '../features/sweeps/SweepPage';
import { IMlops } from '../tokens';
import { shortId } from '../ui/format';
import { sweepIcon } from '../ui/icons';
import { askId, confirm, tell } from './ask';
import { nodeOpener, notebookOpener, Pages } from './pages';

const ID_LENGTH = 26;

/** The pages of sweeps, and cancelling them. */
const sweeps: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-mlops:sweeps',
  description: 'Shows a sweep with its best trial, its trials and what matters, and cancels it.',
  autoStart: true,
  requires: [IMlops],
  optional: [ICommandPalette, ILayoutRestorer],
  activate: (
    app: JupyterFrontEnd,
    mlops: IMlops,
    palette: ICommandPalette | null,
    restorer: ILayoutRestorer | null
  ) => {
    addPages(app, mlops, restorer);
    addCancel(app, mlops);
    palette?.addItem({ command: CommandIDs.openSweep, category: CATEGORY });
    palette?.addItem({ command: CommandIDs.cancelSweep, category: CATEGORY });
  }
};

function addPages(app: JupyterFrontEnd, mlops: IMlops, restorer: ILayoutRestorer | null): void {
  const pages = new Pages<SweepModel>({
    app,
    restorer,
    namespace: 'jupyter-mlops-sweep',
    access: mlops.access,
    icon: sweepIcon,
    command: CommandIDs.openSweep,
    argument: 'id',
    model: id => new SweepModel(id, mlops.client, mlops.changes),
    title: model => model.data?.sweep.spec.name || `Sweep ${shortId(model.id)}`,
    view: model => (
      <SweepPage
        model={model}
        onOpen={nodeOpener(app)}
        onCancel={id => void app.commands.execute(CommandIDs.cancelSweep, { id })}
        onCompare={runs =>
          void app.commands.execute(CommandIDs.compareRuns, { runs: runs.join(' ') })
        }
        notebookOpener={notebookOpener(app)}
      />
    )
  });
  app.commands.addCommand(CommandIDs.openSweep, {
    label: args => (args['id'] ? `Open Sweep ${shortId(String(args['id']))}` : 'Open Sweep…'),
    caption: 'Open the page of a sweep by its id',
    icon: sweepIcon,
    execute: async args => {
      const id = String(args['id'] ?? '') || (await askId('Open Sweep'));
      if (id) {
        await wholeId(mlops, id).then(whole => pages.open(whole), tell);
      }
    }
  });
}

function addCancel(app: JupyterFrontEnd, mlops: IMlops): void {
  app.commands.addCommand(CommandIDs.cancelSweep, {
    label: args => (args['id'] ? `Cancel Sweep ${shortId(String(args['id']))}` : 'Cancel Sweep…'),
    caption: 'Make no more trials of a sweep, and stop those that go on',
    execute: async args => {
      const id = String(args['id'] ?? '') || (await askId('Cancel Sweep'));
      if (id) {
        await cancelSweep(mlops, id).catch(tell);
      }
    }
  });
}

async function cancelSweep(mlops: IMlops, id: string): Promise<void> {
  const { sweep } = await mlops.client.sweep(id);
  const { spec, status } = sweep;
  if (status !== 'running') {
    Notification.info(`Sweep “${spec.name}” has ended already: ${status}.`, { autoClose: 5_000 });
    return;
  }
  const question = `Stop sweep “${spec.name}” (${shortId(spec.id)}) and all its trials that go on? What they have logged is kept.`;
  if (await confirm(question, 'Cancel sweep')) {
    await mlops.client.cancelSweep(spec.id);
    mlops.changes.announce('sweeps', [spec.id]);
    mlops.changes.announce('jobs', null);
  }
}

/** The id that a typed end of it stands for. */
async function wholeId(mlops: IMlops, id: string): Promise<string> {
  return id.length === ID_LENGTH ? id : (await mlops.client.sweep(id)).sweep.spec.id;
}

export default sweeps;
