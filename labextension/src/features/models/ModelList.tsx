import React from 'react';
import { Model } from '../../api/types';
import { formatAgo, formatNumber } from '../../ui/format';
import { modelIcon } from '../../ui/icons';
import { VirtualList } from '../../ui/list';
import { AliasSummary } from '../../ui/marks';
import { useModel, useNow } from '../../ui/signals';
import { EmptyState, Loaded } from '../../ui/states';
import { ModelsModel } from './model';

const ROW_HEIGHT = 46;

/** The sidebar's list of models. */
export function ModelList(props: {
  model: ModelsModel;
  onOpen: (name: string) => void;
}): JSX.Element {
  useModel(props.model);
  const now = useNow(30_000);
  return (
    <Loaded of={props.model}>
      {models =>
        models.length === 0 ? (
          <EmptyState
            title="No models yet"
            code={
              'mlops.register_model(\n  model, name="digits",\n  alias="champion")\nmlops.load_model("digits@champion")'
            }
          >
            Register what a run has trained:
          </EmptyState>
        ) : (
          <VirtualList
            label="Models"
            count={models.length}
            rowHeight={ROW_HEIGHT}
            row={index => <ModelRow model={models[index]} now={now} />}
            onOpen={index => props.onOpen(models[index].name)}
          />
        )
      }
    </Loaded>
  );
}

function ModelRow(props: { model: Model; now: number }): JSX.Element {
  const { name, versions, aliases } = props.model;
  const newest = versions[0];
  const metric = newest && Object.entries(newest.metrics)[0];
  const details = newest
    ? [
        newest.class_name.split('.').pop(),
        metric && `${metric[0]} ${formatNumber(metric[1])}`,
        formatAgo(newest.created_at, props.now)
      ]
    : ['no versions'];
  return (
    <div className="jp-mlops-Row-body">
      <modelIcon.react tag="span" className="jp-mlops-Row-icon" />
      <div className="jp-mlops-Row-text">
        <div className="jp-mlops-Row-title">
          <span>{name}</span>
        </div>
        <div className="jp-mlops-Row-details">
          <span>{details.filter(Boolean).join(' · ')}</span>
        </div>
      </div>
      <AliasSummary
        aliases={aliases}
        otherwise={newest && (newest.version === null ? 'pending' : `v${newest.version}`)}
      />
    </div>
  );
}
