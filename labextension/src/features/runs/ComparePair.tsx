import React from 'react';
import {
  CodeRow,
  ColumnChange,
  Comparison,
  DataDifference,
  Difference,
  NumberValue
} from '../../api/types';
import { formatBriefly, formatNumber, formatValue } from '../../ui/format';
import { Section } from '../../ui/page';

/** What differs between two runs. */
export function ComparePair(props: { comparison: Comparison }): JSX.Element {
  const { comparison } = props;
  const { params, metrics, tags, inputs, data, packages, environment, code } = comparison;
  return (
    <>
      <Metrics items={metrics} />
      <Differences title="Params" items={params} />
      <Data items={data} />
      <Differences title="Registered inputs" items={inputs} />
      <Differences title="Tags" items={tags} />
      <Differences title="Environment" items={environment} />
      <Differences title="Packages" items={packages} />
      {code.length > 0 && (
        <Section title="Code">
          <Code rows={code} />
        </Section>
      )}
      <Same comparison={comparison} />
    </>
  );
}

/** What needs no section, so that nobody wonders whether it was compared. */
function Same(props: { comparison: Comparison }): JSX.Element | null {
  const { params, metrics, tags, inputs, data, packages, environment, code } = props.comparison;
  const parts = { metrics, params, data: [...data, ...inputs], tags, environment, packages, code };
  const same = Object.entries(parts).filter(([, part]) => part.length === 0);
  return same.length === 0 ? null : (
    <Section title="The same in both">
      <p className="jp-mlops-Hint">{same.map(([name]) => name).join(', ')}</p>
    </Section>
  );
}

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

function Metrics(props: { items: readonly Difference[] }): JSX.Element {
  return (
    <Differences
      title="Metrics"
      items={props.items}
      show={value => formatNumber(value as NumberValue | null)}
      more={({ a, b }) => change(a as NumberValue | null, b as NumberValue | null)}
    />
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

function Differences(props: {
  title: string;
  items: readonly Difference[];
  show?: (value: unknown) => string;
  more?: (item: Difference) => string;
}): JSX.Element | null {
  const { title, items, show = formatBriefly, more } = props;
  if (items.length === 0) {
    return null;
  }
  const cell = (value: unknown) =>
    value === null ? <Nothing /> : <span title={formatValue(value)}>{show(value)}</span>;
  return (
    <Section title={title} count={items.length} folded={items.length > 30}>
      <table className="jp-mlops-Table jp-mlops-Compare" aria-label={title}>
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
function Data(props: { items: readonly DataDifference[] }): JSX.Element | null {
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

function Code(props: { rows: readonly CodeRow[] }): JSX.Element {
  return (
    <div className="jp-mlops-Diff">
      <table aria-label="Code of the two runs">
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
      <td className={state} aria-label={same ? undefined : `${sign} line ${line}`}>
        {line}
      </td>
      <td className={state}>
        <code>{text || ' '}</code>
      </td>
    </>
  );
}
