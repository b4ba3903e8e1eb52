import React from 'react';
import { CodeRow, ColumnChange, DataDifference, Difference, NumberValue } from '../api/types';
import { formatBriefly, formatNumber, formatValue } from './format';
import { Section } from './page';

function Row(props: {
  title: string;
  a: React.ReactNode;
  b: React.ReactNode;
  more?: React.ReactNode;
}): JSX.Element {
  return (
    <tr>
      <th scope="row">{props.title}</th>
      <td>{props.a}</td>
      <td>{props.b}</td>
      <td>{props.more}</td>
    </tr>
  );
}

/** The second less the first, with its sign; nothing where one of them is missing or not finite. */
export function change(a: NumberValue | null, b: NumberValue | null): string {
  const difference = a === null || b === null ? NaN : Number(b) - Number(a);
  if (!Number.isFinite(difference)) {
    return '';
  }
  return `${difference > 0 ? '+' : ''}${formatNumber(difference, 3).replace('-', '−')}`;
}

function Nothing(): JSX.Element {
  return <span className="jp-mlops-Nothing">–</span>;
}

/** What has two values, or is on one side only. */
export function Differences(props: {
  title: string;
  items: readonly Difference[];
  show?: (value: unknown) => string;
  more?: (item: Difference) => string;
  /** What the two are, where the page does not say it above. */
  heads?: readonly [string, string];
}): JSX.Element | null {
  const { title, items, show = formatBriefly, more, heads } = props;
  if (items.length === 0) {
    return null;
  }
  const cell = (value: unknown) =>
    value === null ? <Nothing /> : <span title={formatValue(value)}>{show(value)}</span>;
  return (
    <Section title={title} count={items.length} folded={items.length > 30}>
      <table className="jp-mlops-Table jp-mlops-Compare" aria-label={title}>
        {heads && (
          <thead>
            <tr>
              <td />
              {heads.map(head => (
                <th key={head} scope="col">
                  {head}
                </th>
              ))}
              <td />
            </tr>
          </thead>
        )}
        <tbody>
          {items.map(item => (
            <Row
              key={item.key}
              title={item.key}
              a={cell(item.a)}
              b={cell(item.b)}
              more={more?.(item)}
            />
          ))}
        </tbody>
      </table>
    </Section>
  );
}

/** Data that is not the same in both, and which of its columns changed. */
export function DataDifferences(props: { items: readonly DataDifference[] }): JSX.Element | null {
  if (props.items.length === 0) {
    return null;
  }
  return (
    <Section title="Data" count={props.items.length}>
      <table className="jp-mlops-Table jp-mlops-Compare" aria-label="Data">
        <tbody>
          {props.items.map(item => (
            <React.Fragment key={item.name}>
              <Row
                title={item.name}
                a={item.a ?? <Nothing />}
                b={item.b ?? <Nothing />}
                more={
                  change(item.rows_a, item.rows_b) && `${change(item.rows_a, item.rows_b)} rows`
                }
              />
              {(item.columns.length > 0 || item.note) && (
                <tr>
                  <td />
                  <td colSpan={3}>
                    {item.columns.map(column => (
                      <Column key={column.column} change={column} />
                    ))}
                    {item.note && <span className="jp-mlops-Hint">{item.note}</span>}
                  </td>
                </tr>
              )}
            </React.Fragment>
          ))}
        </tbody>
      </table>
    </Section>
  );
}

function Column(props: { change: ColumnChange }): JSX.Element {
  const { column, change: kind, a, b } = props.change;
  const words: Record<string, string> = {
    added: 'added',
    removed: 'removed',
    content: 'other values',
    type: `${a} → ${b}`
  };
  return (
    <span className={`jp-mlops-Column jp-mod-${kind}`}>
      <code>{column}</code> {words[kind] ?? kind}
    </span>
  );
}

/** Two codes side by side. */
export function CodeDiff(props: { label: string; rows: readonly CodeRow[] }): JSX.Element {
  return (
    <div className="jp-mlops-Diff">
      <table aria-label={props.label}>
        <colgroup>
          <col className="jp-mlops-Diff-number" />
          <col />
          <col className="jp-mlops-Diff-number" />
          <col />
        </colgroup>
        <tbody>
          {props.rows.map((row, i) =>
            row.change === 'gap' ? (
              <tr key={i} className="jp-mlops-Diff-gap">
                <td colSpan={4}>⋯ {row.a_text}</td>
              </tr>
            ) : (
              <tr key={i}>
                <Side line={row.a_line} text={row.a_text} same={row.change === 'same'} sign="−" />
                <Side line={row.b_line} text={row.b_text} same={row.change === 'same'} sign="+" />
              </tr>
            )
          )}
        </tbody>
      </table>
    </div>
  );
}

function Side(props: {
  line: number | null;
  text: string;
  same: boolean;
  sign: string;
}): JSX.Element {
  const { line, text, same, sign } = props;
  if (line === null) {
    return <td colSpan={2} className="jp-mod-missing" />;
  }
  const state = same ? undefined : sign === '+' ? 'jp-mod-added' : 'jp-mod-removed';
  return (
    <>
      <td
        className={`jp-mlops-Diff-line ${state ?? ''}`}
        aria-label={same ? undefined : `${sign} line ${line}`}
      >
        {line}
      </td>
      <td className={state}>
        <code>{text || ' '}</code>
      </td>
    </>
  );
}
