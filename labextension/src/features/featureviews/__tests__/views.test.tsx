import { act, fireEvent, render, screen, within } from '@testing-library/react';
import React from 'react';
import { describe, expect, it, vi } from 'vitest';
import { FakeStream } from '../../../api/__tests__/fakes';
import { aFeatureView, aRef, registryThat } from '../../../api/__tests__/registryFakes';
import { Names } from '../../../api/names';
import { FeatureView, Node } from '../../../api/types';
import { plainRenderer } from '../../../ui/__tests__/renderer';
import { FeatureViewList } from '../FeatureViewList';
import { FeatureViewPage } from '../FeatureViewPage';
import { FeatureViewModel } from '../model';

const COMPUTED = {
  view: aRef('view', 'driver_stats'),
  source: aRef('dataset', 'trips', 4),
  dataset: aRef('dataset', 'driver_stats', 2),
  rows: 2345,
  at: 1000,
  user: 'ada',
  run_id: null,
  online_rows: 120,
  duration_s: 1.5
};

async function aPage(view: FeatureView) {
  const lineage = vi.fn(async () => null as never);
  const client = registryThat({ feature: async () => view, lineage });
  const model = new FeatureViewModel('driver_stats', client, new FakeStream().changes);
  const opened: Node[] = [];
  const onHistory = vi.fn();
  render(
    <FeatureViewPage
      model={model}
      rendermime={plainRenderer}
      onOpen={node => opened.push(node)}
      onHistory={onHistory}
    />
  );
  await act(() => model.refresh());
  return { opened, onHistory, lineage };
}

describe('the page of a feature view', () => {
  it('shows its definition, its features and what was computed by it', async () => {
    const { opened, onHistory, lineage } = await aPage(
      aFeatureView({ materializations: [COMPUTED] })
    );
    expect(screen.getByText(/def driver_stats\(trips\)/)).toBeTruthy();
    const [, row] = within(screen.getByRole('table', { name: 'Computed' })).getAllByRole('row');
    expect([...row.children].slice(0, 6).map(cell => cell.textContent)).toEqual([
      'v1',
      'trips@4',
      'driver_stats@2',
      '2,345',
      '120 keys',
      '1.5 s'
    ]);
    expect(screen.getByRole('table', { name: 'Details' }).textContent).toContain(
      'keysdrivertimestamptimeholds for7 d'
    );
    expect(lineage).toHaveBeenCalledWith('view:driver_stats@1');
    fireEvent.click(screen.getByRole('button', { name: 'driver_stats@2' }));
    fireEvent.click(screen.getByRole('button', { name: 'trips' }));
    expect(opened.map(node => node.id)).toEqual(['dataset:driver_stats@2', 'dataset:trips']);
    fireEvent.click(screen.getByRole('button', { name: 'History' }));
    expect(onHistory).toHaveBeenCalledWith('view:driver_stats');
  });

  it('says how to compute it while that was never done', async () => {
    await aPage(aFeatureView());
    expect(screen.getByText('driver_stats.materialize()')).toBeTruthy();
  });
});

describe('the list of feature views', () => {
  async function aList(views: FeatureView[]) {
    const client = registryThat({ features: vi.fn(async () => views) });
    const stream = new FakeStream();
    const model = new Names(() => client.features(), stream.changes, 'features');
    await model.refresh();
    render(<FeatureViewList model={model} onOpen={() => undefined} />);
    return { client, stream };
  }

  it('teaches how to define one while there are none', async () => {
    await aList([]);
    expect(screen.getByText(/@mlops.feature_view/)).toBeTruthy();
  });

  it('is read again when a feature view has changed', async () => {
    const { client, stream } = await aList([aFeatureView()]);
    expect(screen.getByRole('listbox', { name: 'Feature views' })).toBeTruthy();
    await act(async () => stream.say('features', ['driver_stats']));
    expect(client.features).toHaveBeenCalledTimes(2);
  });
});
