import { ILayoutRestorer, JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import React from 'react';
import { CATEGORY, CommandIDs } from '../commands';
import { UsageModel } from '../features/usage/model';
import { UsagePage } from '../features/usage/UsagePage';
import { IMlops } from '../tokens';
import { usageIcon } from '../ui/icons';
import { Pages } from './pages';

/** There is one page. */
const KEY = 'jobs';

/** The page of who has which GPU, and of what jobs have held and used. */
const usage: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-mlops:usage',
  description: 'Shows who has which GPU; GPU-hours, CPU-hours, waste and queue wait of jobs.',
  autoStart: true,
  requires: [IMlops],
  optional: [ICommandPalette, ILayoutRestorer],
  activate: (
    app: JupyterFrontEnd,
    mlops: IMlops,
    palette: ICommandPalette | null,
    restorer: ILayoutRestorer | null
  ) => {
    const pages = new Pages<UsageModel>({
      app,
      restorer,
      namespace: 'jupyter-mlops-usage',
      icon: usageIcon,
      command: CommandIDs.openUsage,
      argument: 'of',
      model: () => new UsageModel(mlops.client, mlops.changes),
      title: () => 'Usage',
      view: model => (
        <UsagePage
          model={model}
          onOpenJob={id => void app.commands.execute(CommandIDs.openJob, { id })}
        />
      )
    });
    app.commands.addCommand(CommandIDs.openUsage, {
      label: 'Show Usage of GPUs and CPUs',
      caption: 'GPU-hours, CPU-hours, waste and queue wait of jobs; who has which GPU',
      icon: usageIcon,
      execute: () => {
        pages.open(KEY);
      }
    });
    palette?.addItem({ command: CommandIDs.openUsage, category: CATEGORY });
  }
};

export default usage;
