import { ILayoutRestorer, JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import React from 'react';
import { CommandIDs } from '../commands';
import { DatasetPage } from '../features/datasets/DatasetPage';
import { DatasetModel } from '../features/datasets/model';
import { ModelModel } from '../features/models/model';
import { ModelPage } from '../features/models/ModelPage';
import { IMlops } from '../tokens';
import { datasetIcon, modelIcon } from '../ui/icons';
import { decide } from './ask';
import { historyOpener, nodeOpener, notebookOpener, Pages } from './pages';

/** The pages of datasets and models. */
const registry: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-mlops:registry',
  description: 'Shows datasets and models: versions, profiles, differences, reviews and lineage.',
  autoStart: true,
  requires: [IMlops, IRenderMimeRegistry],
  optional: [ILayoutRestorer],
  activate: (
    app: JupyterFrontEnd,
    mlops: IMlops,
    rendermime: IRenderMimeRegistry,
    restorer: ILayoutRestorer | null
  ) => {
    const openers = { onOpen: nodeOpener(app), onHistory: historyOpener(app), decide };
    const datasets = new Pages<DatasetModel>({
      app,
      restorer,
      namespace: 'jupyter-mlops-dataset',
      icon: datasetIcon,
      command: CommandIDs.openDataset,
      argument: 'name',
      model: name => new DatasetModel(name, mlops.registry, mlops.changes, mlops.access),
      title: model => model.name,
      view: model => <DatasetPage model={model} {...openers} />
    });
    const models = new Pages<ModelModel>({
      app,
      restorer,
      namespace: 'jupyter-mlops-model',
      icon: modelIcon,
      command: CommandIDs.openModel,
      argument: 'name',
      model: name => new ModelModel(name, mlops.registry, mlops.changes, mlops.access),
      title: model => model.name,
      view: model => (
        <ModelPage
          model={model}
          rendermime={rendermime}
          notebookOpener={notebookOpener(app)}
          {...openers}
        />
      )
    });
    addCommand(app, CommandIDs.openDataset, 'Open Dataset', datasets);
    addCommand(app, CommandIDs.openModel, 'Open Model', models);
  }
};

/** With a version or an alias, the page shows that one; else what it showed before, or the newest. */
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
      const alias = String(args['alias'] ?? '');
      if (version) {
        void model.select(version);
      } else if (alias) {
        void model.selectAlias(alias);
      }
    }
  });
}

export default registry;
