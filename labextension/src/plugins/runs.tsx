import { ILayoutRestorer, JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import React from 'react';
import { CATEGORY, CommandIDs } from '../commands';
import { ComparePage } from '../features/runs/ComparePage';
import { ComparisonModel } from '../features/runs/compareModel';
import { RunPage } from '../features/runs/RunPage';
import { RunModel } from '../features/runs/runModel';
import { IMlops } from '../tokens';
import { shortId } from '../ui/format';
import { compareIcon, runIcon } from '../ui/icons';
import { askId, tell } from './ask';
import { nodeOpener, notebookOpener, Pages } from './pages';

const ID_LENGTH = 26;

/** The pages of runs. */
const runs: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-mlops:runs',
  description: 'Shows a run with its params, metrics, code, outputs and lineage.',
  autoStart: true,
  requires: [IMlops, IRenderMimeRegistry],
  optional: [ICommandPalette, ILayoutRestorer],
  activate: (
    app: JupyterFrontEnd,
    mlops: IMlops,
    rendermime: IRenderMimeRegistry,
    palette: ICommandPalette | null,
    restorer: ILayoutRestorer | null
  ) => {
    const pages = new Pages<RunModel>({
      app,
      restorer,
      namespace: 'jupyter-mlops-run',
      access: mlops.access,
      icon: runIcon,
      command: CommandIDs.openRun,
      argument: 'id',
      model: id => new RunModel(id, mlops.client, mlops.changes),
      title: model => model.data?.run.name || `Run ${shortId(model.id)}`,
      view: model => (
        <RunPage
          model={model}
          rendermime={rendermime}
          onOpen={nodeOpener(app)}
          notebookOpener={notebookOpener(app)}
        />
      )
    });
    app.commands.addCommand(CommandIDs.openRun, {
      label: args => (args['id'] ? `Open Run ${shortId(String(args['id']))}` : 'Open Run…'),
      caption: 'Open the page of a run by its id',
      icon: runIcon,
      execute: async args => {
        const id = String(args['id'] ?? '') || (await askId('Open Run'));
        if (id) {
          await wholeId(mlops, id).then(whole => pages.open(whole), tell);
        }
      }
    });
    palette?.addItem({ command: CommandIDs.openRun, category: CATEGORY });
    addComparing(app, mlops, rendermime, restorer);
    palette?.addItem({ command: CommandIDs.compareRuns, category: CATEGORY });
  }
};

/** Pages of several runs; such a page's key is their ids. */
function addComparing(
  app: JupyterFrontEnd,
  mlops: IMlops,
  rendermime: IRenderMimeRegistry,
  restorer: ILayoutRestorer | null
): void {
  const pages = new Pages<ComparisonModel>({
    app,
    restorer,
    namespace: 'jupyter-mlops-compare',
    icon: compareIcon,
    command: CommandIDs.compareRuns,
    argument: 'runs',
    model: runs => new ComparisonModel(runs.split(' '), mlops.client, mlops.changes),
    title: ({ ids }) =>
      ids.length === 2 ? ids.map(shortId).join(' ↔ ') : `Compare ${ids.length} runs`,
    view: model => <ComparePage model={model} rendermime={rendermime} onOpen={nodeOpener(app)} />
  });
  app.commands.addCommand(CommandIDs.compareRuns, {
    label: args => (args['runs'] ? 'Compare Runs' : 'Compare Runs…'),
    caption: 'Show what differs among runs: those picked in the list, or two ids',
    icon: compareIcon,
    execute: async args => {
      const picked = mlops.runs.picked.map(run => run.id);
      const given = args['runs'] ? String(args['runs']).split(' ') : picked;
      try {
        const ids = given.length > 1 ? given : await askTwo(given[0]);
        if (ids) {
          pages.open((await Promise.all(ids.map(id => wholeId(mlops, id)))).join(' '));
        }
      } catch (thrown) {
        tell(thrown);
      }
    }
  });
}

async function askTwo(known: string | undefined): Promise<string[] | null> {
  const a = known ?? (await askId('Compare Runs: the First'));
  const b = a && (await askId('Compare Runs: the Second'));
  return a && b ? [a, b] : null;
}

/** The id that a typed end of it stands for. */
async function wholeId(mlops: IMlops, id: string): Promise<string> {
  return id.length === ID_LENGTH ? id : (await mlops.client.run(id)).run.id;
}

export default runs;
