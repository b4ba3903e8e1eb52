import React from 'react';
import { ColumnDrift, DatasetDiff, FileDiff, RowDiff } from '../api/types';
import { change } from './comparison';
import {
  counted,
  formatBriefly,
  formatBytes,
  formatMoment,
  formatNumber,
  formatValue
} from './format';
import { range, TwoHistograms } from './histogram';
import { DriftChip } from './marks';
import { Facts } from './page';
import { formatShare, NameList } from './shares';

const PSI =
  'Population stability index: how far the shares of the bins have moved (0 is not at all; ' +
  'by custom, up to 0.1 is stable, up to 0.25 moderate)';
const KS =
  'Two-sample Kolmogorov–Smirnov statistic: the largest distance of the two distribution functions ' +
  '(0 to 1), and its asymptotic p-value; where that is below 0.01, 4 KS² is judged as PSI is, and the ' +
  'larger of both decides';
/** Large drift first. */
const RANK: Record<string, number> = { large: 0, moderate: 1, stable: 2 };

/** What differs between two versions of a dataset. */
export function DatasetDiffView(props: { diff: DatasetDiff }): JSX.Element {
  const { diff } = props;
  if (diff.same) {
    return <p className="jp-mlops-Hint">The contents are the same.</p>;
  }
  return (
    <div className="jp-mlops-DataDiff">
      <p className="jp-mlops-Facts">
        <Facts items={sizes(diff)} />
      </p>
      <SchemaChanges diff={diff} />
      {diff.drift.length > 0 && <DriftTable diff={diff} />}
      {diff.rows && <Rows rows={diff.rows} />}
      {diff.files && <Files files={diff.files} />}
      {diff.notes.map(note => (
        <p className="jp-mlops-Hint" key={note}>
          {note}
        </p>
      ))}
    </div>
  );
}

function sizes(diff: DatasetDiff): React.ReactNode[] {
  const { rows_before: a, rows_after: b } = diff;
  const delta = change(a, b);
  return [
    a !== null &&
      b !== null &&
      `${a.toLocaleString('en')} → ${counted(b, 'row')}${delta ? ` (${delta})` : ''}`,
    `${formatBytes(diff.bytes_before)} → ${formatBytes(diff.bytes_after)}`
  ];
}

function SchemaChanges(props: { diff: DatasetDiff }): JSX.Element {
  const { added, removed, retyped, reordered, rows_before: rows } = props.diff;
  const changes = [
    ...added.map(column => ['added', column.name, `added (${column.type})`]),
    ...removed.map(column => ['removed', column.name, `removed (${column.type})`]),
    ...retyped.map(column => ['type', column.name, `${column.before} → ${column.after}`])
  ];
  if (changes.length === 0 && !reordered) {
    return rows === null ? <></> : <p className="jp-mlops-Hint">The schema is the same.</p>;
  }
  return (
    <p aria-label="Changes of the schema" role="group">
      {changes.map(([kind, name, words]) => (
        <span key={`${kind} ${name}`} className={`jp-mlops-Column jp-mod-${kind}`}>
          <code>{name}</code> {words}
        </span>
      ))}
      {reordered && <span className="jp-mlops-Column jp-mod-type">columns in another order</span>}
    </p>
  );
}

