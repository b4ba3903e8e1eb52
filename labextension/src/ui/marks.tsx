import React from 'react';

/** ✓ or ✗, with the words that screen readers say. */
export function Mark(props: { passed: boolean; label?: string }): JSX.Element {
  const { passed, label = passed ? 'passed' : 'failed' } = props;
  return (
    <span
      className={`jp-mlops-Mark ${passed ? 'jp-mod-ok' : 'jp-mod-bad'}`}
      role="img"
      aria-label={label}
      title={label}
    >
      {passed ? '✓' : '✗'}
    </span>
  );
}

/** How far values have moved; the shape tells it without its colour. */
const DRIFT_SHAPES: Record<string, string> = { stable: '≈', moderate: '△', large: '▲' };

export function DriftChip(props: { verdict: string }): JSX.Element {
  const { verdict } = props;
  return (
    <span className={`jp-mlops-Drift jp-mod-${verdict}`}>
      <span aria-hidden="true">{DRIFT_SHAPES[verdict] ?? '·'}</span> {verdict}
    </span>
  );
}

/** An alias's name. */
export function AliasChip(props: { alias: string; title?: string }): JSX.Element {
  return (
    <span className="jp-mlops-Alias" title={props.title}>
      {props.alias}
    </span>
  );
}

/** Aliases in a row. */
export function AliasChips(props: { aliases: readonly string[] }): JSX.Element {
  return (
    <>
      {props.aliases.map(alias => (
        <AliasChip key={alias} alias={alias} />
      ))}
    </>
  );
}

/** In a list: the first alias with its version, how many more there are, else something shorter. */
export function AliasSummary(props: {
  aliases: Record<string, number>;
  /** What stands there without aliases. */
  otherwise?: string;
}): JSX.Element {
  const [first, ...others] = Object.entries(props.aliases);
  const words = ([alias, version]: [string, number]) => `${alias} is version ${version}`;
  return (
    <div className="jp-mlops-Row-aliases">
      {first && <AliasChip alias={`${first[0]} v${first[1]}`} title={words(first)} />}
      {others.length > 0 && (
        <span className="jp-mlops-Version" title={others.map(words).join(', ')}>
          +{others.length}
        </span>
      )}
      {!first && props.otherwise && <span className="jp-mlops-Version">{props.otherwise}</span>}
    </div>
  );
}
