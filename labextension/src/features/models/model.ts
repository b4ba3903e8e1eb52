import { AccessModel } from '../../api/access';
import { Changes } from '../../api/changes';
import { Part } from '../../api/part';
import { DetailsEdit, RegistryClient } from '../../api/registryClient';
import { RequestError } from '../../api/request';
import { Resource } from '../../api/resource';
import {
  Approval,
  Gate,
  Gates,
  Impact,
  Lineage,
  Model,
  ModelVersion,
  Move,
  Review
} from '../../api/types';

/** The alias that is reviewed for where nobody says otherwise. */
export const USUAL_ALIAS = 'champion';

/** All models. */
export class ModelsModel extends Resource<Model[]> {
  constructor(
    private _client: RegistryClient,
    changes: Changes
  ) {
    super();
    this.follow(changes, 'models');
  }

  protected load(): Promise<Model[]> {
    return this._client.models();
  }
}

/** One model: the version that is looked at, and what would change if an alias moved to it. */
export class ModelModel extends Resource<Model> {
  constructor(
    readonly name: string,
    private _client: RegistryClient,
    private _changes: Changes,
    readonly access: AccessModel
  ) {
    super();
    this.follow(_changes, 'models', id => id === this.name);
    access.stateChanged.connect(this.notify, this);
  }

  lineage: Lineage | null = null;
  gates: readonly Gates[] = [];
  readonly card = new Part<string>(() => this.notify());
  readonly review = new Part<Review>(() => this.notify());
  readonly moves = new Part<Move[]>(() => this.notify());
  readonly impact = new Part<Impact>(() => this.notify());
  /** A change is under way. */
  busy = false;
  /** Why the last change was refused. */
  editError: RequestError | null = null;

  /** The version in view: the chosen one, else the newest. */
  get selected(): ModelVersion | undefined {
    const versions = this.data?.versions ?? [];
    return versions.find(each => each.version === this._chosen) ?? versions[0];
  }

  /** The alias that the version in view is reviewed for. */
  get alias(): string {
    return this._alias ?? this._usualAlias();
  }

  /** All that could be reviewed for. */
  get aliases(): string[] {
    const known = [...this.gates.map(each => each.alias), ...Object.keys(this.data?.aliases ?? {})];
    return [...new Set([USUAL_ALIAS, ...known, this.alias])].sort();
  }

  /** The version that has the alias now. */
  get holder(): number | undefined {
    return this.data?.aliases[this.alias];
  }

  gatesOf(alias: string): readonly Gate[] {
    return this.gates.find(each => each.alias === alias)?.gates ?? [];
  }

  select(version: number | null): Promise<void> {
    this._chosen = version;
    this.impact.clear();
    return this.refresh();
  }

  /** Show the version that an alias stands for. */
  async selectAlias(alias: string): Promise<void> {
    this._alias = alias;
    if (!this.data) {
      await this.refresh();
    }
    await this.select(this.data?.aliases[alias] ?? null);
  }

  /** Review for another alias. */
  async reviewFor(alias: string): Promise<void> {
    this._alias = alias;
    this.review.clear();
    this.moves.clear();
    this.notify();
    await this._readReview();
  }

  /** Ask what came of the version in view. */
  async askImpact(): Promise<void> {
    const version = this.selected?.version;
    if (version) {
      await this.impact.read(() => this._client.impact(`model:${this.name}@${version}`));
    }
  }

  /** Put the last refusal out of sight. */
  forgetError(): void {
    this.editError = null;
    this.notify();
  }

  /** Say something of the model, or of a version. */
  describe(version: number | null, edit: DetailsEdit): Promise<boolean> {
    return this._change(() => this._client.editModel(this.name, version, edit));
  }

  /** Point an alias at a version; it leaves the version that had it. */
  moveAlias(alias: string, version: number, reason: string): Promise<boolean> {
    return this._change(() =>
      this._client.setAlias('models', this.name, alias.trim(), version, reason)
    );
  }

  removeAlias(alias: string, reason: string): Promise<boolean> {
    return this._change(() => this._client.deleteAlias('models', this.name, alias, reason));
  }

  /** Put the reviewed alias back where it was before. */
  rollBack(reason: string): Promise<boolean> {
    return this._change(() => this._client.rollback(this.name, this.alias, reason));
  }

  /** What the user has said of the version in view; null where nothing. */
  get ownApproval(): Approval | null {
    const user = this.access.data?.user;
    return this.review.data?.approvals.find(each => each.user === user) ?? null;
  }

  /** Why the user may not approve it; empty where they may. */
  get approvalRefused(): string {
    const own = this.access.data?.user === this.selected?.created_by;
    return (
      this.access.refuses('approve') ||
      (own ? 'You registered this version: another user has to approve it.' : '')
    );
  }

  /** Say whether a version may have the reviewed alias; null takes back what was said. */
  approve(version: number, approved: boolean | null, reason: string): Promise<boolean> {
    return this._change(async () => {
      await this._client.approve(this.name, version, this.alias, { approved, reason });
      return this._client.model(this.name);
    });
  }

  setGates(alias: string, gates: readonly Gate[]): Promise<boolean> {
    return this._change(async () => {
      await this._client.setGates(this.name, alias, gates);
      return this._client.model(this.name);
    });
  }

  setCard(version: number, text: string): Promise<boolean> {
    return this._change(async () => {
      await this._client.setCard(this.name, version, text);
      return this._client.model(this.name);
    });
  }

  protected async load(): Promise<Model> {
    const model = await this._client.model(this.name);
    const selected =
      model.versions.find(each => each.version === this._chosen) ?? model.versions[0];
    const version = selected?.version ?? null;
    if (version === null) {
      return model;
    }
    [this.lineage, this.gates] = await Promise.all([
      this._client.lineage(`model:${this.name}@${version}`).catch(() => null),
      this._client.gates(this.name).catch(() => [])
    ]);
    const seen = `${version} ${model.seq}`;
    if (seen !== this._seen) {
      if (this._version !== version) {
        this.review.clear();
        this.card.clear();
      }
      this._seen = seen;
      this._version = version;
      void this.card.read(() => this._client.card(this.name, version));
      void this._readReview(model, version);
    }
    return model;
  }

  private async _readReview(
    model: Model | null = this.data,
    version: number | null = this.selected?.version ?? null
  ): Promise<void> {
    if (!model || version === null) {
      return;
    }
    const alias = this._alias ?? this._usualAlias(model);
    await Promise.all([
      this.review.read(() => this._client.review(this.name, version, alias)),
      this.moves.read(() => this._client.moves('models', this.name, alias))
    ]);
  }

  /** What has gates is what is reviewed for. */
  private _usualAlias(model: Model | null = this.data): string {
    const known = [...this.gates.map(each => each.alias), ...Object.keys(model?.aliases ?? {})];
    return known.includes(USUAL_ALIAS) ? USUAL_ALIAS : (known[0] ?? USUAL_ALIAS);
  }

  private async _change(request: () => Promise<Model>): Promise<boolean> {
    this.busy = true;
    this.notify();
    try {
      this.data = await request();
      this.editError = null;
      this._seen = ''; // what was decided shows in the review, whatever else has changed
      this._changes.announce('models', [this.name]);
    } catch (thrown) {
      this.editError = RequestError.of(thrown);
    }
    this.busy = false;
    this.notify();
    return this.editError === null;
  }

  private _alias: string | null = null;
  private _chosen: number | null = null;
  /** The version and the model's state whose review is shown. */
  private _seen = '';
  private _version: number | null = null;
}
