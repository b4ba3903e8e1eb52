import { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import React from 'react';
import { FigureTable } from '../../api/types';
import { FigureRows } from '../../ui/figures';
import { Section } from '../../ui/page';
import { ComparisonModel } from './compareModel';

/** The figures of runs beside each other. */
export function CompareFigures(props: {
  figures: FigureTable;
  model: ComparisonModel;
  rendermime: IRenderMimeRegistry;
}): JSX.Element | null {
  const { figures, model, rendermime } = props;
  return figures.rows.length === 0 ? null : (
    <Section title="Figures" count={figures.rows.length}>
      <FigureRows
        figures={figures}
        rendermime={rendermime}
        hidden={model.hidden}
        placeOf={id => model.placeOf(id)}
      />
    </Section>
  );
}
