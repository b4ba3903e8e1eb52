import { AccessModel } from '../../api/access';
import { Changes } from '../../api/changes';
import { Part } from '../../api/part';
import { DetailsEdit, RegistryClient } from '../../api/registryClient';
import { RequestError } from '../../api/request';
import { Resource } from '../../api/resource';
import {
  CheckReport,
  Dataset,
  DatasetDiff,
  DatasetVersion,
  Expectation,
  Impact,
  Lineage,
  Profile
} from '../../api/types';

/** How soon a profile that is being computed is asked for again. */
export const PENDING_MS = 1_500;

const REST_MS = 2_000;

/** All datasets. */
export class DatasetsModel extends Resource<Dataset[]> {
  constructor(
    private _client: RegistryClient,
    changes: Changes
  ) {
    super();
    this.follow(changes, 'datasets');
  }

  protected load(): Promise<Dataset[]> {
    return this._client.datasets();
  }
}

/** One dataset, with all that is known of the version that is looked at. */
export class DatasetModel extends Resource<Dataset> {
  constructor(
    readonly name: string,
    private _client: RegistryClient,
    private _changes: Changes,
    readonly access: AccessModel
  ) {
    super();
    this.follow(_changes, 'datasets', id => id === this.name);
    this.follow(_changes, 'runs');
    access.stateChanged.connect(this.notify, this);
  }

  lineage: Lineage | null = null;
  expectations: readonly Expectation[] = [];
  readonly profile = new Part<Profile>(() => this._onProfile());
  readonly report = new Part<CheckReport | null>(() => this.notify());
  readonly diff = new Part<DatasetDiff>(() => this.notify());
  readonly impact = new Part<Impact>(() => this.notify());
  /** The version that the one in view is compared with. */
  base: number | null = null;
  /** The columns by which rows of the two are matched. */
  keys: readonly string[] = [];
  checking = false;
  /** Why the last change was refused. */
  editError: RequestError | null = null;

  /** The version in view: the chosen one, else the newest. */
  get selected(): DatasetVersion | undefined {
    const versions = this.data?.versions ?? [];
    return versions.find(each => each.version === this._chosen) ?? versions[0];
  }

  /** With what the version in view can be compared. */
  get bases(): number[] {
    const chosen = this.selected?.version;
    return (this.data?.versions ?? [])
      .map(each => each.version)
      .filter((version): version is number => version !== null && version !== chosen);
  }

  select(version: number | null): Promise<void> {
    this._chosen = version;
    this.base = null;
    this.keys = [];
    this.diff.clear();
    this.impact.clear();
    return this.refresh();
  }

  /** Show the version that an alias stands for. */
  async selectAlias(alias: string): Promise<void> {
    if (!this.data) {
      await this.refresh();
    }
    await this.select(this.data?.aliases[alias] ?? null);
  }

  /** Compare the version in view with another; with keys, row by row. */
  async compare(base: number | null, keys: readonly string[] = []): Promise<void> {
    const version = this.selected?.version;
    this.base = base;
    this.keys = keys;
    this.diff.clear();
    if (base !== null && version) {
      const asked = this.diff.read(() => this._client.diff(this.name, base, version, keys));
      this.notify();
      await asked;
    }
    this.notify();
  }

  /** Ask what came of the version in view. */
  async askImpact(): Promise<void> {
    const version = this.selected?.version;
    if (version) {
      await this.impact.read(() => this._client.impact(`dataset:${this.name}@${version}`));
    }
  }

  /** Check the expectations of the version in view now. */
  async check(): Promise<void> {
    const version = this.selected?.version;
    if (!version) {
      return;
    }
    this.checking = true;
    this.notify();
    await this.report.read(() => this._client.check(this.name, version));
    this.checking = false;
    this.notify();
  }

  /** Put the last refusal out of sight. */
  forgetError(): void {
    this.editError = null;
    this.notify();
  }

  /** Say something of the dataset, or of a version. */
  describe(version: number | null, edit: DetailsEdit): Promise<boolean> {
    return this._change(() => this._client.editDataset(this.name, version, edit));
  }

  moveAlias(alias: string, version: number, reason: string): Promise<boolean> {
    return this._change(() => this._client.setAlias('datasets', this.name, alias, version, reason));
  }

  removeAlias(alias: string, reason: string): Promise<boolean> {
    return this._change(() => this._client.deleteAlias('datasets', this.name, alias, reason));
  }

  dispose(): void {
    window.clearTimeout(this._timer);
    super.dispose();
  }

  /** Runs change with every metric that is logged; the picture of them need not. */
  protected restMs = (tookMs: number): number => Math.max(REST_MS, 5 * tookMs);

  protected async load(): Promise<Dataset> {
    const dataset = await this._client.dataset(this.name);
    const selected =
      dataset.versions.find(each => each.version === this._chosen) ?? dataset.versions[0];
    const version = selected?.version ?? null;
    if (version !== null) {
      await this._lookInto(selected, version);
    }
    return dataset;
  }

  /** What is known of a version: what hangs on its content alone is asked for once. */
  private async _lookInto(selected: DatasetVersion, version: number): Promise<void> {
    const another = selected.digest !== this._looked;
    if (another) {
      this._looked = selected.digest;
      this.profile.clear();
      this.report.clear();
    }
    const profile = another || this.profile.error !== null;
    void (profile && this.profile.read(() => this._client.profile(this.name, version)));
    const [lineage, expectations] = await Promise.all([
      this._client.lineage(`dataset:${this.name}@${version}`).catch(() => null),
      this._client.expectations(this.name).catch(() => [])
    ]);
    this.lineage = lineage;
    this.expectations = expectations;
    if (!this.checking && expectations.length > 0) {
      void this.report.read(() => this._client.report(this.name, version));
    }
  }

  private _onProfile(): void {
    window.clearTimeout(this._timer);
    if (this.profile.data?.status === 'pending' && !this.isDisposed) {
      this._timer = window.setTimeout(() => void this.profile.refresh(), PENDING_MS);
    }
    this.notify();
  }

  private async _change(request: () => Promise<Dataset>): Promise<boolean> {
    try {
      this.data = await request();
      this.editError = null;
      this._changes.announce('datasets', [this.name]);
    } catch (thrown) {
      this.editError = RequestError.of(thrown);
    }
    this.notify();
    return this.editError === null;
  }

  private _chosen: number | null = null;
  /** The digest whose profile is shown. */
  private _looked = '';
  private _timer = 0;
}
