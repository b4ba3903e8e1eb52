import { Client } from '../../api/client';
import { Changes } from '../../api/changes';
import { Resource } from '../../api/resource';
import { Dataset, DatasetVersion, Lineage } from '../../api/types';

/** All datasets. */
export class DatasetsModel extends Resource<Dataset[]> {
  constructor(
    private _client: Client,
    changes: Changes
  ) {
    super();
    this.follow(changes, 'datasets');
  }

  protected load(): Promise<Dataset[]> {
    return this._client.datasets();
  }
}

/** One dataset, with the lineage of the version that is looked at. */
export class DatasetModel extends Resource<Dataset> {
  constructor(
    readonly name: string,
    private _client: Client,
    changes: Changes
  ) {
    super();
    this.follow(changes, 'datasets', id => id === this.name);
    this.follow(changes, 'runs');
  }

  lineage: Lineage | null = null;

  /** The version in view: the chosen one, else the newest. */
  get selected(): DatasetVersion | undefined {
    const versions = this.data?.versions ?? [];
    return versions.find(each => each.version === this._chosen) ?? versions[0];
  }

  select(version: number | null): Promise<void> {
    this._chosen = version;
    return this.refresh();
  }

  protected async load(): Promise<Dataset> {
    const dataset = await this._client.dataset(this.name);
    const version = this._chosen ?? dataset.versions[0]?.version;
    this.lineage =
      version === null || version === undefined
        ? null
        : await this._client.lineage(`dataset:${this.name}@${version}`).catch(() => null);
    return dataset;
  }

  private _chosen: number | null = null;
}
