import { AccessModel } from '../access';
import { RegistryClient } from '../registryClient';
import {
  ColumnDrift,
  ColumnProfile,
  Dataset,
  DatasetDiff,
  DatasetVersion,
  Details,
  FeatureView,
  Gate,
  Model,
  ModelVersion,
  Profile,
  Review,
  Role,
  VersionRef
} from '../types';

/** A client of which a test says what it answers; anything else it is asked fails. */
export function registryThat(answers: Partial<RegistryClient>): RegistryClient {
  return answers as RegistryClient;
}

/** Who looks, and what they may do. */
export async function accessOf(role: Role, user = 'ada'): Promise<AccessModel> {
  const access = new AccessModel(registryThat({ access: async () => ({ user, role }) }));
  await access.refresh();
  return access;
}

export function aRef(kind: string, name: string, version = 1): VersionRef {
  return { kind, name, version, digest: `digest of ${name}@${version}` };
}

export function theDetails(values: Partial<Details> = {}): Details {
  return { description: '', tags: {}, owner: '', licence: '', card: null, ...values };
}

export function aDatasetVersion(
  version: number,
  values: Partial<DatasetVersion> = {}
): DatasetVersion {
  return {
    name: 'digits',
    version,
    kind: 'table',
    digest: `digest ${version}`,
    size_bytes: 1536,
    file_name: 'digits.parquet',
    created_at: 1000,
    created_by: 'ada',
    rows: 1797,
    columns: [{ name: 'target', type: 'int64' }],
    files: null,
    source: '',
    storage: 'copy',
    uri: null,
    query: null,
    inputs: [],
    view: null,
    run_id: null,
    description: '',
    status: 'ready',
    aliases: [],
    tags: {},
    imported: false,
    ...values
  };
}

export function aDataset(versions: DatasetVersion[], values: Partial<Dataset> = {}): Dataset {
  return { name: 'digits', versions, aliases: {}, details: theDetails(), seq: 1, ...values };
}

export function aColumn(name: string, values: Partial<ColumnProfile> = {}): ColumnProfile {
  return {
    name,
    type: 'int64',
    kind: 'number',
    nulls: 0,
    infinite: 0,
    distinct: 10,
    min: 0,
    max: 9,
    mean: 4.5,
    std: 2.87,
    quantiles: {},
    histogram: null,
    top: [],
    shortest: null,
    longest: null,
    mean_length: null,
    approximate: [],
    ...values
  };
}

export function aProfile(values: Partial<Profile> = {}): Profile {
  return {
    digest: 'digest 2',
    status: 'ready',
    problem: '',
    rows: 1797,
    sampled_rows: null,
    columns: [],
    files: null,
    images: null,
    texts: null,
    engine: 'duckdb 1.4.2',
    computed_at: 1000,
    duration_s: 0.5,
    ...values
  };
}

export function aDrift(name: string, values: Partial<ColumnDrift> = {}): ColumnDrift {
  return {
    name,
    kind: 'number',
    verdict: 'stable',
    psi: 0.01,
    ks: 0.02,
    ks_p: 0.8,
    nulls_before: 0,
    nulls_after: 0,
    mean_before: 4.5,
    mean_after: 4.5,
    distinct_before: 10,
    distinct_after: 10,
    edges: [0, 5, 10],
    values: [],
    counts_before: [5, 5],
    counts_after: [2, 8],
    ...values
  };
}

export function aDiff(values: Partial<DatasetDiff> = {}): DatasetDiff {
  return {
    before: aRef('dataset', 'digits', 1),
    after: aRef('dataset', 'digits', 2),
    same: false,
    rows_before: 100,
    rows_after: 120,
    bytes_before: 1024,
    bytes_after: 2048,
    added: [],
    removed: [],
    retyped: [],
    reordered: false,
    drift: [],
    rows: null,
    files: null,
    notes: [],
    ...values
  };
}

export function aModelVersion(version: number, values: Partial<ModelVersion> = {}): ModelVersion {
  return {
    name: 'digits',
    version,
    digest: `d${version}`,
    size_bytes: 2048,
    class_name: 'sklearn.svm.SVC',
    format: 'skops',
    created_at: 1000,
    created_by: 'ada',
    is_folder: false,
    file_name: '',
    signature: null,
    example_digest: null,
    example_name: '',
    requirements_digest: null,
    code_digest: null,
    run_id: null,
    job_id: null,
    notebook: null,
    datasets: [],
    aliases: [],
    tags: {},
    packages: {},
    metrics: { acc: 0.97 },
    description: '',
    origin: '',
    status: 'ready',
    ...values
  };
}

export function aModel(values: Partial<Model> = {}): Model {
  return {
    name: 'digits',
    aliases: { champion: 1 },
    versions: [aModelVersion(2), aModelVersion(1, { aliases: ['champion'] })],
    details: theDetails(),
    seq: 1,
    ...values
  };
}

export function aGate(values: Partial<Gate> = {}): Gate {
  return {
    kind: 'metric',
    metric: 'acc',
    minimum: 0.9,
    maximum: null,
    by: 0,
    lower_is_better: false,
    dataset: '',
    approvals: 1,
    role: 'approver',
    ...values
  };
}

export function aReview(values: Partial<Review> = {}): Review {
  return {
    model: 'digits',
    version: 2,
    alias: 'champion',
    holder: 1,
    allowed: true,
    gates: [],
    approvals: [],
    metrics_before: {},
    metrics_after: {},
    packages_changed: {},
    comparison: null,
    figures: null,
    source_diff: '',
    code: [],
    data: [],
    notes: [],
    ...values
  };
}

export function aFeatureView(values: Partial<FeatureView> = {}): FeatureView {
  return {
    name: 'driver_stats',
    versions: [
      {
        name: 'driver_stats',
        version: 1,
        digest: 'v1',
        source: 'trips',
        keys: ['driver'],
        timestamp: 'time',
        features: [{ name: 'fares', type: 'double' }],
        function: 'driver_stats',
        code: 'def driver_stats(trips): ...',
        created_at: 1000,
        created_by: 'ada',
        module: '',
        ttl_s: 604_800,
        packages: {},
        run_id: null,
        description: '',
        origin: '',
        status: 'ready'
      }
    ],
    materializations: [],
    details: theDetails(),
    seq: 1,
    ...values
  };
}