function DriftTable(props: { diff: DatasetDiff }): JSX.Element {
  const { drift, before, after } = props.diff;
  const sorted = [...drift].sort(
    (a, b) =>
      (RANK[a.verdict] ?? 3) - (RANK[b.verdict] ?? 3) || Number(b.psi ?? -1) - Number(a.psi ?? -1)
  );
  return (
    <div className="jp-mlops-Scroll">
      <table className="jp-mlops-Table jp-mlops-DriftTable" aria-label="Drift of the columns">
        <thead>
          <tr>
            <th scope="col">column</th>
            <th scope="col">drift</th>
            <th scope="col">
              <span className="jp-mlops-DriftKey">
                <i className="jp-mod-line" /> v{before.version} <i className="jp-mod-bar" /> v
                {after.version}
              </span>
            </th>
            <th scope="col" title={PSI}>
              PSI
            </th>
            <th scope="col" title={KS}>
              KS (p)
            </th>
            <th scope="col">mean</th>
            <th scope="col">nulls</th>
          </tr>
        </thead>
        <tbody>
          {sorted.map(column => (
            <DriftRow key={column.name} drift={column} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

function DriftRow(props: { drift: ColumnDrift }): JSX.Element {
  const { drift } = props;
  const times = drift.kind === 'time';
  const mean = (value: unknown) =>
    times ? formatMoment(value as number) : formatNumber(value as number, 4);
  return (
    <tr>
      <th scope="row" title={drift.kind}>
        <code>{drift.name}</code>
      </th>
      <td>
        <DriftChip verdict={drift.verdict} />
      </td>
      <td>
        {drift.counts_before.length > 0 && (
          <TwoHistograms
            name={drift.name}
            before={drift.counts_before}
            after={drift.counts_after}
            bin={i => (drift.values.length ? drift.values[i] : range(drift.edges, i, times))}
          />
        )}
      </td>
      <td>{formatNumber(drift.psi, 2)}</td>
      <td>
        {formatNumber(drift.ks, 2)}{' '}
        {drift.ks !== null && <span className="jp-mlops-Unbroken">({pValue(drift.ks_p)})</span>}
      </td>
      <td>{pair(drift.mean_before, drift.mean_after, mean)}</td>
      <td>{pair(drift.nulls_before, drift.nulls_after, value => formatShare(Number(value)))}</td>
    </tr>
  );
}

/** Both values, or the one that they have in common; where there is little room, below each other. */
function pair(before: unknown, after: unknown, show: (value: unknown) => string): React.ReactNode {
  if (before === null && after === null) {
    return '–';
  }
  const [a, b] = [before, after].map(value => (value === null ? '–' : show(value)));
  return a === b ? (
    a
  ) : (
    <>
      <span className="jp-mlops-Unbroken">{a}</span>{' '}
      <span className="jp-mlops-Unbroken">→ {b}</span>
    </>
  );
}

function pValue(p: ColumnDrift['ks_p']): string {
  return p === null ? '–' : Number(p) < 0.001 ? '< 0.001' : formatNumber(p, 2);
}

function Rows(props: { rows: RowDiff }): JSX.Element {
  const { rows } = props;
  const columns = Object.entries(rows.changed_columns).sort(([, a], [, b]) => b - a);
  return (
    <div role="group" aria-label="Rows by their keys">
      <p className="jp-mlops-Facts">
        <Facts
          items={[
            `rows by ${rows.keys.join(', ')}`,
            `${rows.added.toLocaleString('en')} added`,
            `${rows.removed.toLocaleString('en')} removed`,
            `${rows.changed.toLocaleString('en')} changed`,
            `${rows.unchanged.toLocaleString('en')} the same`
          ]}
        />
      </p>
      {columns.length > 0 && (
        <p className="jp-mlops-Hint">
          changed in: {columns.map(([name, count]) => `${name} (${count})`).join(', ')}
        </p>
      )}
      {rows.examples.length > 0 && (
        <div className="jp-mlops-Scroll">
          <table className="jp-mlops-Table jp-mlops-Examples" aria-label="Examples of changed rows">
            <tbody>
              {rows.examples.map((row, i) => (
                <tr key={i}>
                  <th scope="row">{row.kind}</th>
                  <td>
                    <code>{values(row.key)}</code>
                  </td>
                  <td>{row.kind === 'changed' ? changes(row.before, row.after) : ''}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </div>
  );
}

function values(key: Record<string, unknown>): string {
  return Object.entries(key)
    .map(([name, value]) => `${name}=${formatBriefly(value)}`)
    .join(', ');
}

function changes(before: Record<string, unknown>, after: Record<string, unknown>): string {
  return Object.keys({ ...before, ...after })
    .filter(name => before[name] !== after[name])
    .map(name => {
      const [a, b] = [before[name], after[name]].map(formatBriefly);
      const [old, now] = a === b ? [before[name], after[name]].map(formatValue) : [a, b];
      return `${name}: ${old} → ${now}`;
    })
    .join(', ');
}

function Files(props: { files: FileDiff }): JSX.Element {
  const { files } = props;
  return (
    <div role="group" aria-label="Files">
      <p className="jp-mlops-Facts">
        <Facts
          items={[
            `${counted(files.added, 'file')} added`,
            `${files.removed.toLocaleString('en')} removed`,
            `${files.changed.toLocaleString('en')} changed`,
            `${files.unchanged.toLocaleString('en')} the same`
          ]}
        />
      </p>
      <NameList title="Added" names={files.added_paths} />
      <NameList title="Removed" names={files.removed_paths} />
      <NameList title="Changed" names={files.changed_paths} />
    </div>
  );
}
