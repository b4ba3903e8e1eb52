import React from 'react';
import { DatasetVersion } from '../../api/types';
import { DatasetDiffView } from '../../ui/datasetDiff';
import { Button, Section } from '../../ui/page';
import { ErrorBox, Loading } from '../../ui/states';
import { DatasetModel } from './model';

/** The version in view against another one of the reader's choice. */
export function DiffSection(props: {
  model: DatasetModel;
  selected: DatasetVersion;
}): JSX.Element | null {
  const { model, selected } = props;
  const { bases, base, diff } = model;
  if (bases.length === 0) {
    return null;
  }
  return (
    <Section title={`What version ${selected.version} changed`}>
      <div className="jp-mlops-Choices">
        <label>
          compare with{' '}
          <select
            aria-label="Version to compare with"
            value={base ?? ''}
            onChange={event =>
              void model.compare(event.target.value === '' ? null : Number(event.target.value))
            }
          >
            <option value="">choose a version</option>
            {bases.map(version => (
              <option key={version} value={version}>
                version {version}
              </option>
            ))}
          </select>
        </label>
      </div>
      {diff.error && <ErrorBox error={diff.error} retry={() => void diff.refresh()} />}
      {diff.loading && <Loading />}
      {diff.data && (
        <>
          <DatasetDiffView diff={diff.data} />
          {!diff.data.same && <RowKeys key={`${selected.version} ${base}`} {...props} />}
        </>
      )}
    </Section>
  );
}

/** Which columns tell rows apart: with them, rows are matched one by one. */
function RowKeys(props: { model: DatasetModel; selected: DatasetVersion }): JSX.Element | null {
  const { model, selected } = props;
  const [chosen, setChosen] = React.useState<readonly string[]>(model.keys);
  if (!selected.columns) {
    return null;
  }
  const toggle = (name: string) =>
    setChosen(chosen.includes(name) ? chosen.filter(each => each !== name) : [...chosen, name]);
  return (
    <details className="jp-mlops-Fold" open={model.keys.length > 0}>
      <summary>Compare row by row</summary>
      <fieldset className="jp-mlops-Keys">
        <legend>The columns that tell rows apart:</legend>
        {selected.columns.map(column => (
          <label key={column.name}>
            <input
              type="checkbox"
              checked={chosen.includes(column.name)}
              onChange={() => toggle(column.name)}
            />
            <code>{column.name}</code>
          </label>
        ))}
      </fieldset>
      <Button disabled={chosen.length === 0} onClick={() => void model.compare(model.base, chosen)}>
        Compare rows
      </Button>
    </details>
  );
}
