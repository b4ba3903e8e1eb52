import React from 'react';
import { FeatureView } from '../../api/types';
import { counted, formatAgo } from '../../ui/format';
import { featureIcon } from '../../ui/icons';
import { VirtualList } from '../../ui/list';
import { useModel, useNow } from '../../ui/signals';
import { EmptyState, Loaded } from '../../ui/states';
import { FeatureViewsModel } from './model';

const ROW_HEIGHT = 46;

/** The sidebar's list of feature views. */
export function FeatureViewList(props: {
  model: FeatureViewsModel;
  onOpen: (name: string) => void;
}): JSX.Element {
  useModel(props.model);
  const now = useNow(30_000);
  return (
    <Loaded of={props.model}>
      {views =>
        views.length === 0 ? (
          <EmptyState
            title="No feature views yet"
            code={
              '@mlops.feature_view(\n  source="trips", keys=["driver"],\n  timestamp="time")\ndef driver_stats(trips): ...'
            }
          >
            Name a transformation of a dataset:
          </EmptyState>
        ) : (
          <VirtualList
            label="Feature views"
            count={views.length}
            rowHeight={ROW_HEIGHT}
            row={index => <Row view={views[index]} now={now} />}
            onOpen={index => props.onOpen(views[index].name)}
          />
        )
      }
    </Loaded>
  );
}

function Row(props: { view: FeatureView; now: number }): JSX.Element {
  const { name, versions, materializations } = props.view;
  const newest = versions[0];
  const last = materializations[0];
  const details = [
    newest && counted(newest.features.length, 'feature'),
    newest && `of ${newest.keys.join(', ')}`,
    last ? `computed ${formatAgo(last.at, props.now)}` : 'not computed yet'
  ];
  return (
    <div className="jp-mlops-Row-body">
      <featureIcon.react tag="span" className="jp-mlops-Row-icon" />
      <div className="jp-mlops-Row-text">
        <div className="jp-mlops-Row-title">
          <span>{name}</span>
        </div>
        <div className="jp-mlops-Row-details">
          <span>{details.filter(Boolean).join(' · ')}</span>
        </div>
      </div>
      {newest && (
        <span className="jp-mlops-Version">
          {newest.version === null ? 'pending' : `v${newest.version}`}
        </span>
      )}
    </div>
  );
}
