import { Client } from '../../api/client';
import { Changes } from '../../api/changes';
import { RequestError } from '../../api/request';
import { Resource } from '../../api/resource';
import { Lineage, Model, ModelVersion } from '../../api/types';

/** All models. */
export class ModelsModel extends Resource<Model[]> {
  constructor(
    private _client: Client,
    changes: Changes
  ) {
    super();
    this.follow(changes, 'models');
  }

  protected load(): Promise<Model[]> {
    return this._client.models();
  }
}

/** One model, with the lineage of the version that is looked at. */
export class ModelModel extends Resource<Model> {
  constructor(
    readonly name: string,
    private _client: Client,
    private _changes: Changes
  ) {
    super();
    this.follow(_changes, 'models', id => id === this.name);
  }

  lineage: Lineage | null = null;
  /** Why the last change of an alias was refused. */
  editError: RequestError | null = null;

  /** The version in view: the chosen one, else the newest. */
  get selected(): ModelVersion | undefined {
    const versions = this.data?.versions ?? [];
    return versions.find(each => each.version === this._chosen) ?? versions[0];
  }

  select(version: number | null): Promise<void> {
    this._chosen = version;
    return this.refresh();
  }

  /** Point an alias at a version; it leaves the version that had it. */
  setAlias(alias: string, version: number): Promise<void> {
    return this._change(() => this._client.setAlias(this.name, alias.trim(), version));
  }

  deleteAlias(alias: string): Promise<void> {
    return this._change(() => this._client.deleteAlias(this.name, alias));
  }

  protected async load(): Promise<Model> {
    const model = await this._client.model(this.name);
    const version = this._chosen ?? model.versions[0]?.version;
    this.lineage =
      version === null || version === undefined
        ? null
        : await this._client.lineage(`model:${this.name}@${version}`).catch(() => null);
    return model;
  }

  private async _change(request: () => Promise<Model>): Promise<void> {
    try {
      this.data = await request();
      this.editError = null;
      this._changes.announce('models', [this.name]);
    } catch (thrown) {
      this.editError = RequestError.of(thrown);
    }
    this.notify();
  }

  private _chosen: number | null = null;
}
