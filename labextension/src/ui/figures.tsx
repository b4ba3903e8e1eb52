import { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import React from 'react';
import { FigureRow, FigureTable, Output } from '../api/types';
import { colorVariable } from './chart';
import { formatBytes, shortId } from './format';
import { bundleOf } from './outputs';
import { Rich } from './rich';

export interface FigureRowsProps {
  figures: FigureTable;
  rendermime: IRenderMimeRegistry;
  /** Runs that are not shown. */
  hidden?: ReadonlySet<string>;
  /** A run's place in the order, by which it has its colour. */
  placeOf: (run: string) => number;
}

/** The figures of runs: each name a row, each run a column. */
export function FigureRows(props: FigureRowsProps): JSX.Element {
  return (
    <>
      {props.figures.rows.map(row => (
        <figure key={row.name} className="jp-mlops-Figures" aria-label={row.name}>
          <figcaption>{row.name}</figcaption>
          <Row {...props} row={row} />
        </figure>
      ))}
    </>
  );
}

function leftOut(output: Output): number | undefined {
  return output.metadata['left_out_bytes'] as number | undefined;
}

function Row(props: FigureRowsProps & { row: FigureRow }): JSX.Element {
  const { row, figures, hidden, placeOf, rendermime } = props;
  return (
    <div className="jp-mlops-Figures-row">
      {figures.runs.map((run, i) => {
        const output = row.outputs[i];
        return hidden?.has(run.id) ? null : (
          <div key={run.id}>
            <div className="jp-mlops-Figures-run">
              <i
                className="jp-mlops-Swatch"
                style={{ background: `var(${colorVariable(placeOf(run.id))})` }}
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
