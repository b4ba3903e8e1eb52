import { Changes } from '../../api/changes';
import { RegistryClient } from '../../api/registryClient';
import { Resource } from '../../api/resource';
import { FeatureView, FeatureViewVersion, Lineage } from '../../api/types';

/** All feature views. */
export class FeatureViewsModel extends Resource<FeatureView[]> {
  constructor(
    private _client: RegistryClient,
    changes: Changes
  ) {
    super();
    this.follow(changes, 'features');
  }

  protected load(): Promise<FeatureView[]> {
    return this._client.features();
  }
}

/** One feature view, with the lineage of the version that is looked at. */
export class FeatureViewModel extends Resource<FeatureView> {
  constructor(
    readonly name: string,
    private _client: RegistryClient,
    changes: Changes
  ) {
    super();
    this.follow(changes, 'features', id => id === this.name);
    this.follow(changes, 'datasets');
  }

  lineage: Lineage | null = null;

  /** The version in view: the chosen one, else the newest. */
  get selected(): FeatureViewVersion | undefined {
    const versions = this.data?.versions ?? [];
    return versions.find(each => each.version === this._chosen) ?? versions[0];
  }

  select(version: number | null): Promise<void> {
    this._chosen = version;
    return this.refresh();
  }

  protected async load(): Promise<FeatureView> {
    const view = await this._client.feature(this.name);
    const version = this._chosen ?? view.versions[0]?.version;
    this.lineage =
      version === null || version === undefined
        ? null
        : await this._client.lineage(`view:${this.name}@${version}`).catch(() => null);
    return view;
  }

  private _chosen: number | null = null;
}
