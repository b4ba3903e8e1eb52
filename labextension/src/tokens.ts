import { Token } from '@lumino/coreutils';
import { AccessModel } from './api/access';
import { Changes } from './api/changes';
import { Client } from './api/client';
import { Names } from './api/names';
import { RegistryClient } from './api/registryClient';
import { Dataset, FeatureView, Model } from './api/types';
import type { JobsModel } from './features/jobs/model';
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
  readonly datasets: Names<Dataset>;
  readonly models: Names<Model>;
  readonly features: Names<FeatureView>;
}

export const IMlops = new Token<IMlops>(
  'jupyter-mlops:IMlops',
  'Runs, jobs, datasets and models of the MLOps workspace.'
);
