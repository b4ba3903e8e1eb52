import { ILayoutRestorer, JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import React from 'react';
import { CommandIDs } from '../commands';
import { DatasetPage } from '../features/datasets/DatasetPage';
import { DatasetModel } from '../features/datasets/model';
import { ModelModel } from '../features/models/model';
import { ModelPage } from '../features/models/ModelPage';
import { IMlops } from '../tokens';
import { datasetIcon, modelIcon } from '../ui/icons';
import { confirm } from './ask';
import { nodeOpener, Pages } from './pages';

/** The pages of datasets and models. */
const registry: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-mlops:registry',
  description: 'Shows datasets and models with their versions, aliases and lineage.',
  autoStart: true,
  requires: [IMlops],
  optional: [ILayoutRestorer],
  activate: (app: JupyterFrontEnd, mlops: IMlops, restorer: ILayoutRestorer | null) => {
    const datasets = new Pages<DatasetModel>({
      app,
      restorer,
      namespace: 'jupyter-mlops-dataset',
      icon: datasetIcon,
      command: CommandIDs.openDataset,
      argument: 'name',
      model: name => new DatasetModel(name, mlops.client, mlops.changes),
      title: model => model.name,
      view: model => <DatasetPage model={model} onOpen={nodeOpener(app)} />
    });
    const models = new Pages<ModelModel>({
      app,
      restorer,
      namespace: 'jupyter-mlops-model',
      icon: modelIcon,
      command: CommandIDs.openModel,
      argument: 'name',
      model: name => new ModelModel(name, mlops.client, mlops.changes),
      title: model => model.name,
      view: model => <ModelPage model={model} onOpen={nodeOpener(app)} confirm={confirm} />
    });
    addCommand(app, CommandIDs.openDataset, 'Open Dataset', datasets);
    addCommand(app, CommandIDs.openModel, 'Open Model', models);
  }
};

/** With a version, the page shows that one; else what it showed before, or the newest. */
function addCommand(
  app: JupyterFrontEnd,
  id: string,
  label: string,
  pages: Pages<DatasetModel> | Pages<ModelModel>
): void {
  app.commands.addCommand(id, {
    label,
    execute: args => {
      const model = pages.open(String(args['name'] ?? ''));
      const version = Number(args['version']);
      if (version) {
        void model.select(version);
      }
    }
  });
}

export default registry;
