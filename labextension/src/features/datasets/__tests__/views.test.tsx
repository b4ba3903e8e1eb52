import { render, screen } from '@testing-library/react';
import React from 'react';
import { describe, expect, it } from 'vitest';
import { FakeStream } from '../../../api/__tests__/fakes';
import { Client } from '../../../api/client';
import { Dataset } from '../../../api/types';
import { DatasetList } from '../DatasetList';
import { DatasetPage } from '../DatasetPage';
import { DatasetModel, DatasetsModel } from '../model';

const DATASET: Dataset = {
  name: 'digits',
  seq: 1,
  versions: [
    {
      name: 'digits',
      version: 2,
      kind: 'table',
      digest: 'abcdef',
      size_bytes: 1536,
      file_name: 'digits.parquet',
      created_at: 1000,
      created_by: 'ada',
      rows: 1797,
      columns: [{ name: 'target', type: 'int64' }],
      source: '',
      run_id: null,
      description: '',
      status: 'ready'
    }
  ]
};

describe('datasets', () => {
  it('teach how to register one while there are none', async () => {
    const client = { datasets: async () => [] } as unknown as Client;
    const model = new DatasetsModel(client, new FakeStream().changes);
    await model.refresh();
    render(<DatasetList model={model} onOpen={() => undefined} />);
    expect(screen.getByText(/register_dataset/)).toBeTruthy();
  });

  it('show schema, size and how to load the version', async () => {
    const client = { dataset: async () => DATASET, lineage: async () => null } as unknown as Client;
    const model = new DatasetModel('digits', client, new FakeStream().changes);
    await model.refresh();
    render(<DatasetPage model={model} onOpen={() => undefined} />);
    expect(screen.getByRole('rowheader', { name: 'target' })).toBeTruthy();
    expect(screen.getByText('1.5 KiB')).toBeTruthy();
    expect(screen.getByText('mlops.load_dataset("digits@2")')).toBeTruthy();
  });
});
