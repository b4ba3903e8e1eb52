import React from 'react';
import { Move } from '../../api/types';
import { formatAgo, formatTime } from '../../ui/format';
import { Section } from '../../ui/page';
import { useNow } from '../../ui/signals';
import { ErrorBox } from '../../ui/states';
import { ModelModel } from './model';

/** Where the reviewed alias has been, who moved it and why. */
export function AliasHistory(props: { model: ModelModel }): JSX.Element {
  const { model } = props;
  const { moves, alias } = model;
  const now = useNow(60_000);
  return (
    <Section title={`Moves of ${alias}`} count={moves.data?.length}>
      {moves.error && <ErrorBox error={moves.error} />}
      {moves.data?.length === 0 && <p className="jp-mlops-Hint">It has not been set yet.</p>}
      <ol className="jp-mlops-Moves" aria-label={`Moves of ${alias}`}>
        {moves.data?.map(move => (
          <li key={`${move.at} ${move.after}`}>
            <div>
              <strong>{inWords(move)}</strong>
              {move.rollback && <span className="jp-mlops-Note">rolled back</span>}
            </div>
            <div className="jp-mlops-Hint">
              {move.user}, <span title={formatTime(move.at)}>{formatAgo(move.at, now)}</span>
              {move.reason && `: ${move.reason}`}
            </div>
          </li>
        ))}
      </ol>
    </Section>
  );
}

function inWords(move: Move): string {
  if (move.after === null) {
    return `v${move.before} → removed`;
  }
  return move.before === null ? `→ v${move.after}` : `v${move.before} → v${move.after}`;
}
