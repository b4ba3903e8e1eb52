import React from 'react';
import { Dataset } from '../../api/types';
import { counted, formatAgo, formatBytes } from '../../ui/format';
import { datasetIcon } from '../../ui/icons';
import { NameList, NameListProps } from '../../ui/names';

const CODE =
  'mlops.register_dataset(\n  "data/train.parquet",\n  name="train")\nmlops.load_dataset("train@1")';

/** The sidebar's list of datasets. */
export function DatasetList(props: Pick<NameListProps<Dataset>, 'model' | 'onOpen'>): JSX.Element {
  return (
    <NameList
      {...props}
      label="Datasets"
      icon={datasetIcon}
      hint="Register a file, a folder or a DataFrame:"
      code={CODE}
      facts={facts}
    />
  );
}

function facts({ versions: [newest] }: Dataset, now: number): string[] {
  return [
    newest.rows === null ? newest.kind : counted(newest.rows, 'row'),
    formatBytes(newest.size_bytes),
    formatAgo(newest.created_at, now)
  ];
}
