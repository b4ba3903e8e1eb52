import React from 'react';
import { NumberValue, RunTable, RunTableRow } from '../../api/types';
import { colorVariable } from '../../ui/chart';
import { formatBriefly, formatNumber, formatValue, shortId } from '../../ui/format';
import { Section } from '../../ui/page';
import { ComparisonModel } from './compareModel';

const TITLES: Record<string, string> = {
  metrics: 'Metrics',
  params: 'Params',
  data: 'Data',
  inputs: 'Registered inputs',
  tags: 'Tags',
  environment: 'Environment',
  packages: 'Packages'
};

/** What differs among any number of runs: a column each. */
export function CompareTable(props: { table: RunTable; model: ComparisonModel }): JSX.Element {
  const { table, model } = props;
  const kinds = Object.keys(TITLES).filter(kind => table.rows.some(row => row.kind === kind));
  return (
    <>
      {kinds.map(kind => (
        <Rows
          key={kind}
          title={TITLES[kind]}
          table={table}
          model={model}
          rows={table.rows.filter(row => row.kind === kind)}
        />
      ))}
      {kinds.length === 0 && (
        <p className="jp-mlops-Hint">Nothing that was recorded differs among these runs.</p>
      )}
    </>
  );
}

function Rows(props: {
  title: string;
  table: RunTable;
  rows: readonly RunTableRow[];
  model: ComparisonModel;
}): JSX.Element {
  const { title, table, rows, model } = props;
  return (
    <Section title={title} count={rows.length} folded={rows.length > 30}>
      <div className="jp-mlops-Many">
        <table className="jp-mlops-Table" aria-label={title}>
          <thead>
            <tr>
              <td />
              {table.runs.map((run, place) => (
                <th
                  key={run.id}
                  scope="col"
                  title={run.name}
                  className={model.focus === run.id ? 'jp-mod-focus' : ''}
                >
                  <i
                    className="jp-mlops-Swatch"
                    style={{ background: `var(${colorVariable(place)})` }}
                  />
                  <code>{shortId(run.id)}</code>
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {rows.map(row => (
              <Row key={row.key} row={row} />
            ))}
          </tbody>
        </table>
      </div>
    </Section>
  );
}

function Row(props: { row: RunTableRow }): JSX.Element {
  const { kind, key, values } = props.row;
  const best = kind === 'metrics' ? extremes(values) : null;
  return (
    <tr>
      <th scope="row">{key}</th>
      {values.map((value, i) => (
        <td key={i} title={value === null ? undefined : formatValue(value)}>
          {value === null ? (
            <span className="jp-mlops-Nothing">–</span>
          ) : kind === 'metrics' ? (
            <span className={best?.get(i)}>{formatNumber(value as NumberValue)}</span>
          ) : (
            shortened(formatBriefly(value))
          )}
        </td>
      ))}
    </tr>
  );
}

/** Which of the values are the least and the greatest; what is better, the reader knows. */
export function extremes(values: readonly unknown[]): Map<number, string> {
  const numbers = values.map(value => (value === null ? NaN : Number(value)));
  const finite = numbers.filter(Number.isFinite);
  const [least, greatest] = [Math.min(...finite), Math.max(...finite)];
  const marks = new Map<number, string>();
  if (finite.length > 1 && least !== greatest) {
    numbers.forEach((number, i) => {
      if (number === least) {
        marks.set(i, 'jp-mlops-Least');
      } else if (number === greatest) {
        marks.set(i, 'jp-mlops-Greatest');
      }
    });
  }
  return marks;
}

function shortened(text: string): string {
  return text.length > 60 ? `${text.slice(0, 58)}…` : text;
}
