import { AccessModel } from '../../api/access';
import { Changes } from '../../api/changes';
import { EditedModel } from '../../api/names';
import { Part } from '../../api/part';
import { DetailsEdit, RegistryClient } from '../../api/registryClient';
import {
  CheckReport,
  Dataset,
  DatasetDiff,
  DatasetVersion,
  Expectation,
  Profile
} from '../../api/types';

/** How soon a profile that is being computed is asked for again. */
export const PENDING_MS = 1_500;

const REST_MS = 2_000;

/** One dataset, with all that is known of the version that is looked at. */
export class DatasetModel extends EditedModel<DatasetVersion, Dataset> {
  constructor(name: string, client: RegistryClient, changes: Changes, access: AccessModel) {
    super('dataset', name, client, changes, access);
    this.follow(changes, 'runs');
  }

  readonly expectations = new Part<Expectation[]>(() => this.notify());
  readonly profile = new Part<Profile>(() => this._onProfile());
  readonly report = new Part<CheckReport | null>(() => this.notify());
  readonly diff = new Part<DatasetDiff>(() => this.notify());
  /** The version that the one in view is compared with. */
  base: number | null = null;
  /** The columns by which rows of the two are matched. */
  keys: readonly string[] = [];
  checking = false;

  /** With what the version in view can be compared. */
  get bases(): number[] {
    const chosen = this.selected?.version;
    return (this.data?.versions ?? [])
      .map(each => each.version)
      .filter((version): version is number => version !== null && version !== chosen);
  }

  select(version: number | null): Promise<void> {
    this.base = null;
    this.keys = [];
    this.diff.clear();
    return super.select(version);
  }

  /** Compare the version in view with another; with keys, row by row. */
  async compare(base: number | null, keys: readonly string[] = []): Promise<void> {
    const version = this.selected?.version;
    this.base = base;
    this.keys = keys;
    this.diff.clear();
    if (base !== null && version) {
      const asked = this.diff.read(() => this.client.diff(this.name, base, version, keys));
      this.notify();
      await asked;
    }
    this.notify();
  }

  /** Check the expectations of the version in view now. */
  async check(): Promise<void> {
    const version = this.selected?.version;
    if (!version) {
      return;
    }
    this.checking = true;
    this.notify();
    await this.report.read(() => this.client.check(this.name, version));
    this.checking = false;
    this.notify();
  }

  describe(version: number | null, edit: DetailsEdit): Promise<boolean> {
    return this.change(() => this.client.editDataset(this.name, version, edit));
  }

  moveAlias(alias: string, version: number, reason: string): Promise<boolean> {
    const target = { version, reason, new: this.isNewAlias(alias) };
    return this.change(() => this.client.setAlias('datasets', this.name, alias, target));
  }

  removeAlias(alias: string, reason: string): Promise<boolean> {
    return this.change(() => this.client.deleteAlias('datasets', this.name, alias, reason));
  }

  dispose(): void {
    window.clearTimeout(this._timer);
    super.dispose();
  }

  /** Runs change with every metric that is logged; the picture of them need not. */
  protected restMs = (tookMs: number): number => Math.max(REST_MS, 5 * tookMs);

  protected async load(): Promise<Dataset> {
    const dataset = await this.client.dataset(this.name);
    const selected = this.selectedOf(dataset);
    if (selected && selected.version !== null) {
      await this._lookInto(selected, selected.version);
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
    void (profile && this.profile.read(() => this.client.profile(this.name, version)));
    await Promise.all([
      this.readLineage(version),
      this.expectations.read(() => this.client.expectations(this.name))
    ]);
    if (!this.checking && this.expectations.data?.length) {
      void this.report.read(() => this.client.report(this.name, version));
    }
  }

  private _onProfile(): void {
    window.clearTimeout(this._timer);
    if (this.profile.data?.status === 'pending' && !this.isDisposed) {
      this._timer = window.setTimeout(() => void this.profile.refresh(), PENDING_MS);
    }
    this.notify();
  }

  /** The digest whose profile is shown. */
  private _looked = '';
  private _timer = 0;
}
