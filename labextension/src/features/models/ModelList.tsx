import React from 'react';
import { Model } from '../../api/types';
import { formatAgo, formatNumber } from '../../ui/format';
import { modelIcon } from '../../ui/icons';
import { NameList, NameListProps } from '../../ui/names';

const CODE =
  'mlops.register_model(\n  model, name="digits",\n  alias="champion")\nmlops.load_model("digits@champion")';

/** The sidebar's list of models. */
export function ModelList(props: Pick<NameListProps<Model>, 'model' | 'onOpen'>): JSX.Element {
  return (
    <NameList
      {...props}
      label="Models"
      icon={modelIcon}
      hint="Register what a run has trained:"
      code={CODE}
      facts={facts}
    />
  );
}

function facts({ versions: [newest] }: Model, now: number): (string | undefined)[] {
  const [metric] = Object.entries(newest.metrics);
  return [
    newest.class_name.split('.').pop(),
    metric && `${metric[0]} ${formatNumber(metric[1])}`,
    formatAgo(newest.created_at, now)
  ];
}
