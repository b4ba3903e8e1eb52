import { Connection } from './connection';
import {
  Approval,
  AuditEntry,
  CheckReport,
  Dataset,
  DatasetDiff,
  Details,
  Expectation,
  FeatureView,
  Gate,
  Gates,
  Impact,
  Lineage,
  Model,
  Move,
  Profile,
  Review,
  Role
} from './types';

/** What may be said of a name or a version; what is not given stays as it is. */
export type DetailsEdit = Partial<Pick<Details, 'description' | 'owner' | 'licence'>> & {
  /** A null value removes the tag. */
  tags?: Record<string, string | null>;
};

export interface AuditQuery {
  /** All that concerns it, as `model:digits`; empty is everything. */
  subject?: string;
  /** Only entries numbered below. */
  before?: number;
  limit?: number;
}

/** Who asks, and what they may do. */
export interface Access {
  user: string;
  role: Role;
}

/** Where an alias shall point, why, and whether the user has said that there is none of that name yet. */
export interface AliasTarget {
  version: number;
  reason: string;
  new: boolean;
}

/** The registries of the server extension's REST interface. Every method throws RequestError. */
export class RegistryClient extends Connection {
  async datasets(): Promise<Dataset[]> {
    return (await this._get<{ datasets: Dataset[] }>(['datasets'])).datasets;
  }

  dataset(name: string): Promise<Dataset> {
    return this._get(['datasets', name]);
  }

  /** Of a version, or with null of the name. */
  editDataset(name: string, version: number | null, edit: DetailsEdit): Promise<Dataset> {
    return this._send('PATCH', pathOf('datasets', name, version), edit);
  }

  /** What a version was found to be; pending where that is being looked into. */
  profile(name: string, version: number): Promise<Profile> {
    return this._get([...pathOf('datasets', name, version), 'profile']);
  }

  /** What differs between two versions; with keys, row by row. */
  diff(
    name: string,
    before: number,
    after: number,
    keys: readonly string[] = []
  ): Promise<DatasetDiff> {
    return this._get(['datasets', name, 'diff'], { before, after, keys });
  }

  async expectations(name: string): Promise<Expectation[]> {
    const path = ['datasets', name, 'expectations'];
    return (await this._get<{ expectations: Expectation[] }>(path)).expectations;
  }

  /** What the last check of a version found; null where it was never checked. */
  async report(name: string, version: number): Promise<CheckReport | null> {
    const path = [...pathOf('datasets', name, version), 'check'];
    return (await this._get<{ report: CheckReport | null }>(path)).report;
  }

  /** Check the expectations now. */
  check(name: string, version: number): Promise<CheckReport> {
    return this._send('POST', [...pathOf('datasets', name, version), 'check'], {});
  }

  async models(): Promise<Model[]> {
    return (await this._get<{ models: Model[] }>(['models'])).models;
  }

  model(name: string): Promise<Model> {
    return this._get(['models', name]);
  }

  /** Of a version, or with null of the name. */
  editModel(name: string, version: number | null, edit: DetailsEdit): Promise<Model> {
    return this._send('PATCH', pathOf('models', name, version), edit);
  }

  /** A version's card, as Markdown. */
  async card(name: string, version: number): Promise<string> {
    return (await this._get<{ card: string }>([...pathOf('models', name, version), 'card'])).card;
  }

  async setCard(name: string, version: number, card: string): Promise<string> {
    const path = [...pathOf('models', name, version), 'card'];
    return (await this._send<{ card: string }>('PUT', path, { card })).card;
  }

  /** What would change if the alias moved to the version. */
  review(name: string, version: number, alias: string): Promise<Review> {
    return this._get([...pathOf('models', name, version), 'review'], { alias });
  }

  /** Say that a version may have an alias, or may not; null takes back what was said. */
  async approve(
    name: string,
    version: number,
    alias: string,
    verdict: { approved: boolean | null; reason: string }
  ): Promise<Approval | null> {
    const path = [...pathOf('models', name, version), 'approvals', alias];
    return (await this._send<{ approval: Approval | null }>('PUT', path, verdict)).approval;
  }

  async gates(name: string): Promise<Gates[]> {
    return (await this._get<{ gates: Gates[] }>(['models', name, 'gates'])).gates;
  }

  /** Those of the metrics that no version has yet are named, so that they are not taken for typos. */
  setGates(
    name: string,
    alias: string,
    gates: readonly Gate[],
    newMetrics: readonly string[]
  ): Promise<Gates> {
    const body = { gates, new_metrics: newMetrics };
    return this._send('PUT', ['models', name, 'gates', alias], body);
  }

  /** Put the alias back where it was before its last move. */
  rollback(name: string, alias: string, reason: string): Promise<Model> {
    return this._send('POST', ['models', name, 'aliases', alias, 'rollback'], { reason });
  }

  /** A new alias that is nearly the same as another is refused as a typo, unless it is said to be new. */
  setAlias(kind: 'datasets', name: string, alias: string, target: AliasTarget): Promise<Dataset>;
  setAlias(kind: 'models', name: string, alias: string, target: AliasTarget): Promise<Model>;
  setAlias(
    kind: string,
    name: string,
    alias: string,
    target: AliasTarget
  ): Promise<Dataset | Model> {
    return this._send('PUT', [kind, name, 'aliases', alias], target);
  }

  deleteAlias(kind: 'datasets', name: string, alias: string, reason: string): Promise<Dataset>;
  deleteAlias(kind: 'models', name: string, alias: string, reason: string): Promise<Model>;
  deleteAlias(kind: string, name: string, alias: string, reason: string): Promise<Dataset | Model> {
    return this._send('DELETE', [kind, name, 'aliases', alias], undefined, { reason });
  }

  /** Where an alias has been, the newest move first. */
  async moves(kind: 'datasets' | 'models', name: string, alias: string): Promise<Move[]> {
    return (await this._get<{ moves: Move[] }>([kind, name, 'aliases', alias, 'moves'])).moves;
  }

  async features(): Promise<FeatureView[]> {
    return (await this._get<{ features: FeatureView[] }>(['features'])).features;
  }

  feature(name: string): Promise<FeatureView> {
    return this._get(['features', name]);
  }

  /** The graph around a node such as `dataset:name@2`, `view:name@1` or `model:name@1`. */
  lineage(node: string): Promise<Lineage> {
    return this._get(['lineage'], { node });
  }

  /** What came of it, which would have to be looked at again if it were bad. */
  impact(node: string): Promise<Impact> {
    return this._get(['impact'], { node });
  }

  /** Decisions, the newest first. */
  async audit(query: AuditQuery): Promise<AuditEntry[]> {
    return (await this._get<{ entries: AuditEntry[] }>(['audit'], { ...query })).entries;
  }

  access(): Promise<Access> {
    return this._get(['access']);
  }
}

function pathOf(kind: string, name: string, version: number | null): string[] {
  return version === null ? [kind, name] : [kind, name, 'versions', String(version)];
}
