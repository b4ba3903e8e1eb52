import { Token } from '@lumino/coreutils';
import { AccessModel } from './api/access';
import { Changes } from './api/changes';
import { Client } from './api/client';
import { RegistryClient } from './api/registryClient';
import type { DatasetsModel } from './features/datasets/model';
import type { FeatureViewsModel } from './features/featureviews/model';
import type { JobsModel } from './features/jobs/model';
import type { ModelsModel } from './features/models/model';
import type { RunsModel } from './features/runs/model';
import type { SchedulesModel } from './features/schedules/model';

/** What the extension's plugins share: the clients, one source of changes, one model a list. */
export interface IMlops {
  readonly client: Client;
  readonly registry: RegistryClient;
  /** What the user may do. */
  readonly access: AccessModel;
  readonly changes: Changes;
  readonly runs: RunsModel;
  readonly jobs: JobsModel;
  readonly schedules: SchedulesModel;
  readonly datasets: DatasetsModel;
  readonly models: ModelsModel;
  readonly features: FeatureViewsModel;
}

export const IMlops = new Token<IMlops>(
  'jupyter-mlops:IMlops',
  'Runs, jobs, datasets and models of the MLOps workspace.'
);
