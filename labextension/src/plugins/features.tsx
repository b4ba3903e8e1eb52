import { ILayoutRestorer, JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import React from 'react';
import { CommandIDs } from '../commands';
import { FeatureViewPage } from '../features/featureviews/FeatureViewPage';
import { FeatureViewModel } from '../features/featureviews/model';
import { IMlops } from '../tokens';
import { featureIcon } from '../ui/icons';
import { historyOpener, nodeOpener, Pages } from './pages';

/** The pages of feature views. */
const features: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-mlops:features',
  description: 'Shows feature views with their definitions and what was computed by them.',
  autoStart: true,
  requires: [IMlops, IRenderMimeRegistry],
  optional: [ILayoutRestorer],
  activate: (
    app: JupyterFrontEnd,
    mlops: IMlops,
    rendermime: IRenderMimeRegistry,
    restorer: ILayoutRestorer | null
  ) => {
    const pages = new Pages<FeatureViewModel>({
      app,
      restorer,
      namespace: 'jupyter-mlops-feature',
      icon: featureIcon,
      command: CommandIDs.openFeature,
      argument: 'name',
      model: name => new FeatureViewModel(name, mlops.registry, mlops.changes),
      title: model => model.name,
      view: model => (
        <FeatureViewPage
          model={model}
          rendermime={rendermime}
          onOpen={nodeOpener(app)}
          onHistory={historyOpener(app)}
        />
      )
    });
    app.commands.addCommand(CommandIDs.openFeature, {
      label: 'Open Feature View',
      execute: args => {
        const model = pages.open(String(args['name'] ?? ''));
        const version = Number(args['version']);
        if (version) {
          void model.select(version);
        }
      }
    });
  }
};

export default features;
