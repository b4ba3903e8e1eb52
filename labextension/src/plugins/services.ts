import { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import { AccessModel } from '../api/access';
import { Changes } from '../api/changes';
import { Client } from '../api/client';
import { Names } from '../api/names';
import { RegistryClient } from '../api/registryClient';
import { CATEGORY, CommandIDs } from '../commands';
import { JobsModel } from '../features/jobs/model';
import { RunsModel } from '../features/runs/model';
import { SchedulesModel } from '../features/schedules/model';
import { IMlops } from '../tokens';

/** The client and the lists' models; everything else asks for these. */
const services: JupyterFrontEndPlugin<IMlops> = {
  id: 'jupyter-mlops:plugin',
  description: 'Connects to the MLOps server extension.',
  autoStart: true,
  provides: IMlops,
  optional: [ICommandPalette],
  activate: (app: JupyterFrontEnd, palette: ICommandPalette | null): IMlops => {
    const client = new Client(app.serviceManager.serverSettings);
    const registry = new RegistryClient(app.serviceManager.serverSettings);
    const changes = new Changes(app.serviceManager.events.stream);
    const mlops: IMlops = {
      client,
      registry,
      changes,
      access: new AccessModel(registry),
      runs: new RunsModel(client, changes),
      jobs: new JobsModel(client, changes),
      schedules: new SchedulesModel(client, changes),
      datasets: new Names(() => registry.datasets(), changes, 'datasets'),
      models: new Names(() => registry.models(), changes, 'models'),
      features: new Names(() => registry.features(), changes, 'features')
    };
    app.commands.addCommand(CommandIDs.refresh, {
      label: 'Refresh Runs, Jobs, Datasets and Models',
      execute: () => changes.resync()
    });
    palette?.addItem({ command: CommandIDs.refresh, category: CATEGORY });
    void app.started.then(() => {
      changes.resync();
      return mlops.access.refresh();
    });
    return mlops;
  }
};

export default services;
