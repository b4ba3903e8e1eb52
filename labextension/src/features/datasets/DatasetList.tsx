import React from 'react';
import { Dataset } from '../../api/types';
import { counted, formatAgo, formatBytes } from '../../ui/format';
import { VirtualList } from '../../ui/list';
import { datasetIcon } from '../../ui/icons';
import { AliasSummary } from '../../ui/marks';
import { useModel, useNow } from '../../ui/signals';
import { EmptyState, Loaded } from '../../ui/states';
import { DatasetsModel } from './model';

const ROW_HEIGHT = 46;

/** The sidebar's list of datasets. */
export function DatasetList(props: {
  model: DatasetsModel;
  onOpen: (name: string) => void;
}): JSX.Element {
  useModel(props.model);
  const now = useNow(30_000);
  return (
    <Loaded of={props.model}>
      {datasets =>
        datasets.length === 0 ? (
          <EmptyState
            title="No datasets yet"
            code={
              'mlops.register_dataset(\n  "data/train.parquet",\n  name="train")\nmlops.load_dataset("train@1")'
            }
          >
            Register a file, a folder or a DataFrame:
          </EmptyState>
        ) : (
          <VirtualList
            label="Datasets"
            count={datasets.length}
            rowHeight={ROW_HEIGHT}
            row={index => <DatasetRow dataset={datasets[index]} now={now} />}
            onOpen={index => props.onOpen(datasets[index].name)}
          />
        )
      }
    </Loaded>
  );
}

function DatasetRow(props: { dataset: Dataset; now: number }): JSX.Element {
  const { name, versions } = props.dataset;
  const newest = versions[0];
  const details = newest
    ? [
        newest.rows === null ? newest.kind : counted(newest.rows, 'row'),
        formatBytes(newest.size_bytes),
        formatAgo(newest.created_at, props.now)
      ]
    : ['no versions'];
  return (
    <div className="jp-mlops-Row-body">
      <datasetIcon.react tag="span" className="jp-mlops-Row-icon" />
      <div className="jp-mlops-Row-text">
        <div className="jp-mlops-Row-title">
          <span>{name}</span>
        </div>
        <div className="jp-mlops-Row-details">
          <span>{details.join(' · ')}</span>
        </div>
      </div>
      <AliasSummary
        aliases={props.dataset.aliases}
        otherwise={newest && versionName(newest.version)}
      />
    </div>
  );
}

function versionName(version: number | null): string {
  return version === null ? 'pending' : `v${version}`;
}
