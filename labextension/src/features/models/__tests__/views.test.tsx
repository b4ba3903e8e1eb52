import { act, fireEvent, render, screen } from '@testing-library/react';
import React from 'react';
import { describe, expect, it, vi } from 'vitest';
import { FakeStream } from '../../../api/__tests__/fakes';
import { Client } from '../../../api/client';
import { RequestError } from '../../../api/request';
import { Model, ModelVersion } from '../../../api/types';
import { ModelModel } from '../model';
import { ModelPage } from '../ModelPage';

function aVersion(version: number, aliases: string[]): ModelVersion {
  return {
    name: 'digits',
    version,
    digest: `d${version}`,
    size_bytes: 2048,
    class_name: 'sklearn.svm.SVC',
    format: 'cloudpickle',
    created_at: 1000,
    created_by: 'ada',
    run_id: null,
    aliases,
    packages: {},
    metrics: { acc: 0.97 },
    description: '',
    origin: '',
    status: 'ready'
  };
}

const MODEL: Model = {
  name: 'digits',
  aliases: { champion: 1 },
  versions: [aVersion(2, []), aVersion(1, ['champion'])],
  seq: 1
};

async function aPage(setAlias = vi.fn(async () => MODEL), agrees = true) {
  const client = { model: async () => MODEL, lineage: async () => null, setAlias };
  const model = new ModelModel('digits', client as unknown as Client, new FakeStream().changes);
  const confirm = vi.fn(async () => agrees);
  await model.refresh();
  render(<ModelPage model={model} onOpen={() => undefined} confirm={confirm} />);
  return { setAlias, confirm, model };
}

async function typeAlias(alias: string) {
  const field = screen.getByLabelText('Alias for version 2');
  fireEvent.change(field, { target: { value: alias } });
  await act(async () => {
    fireEvent.submit(field.closest('form')!);
  });
}

describe('the page of a model', () => {
  it('asks before an alias leaves another version, then moves it', async () => {
    const { setAlias, confirm } = await aPage();
    await typeAlias('champion');
    expect(confirm).toHaveBeenCalledWith(
      'Move the alias “champion” of digits from version 1 to version 2?',
      'Move'
    );
    expect(setAlias).toHaveBeenCalledWith('digits', 'champion', 2);
  });

  it('moves nothing when the answer is no', async () => {
    const { setAlias } = await aPage(undefined, false);
    await typeAlias('champion');
    expect(setAlias).not.toHaveBeenCalled();
  });

  it('adds a new alias without a question, and shows why one is refused', async () => {
    const refused = new RequestError('invalid_name', 'An alias has no spaces.', 400);
    const { confirm } = await aPage(vi.fn().mockRejectedValue(refused));
    await typeAlias('my alias');
    expect(confirm).not.toHaveBeenCalled();
    expect(screen.getByRole('alert').textContent).toBe('An alias has no spaces.');
  });

  it('shows the version that is chosen', async () => {
    await aPage();
    await act(async () => {
      fireEvent.click(screen.getByLabelText('v1'));
    });
    expect(screen.getByText('mlops.load_model("digits@champion")')).toBeTruthy();
  });
});
