import { AccessModel } from '../../api/access';
import { Changes } from '../../api/changes';
import { EditedModel } from '../../api/names';
import { Part } from '../../api/part';
import { DetailsEdit, RegistryClient } from '../../api/registryClient';
import { Approval, Gate, Gates, Model, ModelVersion, Move, Review } from '../../api/types';

/** The alias that is reviewed for where nobody says otherwise. */
export const USUAL_ALIAS = 'champion';

/** One model: the version that is looked at, and what would change if an alias moved to it. */
export class ModelModel extends EditedModel<ModelVersion, Model> {
  constructor(name: string, client: RegistryClient, changes: Changes, access: AccessModel) {
    super('model', name, client, changes, access);
  }

  readonly gates = new Part<Gates[]>(() => this.notify());
  readonly card = new Part<string>(() => this.notify());
  readonly review = new Part<Review>(() => this.notify());
  readonly moves = new Part<Move[]>(() => this.notify());

  /** The alias that the version in view is reviewed for. */
  get alias(): string {
    return this._alias ?? this._usualAlias();
  }

  /** All that could be reviewed for. */
  get aliases(): string[] {
    return [...new Set([USUAL_ALIAS, ...this._known(), this.alias])].sort();
  }

  /** The version that has the alias now. */
  get holder(): number | undefined {
    return this.data?.aliases[this.alias];
  }

  gatesOf(alias: string): readonly Gate[] {
    return this.gates.data?.find(each => each.alias === alias)?.gates ?? [];
  }

  /** Show the version that an alias stands for. */
  async selectAlias(alias: string): Promise<void> {
    this._alias = alias;
    await super.selectAlias(alias);
  }

  /** Review for another alias. */
  async reviewFor(alias: string): Promise<void> {
    this._alias = alias;
    this.review.clear();
    this.moves.clear();
    this.notify();
    await this._readReview();
  }

  describe(version: number | null, edit: DetailsEdit): Promise<boolean> {
    return this.change(() => this.client.editModel(this.name, version, edit));
  }

  moveAlias(alias: string, version: number, reason: string): Promise<boolean> {
    const target = { version, reason, new: this.isNewAlias(alias) };
    return this.change(() => this.client.setAlias('models', this.name, alias, target));
  }

  removeAlias(alias: string, reason: string): Promise<boolean> {
    return this.change(() => this.client.deleteAlias('models', this.name, alias, reason));
  }

  /** Put the reviewed alias back where it was before. */
  rollBack(reason: string): Promise<boolean> {
    return this.change(() => this.client.rollback(this.name, this.alias, reason));
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
    return this.change(async () => {
      await this.client.approve(this.name, version, this.alias, { approved, reason });
      return this.client.model(this.name);
    });
  }

  /** Of the metrics, those that the user has said no version has yet. */
  setGates(
    alias: string,
    gates: readonly Gate[],
    newMetrics: readonly string[] = []
  ): Promise<boolean> {
    return this.change(async () => {
      await this.client.setGates(this.name, alias, gates, newMetrics);
      return this.client.model(this.name);
    });
  }

  setCard(version: number, text: string): Promise<boolean> {
    return this.change(async () => {
      await this.client.setCard(this.name, version, text);
      return this.client.model(this.name);
    });
  }

  protected async load(): Promise<Model> {
    const model = await this.client.model(this.name);
    const version = this.selectedOf(model)?.version ?? null;
    if (version === null) {
      return model;
    }
    await Promise.all([
      this.readLineage(version),
      this.gates.read(() => this.client.gates(this.name))
    ]);
    const seen = `${version} ${model.seq}`;
    if (seen !== this._seen) {
      if (this._version !== version) {
        this.review.clear();
        this.card.clear();
      }
      this._seen = seen;
      this._version = version;
      void this.card.read(() => this.client.card(this.name, version));
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
      this.review.read(() => this.client.review(this.name, version, alias)),
      this.moves.read(() => this.client.moves('models', this.name, alias))
    ]);
  }

  /** What has gates is what is reviewed for. */
  private _usualAlias(model: Model | null = this.data): string {
    const known = this._known(model);
    return known.includes(USUAL_ALIAS) ? USUAL_ALIAS : (known[0] ?? USUAL_ALIAS);
  }

  /** The aliases that have gates, then those that a version has. */
  private _known(model: Model | null = this.data): string[] {
    const gated = (this.gates.data ?? []).map(each => each.alias);
    return [...gated, ...Object.keys(model?.aliases ?? {})];
  }

  protected onChanged(): void {
    this._seen = ''; // what was decided shows in the review, whatever else has changed
  }

  private _alias: string | null = null;
  /** The version and the model's state whose review is shown. */
  private _seen = '';
  private _version: number | null = null;
}
