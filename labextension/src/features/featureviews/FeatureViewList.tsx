import React from 'react';
import { FeatureView } from '../../api/types';
import { counted, formatAgo } from '../../ui/format';
import { featureIcon } from '../../ui/icons';
import { NameList, NameListProps } from '../../ui/names';

const CODE =
  '@mlops.feature_view(\n  source="trips", keys=["driver"],\n  timestamp="time")\ndef driver_stats(trips): ...';

/** The sidebar's list of feature views. */
export function FeatureViewList(
  props: Pick<NameListProps<FeatureView>, 'model' | 'onOpen'>
): JSX.Element {
  return (
    <NameList
      {...props}
      label="Feature views"
      icon={featureIcon}
      hint="Name a transformation of a dataset:"
      code={CODE}
      facts={facts}
    />
  );
}

function facts({ versions: [newest], materializations: [last] }: FeatureView, now: number) {
  return [
    newest.features.length > 0 && counted(newest.features.length, 'feature'),
    `of ${newest.keys.join(', ')}`,
    last ? `computed ${formatAgo(last.at, now)}` : 'not computed yet'
  ];
}
