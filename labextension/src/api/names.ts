import { AccessModel } from './access';
import { Changes, Kind } from './changes';
import { Part } from './part';
import { DetailsEdit, RegistryClient } from './registryClient';
import { RequestError } from './request';
import { Resource } from './resource';
import { Impact, Lineage, VersionStatus } from './types';

/** What every version of a registered name has. */
export interface Versioned {
  /** Null while it is pending. */
  version: number | null;
  status: VersionStatus;
  digest: string;
  created_at: number;
}

/** A registered name: its versions, the newest first. */
export interface Named<V extends Versioned = Versioned> {
  name: string;
  versions: V[];
  seq: number;
  aliases?: Record<string, number>;
}

/** All names of a kind. */
export class Names<T> extends Resource<T[]> {
  constructor(
    private _ask: () => Promise<T[]>,
    changes: Changes,
    kind: Kind
  ) {
    super();
    this.follow(changes, kind);
  }

  protected load(): Promise<T[]> {
    return this._ask();
  }
}

/** One registered name, with where the version that is looked at came from. */
export abstract class NamedModel<V extends Versioned, T extends Named<V>> extends Resource<T> {
  constructor(
    readonly kind: 'dataset' | 'model' | 'view',
    readonly name: string,
    protected client: RegistryClient
  ) {
    super();
  }

  readonly lineage = new Part<Lineage>(() => this.notify());
  readonly impact = new Part<Impact>(() => this.notify());

  /** The version in view: the chosen one, else the newest. */
  get selected(): V | undefined {
    return this.selectedOf(this.data);
  }

  select(version: number | null): Promise<void> {
    this._chosen = version;
    this.lineage.clear();
    this.impact.clear();
    return this.refresh();
  }

  /** Show the version that an alias stands for. */
  async selectAlias(alias: string): Promise<void> {
    if (!this.data) {
      await this.refresh();
    }
    await this.select(this.data?.aliases?.[alias] ?? null);
  }

  /** Ask what came of the version in view. */
  async askImpact(): Promise<void> {
    const version = this.selected?.version;
    if (version) {
      const asked = this.impact.read(() => this.client.impact(this.nodeOf(version)));
      this.notify();
      await asked;
    }
  }

  protected selectedOf(data: T | null): V | undefined {
    const versions = data?.versions ?? [];
    return versions.find(each => each.version === this._chosen) ?? versions[0];
  }

  /** Never rejects: a page is of use without its graph. */
  protected readLineage(version: number): Promise<void> {
    return this.lineage.read(() => this.client.lineage(this.nodeOf(version)));
  }

  protected nodeOf(version: number): string {
    return `${this.kind}:${this.name}@${version}`;
  }

  private _chosen: number | null = null;
}

/** One registered name that people describe and give aliases. */
export abstract class EditedModel<V extends Versioned, T extends Named<V>> extends NamedModel<
  V,
  T
> {
  constructor(
    kind: 'dataset' | 'model',
    name: string,
    client: RegistryClient,
    private _changes: Changes,
    readonly access: AccessModel
  ) {
    super(kind, name, client);
    this.changeKind = `${kind}s`;
    this.follow(_changes, this.changeKind, id => id === this.name);
    access.stateChanged.connect(this.notify, this);
  }

  /** A change is under way. */
  busy = false;
  /** Why the last change was refused. */
  editError: RequestError | null = null;

  /** Put the last refusal out of sight. */
  forgetError(): void {
    this.editError = null;
    this.notify();
  }

  /** Say something of the name, or of a version. */
  abstract describe(version: number | null, edit: DetailsEdit): Promise<boolean>;

  /** Point an alias at a version; it leaves the version that had it. */
  abstract moveAlias(alias: string, version: number, reason: string): Promise<boolean>;

  abstract removeAlias(alias: string, reason: string): Promise<boolean>;

  /** Whether no version has an alias of that name. */
  protected isNewAlias(alias: string): boolean {
    return this.data?.aliases?.[alias] === undefined;
  }

  protected readonly changeKind: 'datasets' | 'models';

  /** Whether a change, which answers with the name as it is then, was not refused. */
  protected async change(request: () => Promise<T>): Promise<boolean> {
    this.busy = true;
    this.notify();
    try {
      this.data = await request();
      this.editError = null;
      this.onChanged();
      this._changes.announce(this.changeKind, [this.name]);
    } catch (thrown) {
      this.editError = RequestError.of(thrown);
    }
    this.busy = false;
    this.notify();
    return this.editError === null;
  }

  /** Called after a change, before others hear of it. */
  protected onChanged(): void {}
}
