import React from 'react';
import { Gate, NumberValue, Review } from '../../api/types';
import { change, CodeDiff, Differences } from '../../ui/comparison';
import { DatasetDiffView } from '../../ui/datasetDiff';
import { FigureRows } from '../../ui/figures';
import { formatNumber } from '../../ui/format';
import { Section } from '../../ui/page';
import { Verdict, verdictOf } from './metrics';
import { ReviewProps } from './ReviewSection';

/** What would change if the alias moved: metrics, data, code, packages and figures. */
export function ReviewChanges(props: ReviewProps & { review: Review }): JSX.Element {
  const { review, rendermime } = props;
  const { comparison, figures, data, notes, packages_changed: packages } = review;
  const heads = [`v${review.holder}`, `v${review.version}`] as const;
  const runs = figures?.runs.map(run => run.id) ?? [];
  return (
    <>
      <Metrics review={review} />
      {comparison && <Differences title="Params" items={comparison.params} heads={heads} />}
      {data.length > 0 && (
        <Section title="Data" count={data.length}>
          {data.map(diff => (
            <div key={diff.after.name} className="jp-mlops-ReviewData">
              <h3>
                {diff.after.name}: version {diff.before.version} → {diff.after.version}
              </h3>
              <DatasetDiffView diff={diff} />
            </div>
          ))}
        </Section>
      )}
      {review.code.length > 0 && (
        <Section title="Code">
          <CodeDiff
            label={`Code of version ${review.holder} and of version ${review.version}`}
            rows={review.code}
          />
        </Section>
      )}
      <Packages packages={packages} heads={heads} />
      {comparison && (
        <Differences title="Environment" items={comparison.environment} heads={heads} />
      )}
      {figures && figures.rows.length > 0 && (
        <Section title="Figures" count={figures.rows.length}>
          <FigureRows figures={figures} rendermime={rendermime} placeOf={id => runs.indexOf(id)} />
        </Section>
      )}
      {notes.map(note => (
        <p className="jp-mlops-Hint" key={note}>
          {note}
        </p>
      ))}
    </>
  );
}

function Metrics(props: { review: Review }): JSX.Element | null {
  const { review } = props;
  const { metrics_before: before, metrics_after: after, holder, version } = review;
  const names = Object.keys({ ...before, ...after }).sort();
  const gates = review.gates.map(result => result.gate);
  return names.length === 0 ? null : (
    <Section title="Metrics" count={names.length}>
      <table className="jp-mlops-Table jp-mlops-Deltas" aria-label="Metrics of both versions">
        <thead>
          <tr>
            <th scope="col">metric</th>
            {holder !== null && <th scope="col">v{holder}</th>}
            <th scope="col">v{version}</th>
            {holder !== null && <th scope="col">change</th>}
          </tr>
        </thead>
        <tbody>
          {names.map(name => (
            <tr key={name}>
              <th scope="row">{name}</th>
              {holder !== null && <td>{formatNumber(before[name])}</td>}
              <td>{formatNumber(after[name])}</td>
              {holder !== null && (
                <td>
                  <Delta name={name} before={before[name]} after={after[name]} gates={gates} />
                </td>
              )}
            </tr>
          ))}
        </tbody>
      </table>
    </Section>
  );
}

const SHAPES: Record<string, string> = { better: '▲', worse: '▼', same: '=' };

function Delta(props: {
  name: string;
  before: NumberValue | undefined;
  after: NumberValue | undefined;
  gates: readonly Gate[];
}): JSX.Element {
  const { name, before, after, gates } = props;
  const verdict: Verdict = verdictOf(name, before, after, gates);
  const delta = change(before ?? null, after ?? null);
  return (
    <span className={`jp-mlops-Delta jp-mod-${verdict ?? 'unknown'}`}>
      {verdict !== 'same' && delta} {verdict && `${SHAPES[verdict]} ${verdict}`}
    </span>
  );
}

function Packages(props: {
  packages: Record<string, string[]>;
  heads: readonly [string, string];
}): JSX.Element | null {
  const items = Object.entries(props.packages).map(([key, [a, b]]) => ({
    key,
    a: a || null,
    b: b || null
  }));
  return <Differences title="Packages" items={items} heads={props.heads} />;
}
