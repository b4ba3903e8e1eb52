import React from 'react';
import { Comparison, Difference, Node, NumberValue, Run } from '../../api/types';
import { formatDuration, formatNumber, formatTime, formatValue, shortId } from '../../ui/format';
import { compareIcon } from '../../ui/icons';
import { LinkButton, PageHeader, Section } from '../../ui/page';
import { useModel } from '../../ui/signals';
import { Loaded } from '../../ui/states';
import { StatusBadge } from '../../ui/status';
import { DiffCell, DiffRow, sideBySide } from './diff';
import { ComparisonModel } from './model';

export interface ComparePageProps {
  model: ComparisonModel;
  onOpen: (node: Node) => void;
}

/** Two runs side by side: what differs, and nothing of what is the same. */
export function ComparePage(props: ComparePageProps): JSX.Element {
  useModel(props.model);
  return (
    <div className="jp-mlops-Page">
      <Loaded of={props.model}>
        {comparison => <Content comparison={comparison} onOpen={props.onOpen} />}
      </Loaded>
    </div>
  );
}

function Content(props: { comparison: Comparison; onOpen: (node: Node) => void }): JSX.Element {
  const { comparison, onOpen } = props;
  const { a, b, params, metrics, tags, inputs, packages } = comparison;
  const Icon = compareIcon.react;
  return (
    <>
      <PageHeader
        icon={<Icon tag={null} />}
        title={a.name === b.name ? `Two runs of ${a.name || a.kind}` : `${a.name} and ${b.name}`}
        subtitle="What differs between two runs; what is the same is left out"
      />
      <table className="jp-mlops-Table jp-mlops-Compare" aria-label="The two runs">
        <Heads a={a} b={b} onOpen={onOpen} />
        <tbody>
          <Row title="status" a={<Status run={a} />} b={<Status run={b} />} />
          <Row title="started" a={formatTime(a.started_at)} b={formatTime(b.started_at)} />
          <Row title="duration" a={formatDuration(a.duration_s)} b={formatDuration(b.duration_s)} />
        </tbody>
      </table>
      <Metrics items={metrics} />
      <Differences title="Params" items={params} />
      <Differences title="Data" items={inputs} />
      <Differences title="Tags" items={tags} />
      <Differences title="Packages" items={packages} />
      {comparison.source_diff && (
        <Section title="Code">
          <Diff rows={sideBySide(comparison.source_diff)} />
        </Section>
      )}
      <Same comparison={comparison} />
    </>
  );
}

/** What needs no section, so that nobody wonders whether it was compared. */
function Same(props: { comparison: Comparison }): JSX.Element | null {
  const { params, metrics, tags, inputs, packages, source_diff } = props.comparison;
  const parts = { metrics, params, data: inputs, tags, packages, code: source_diff };
  const same = Object.entries(parts).filter(([, part]) => part.length === 0);
  return same.length === 0 ? null : (
    <Section title="The same in both">
      <p className="jp-mlops-Hint">{same.map(([name]) => name).join(', ')}</p>
    </Section>
  );
}

function Heads(props: { a: Run; b: Run; onOpen: (node: Node) => void }): JSX.Element {
  return (
    <thead>
      <tr>
        <td />
        {[props.a, props.b].map(run => (
          <th key={run.id} scope="col">
            <LinkButton
              title="Open this run"
              onClick={() =>
                props.onOpen({ id: `run:${run.id}`, kind: 'run', label: run.name, status: '' })
              }
            >
              {run.name || run.kind} <code>{shortId(run.id)}</code>
            </LinkButton>
          </th>
        ))}
        <td />
      </tr>
    </thead>
  );
}

function Status(props: { run: Run }): JSX.Element {
  return <StatusBadge status={props.run.status} reason={props.run.status_reason} />;
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

function Differences(props: {
  title: string;
  items: readonly Difference[];
  show?: (value: unknown) => string;
  more?: (item: Difference) => string;
}): JSX.Element | null {
  const { title, items, show = formatValue, more } = props;
  if (items.length === 0) {
    return null;
  }
  const cell = (value: unknown) =>
    value === null ? <span className="jp-mlops-Nothing">–</span> : show(value);
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

function Diff(props: { rows: readonly DiffRow[] }): JSX.Element {
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
            row.gap ? (
              <tr key={i} className="jp-mlops-Diff-gap">
                <td colSpan={4}>⋯</td>
              </tr>
            ) : (
              <tr key={i}>
                <Side cell={row.a} sign="−" />
                <Side cell={row.b} sign="+" />
              </tr>
            )
          )}
        </tbody>
      </table>
    </div>
  );
}

function Side(props: { cell: DiffCell | null; sign: string }): JSX.Element {
  const { cell, sign } = props;
  if (!cell) {
    return <td colSpan={2} className="jp-mod-missing" />;
  }
  const state = cell.changed ? (sign === '+' ? 'jp-mod-added' : 'jp-mod-removed') : undefined;
  return (
    <>
      <td className={state} aria-label={cell.changed ? `${sign} line ${cell.number}` : undefined}>
        {cell.number}
      </td>
      <td className={state}>
        <code>{cell.text || ' '}</code>
      </td>
    </>
  );
}
