import { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import React from 'react';
import { FigureRow, FigureTable, Output, Run } from '../../api/types';
import { colorVariable } from '../../ui/chart';
import { formatBytes, shortId } from '../../ui/format';
import { bundleOf } from '../../ui/outputs';
import { Section } from '../../ui/page';
import { Rich } from '../../ui/rich';
import { ComparisonModel } from './compareModel';

/** The figures of runs beside each other. */
export function CompareFigures(props: {
  figures: FigureTable;
  model: ComparisonModel;
  rendermime: IRenderMimeRegistry;
}): JSX.Element | null {
  const { figures, model, rendermime } = props;
  if (figures.rows.length === 0) {
    return null;
  }
  return (
    <Section title="Figures" count={figures.rows.length}>
      {figures.rows.map(row => (
        <figure key={row.name} className="jp-mlops-Figures" aria-label={row.name}>
          <figcaption>{row.name}</figcaption>
          <Row row={row} runs={figures.runs} model={model} rendermime={rendermime} />
        </figure>
      ))}
    </Section>
  );
}

function leftOut(output: Output): number | undefined {
  return output.metadata['left_out_bytes'] as number | undefined;
}

function Row(props: {
  row: FigureRow;
  runs: readonly Run[];
  model: ComparisonModel;
  rendermime: IRenderMimeRegistry;
}): JSX.Element {
  const { row, runs, model, rendermime } = props;
  return (
    <div className="jp-mlops-Figures-row">
      {runs.map((run, i) => {
        const output = row.outputs[i];
        return model.hidden.has(run.id) ? null : (
          <div key={run.id}>
            <div className="jp-mlops-Figures-run">
              <i
                className="jp-mlops-Swatch"
                style={{ background: `var(${colorVariable(model.placeOf(run.id))})` }}
              />
              {run.name} <code>{shortId(run.id)}</code>
            </div>
            {output && leftOut(output) ? (
              <p className="jp-mlops-Hint">
                {formatBytes(leftOut(output))}, too large for here: open the run.
              </p>
            ) : output ? (
              <Rich rendermime={rendermime} data={bundleOf(output)} />
            ) : (
              <p className="jp-mlops-Hint">None.</p>
            )}
          </div>
        );
      })}
    </div>
  );
}
