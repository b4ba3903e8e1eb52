import React from 'react';
import { Decide } from './decisions';
import { Button, Section } from './page';

/** The aliases of a version: one that stands on another version moves here. Who decides gives a reason. */
export function AliasEditor(props: {
  /** Of the dataset or model. */
  name: string;
  version: number;
  /** Those that this version has. */
  here: readonly string[];
  /** All, with the versions that they are on. */
  all: Record<string, number>;
  /** Why nothing can be changed; empty where it can. */
  refused: string;
  decide: Decide;
  /** Whether the alias was moved here. */
  onMove: (alias: string, version: number, reason: string) => Promise<boolean>;
  onRemove: (alias: string, reason: string) => Promise<boolean>;
}): JSX.Element {
  const { name, version, here, all, refused, decide } = props;
  const [draft, setDraft] = React.useState('');
  const known = React.useId();
  const move = async (event: React.FormEvent) => {
    event.preventDefault();
    const alias = draft.trim();
    const holder = all[alias];
    if (!alias || refused) {
      return;
    }
    const others = Object.keys(all).join(', ');
    const reason = await decide(
      holder === undefined
        ? {
            title: 'Add alias',
            question: `Make “${alias}”, a new alias of ${name}, and point it at version ${version}?${others && ` There is ${others}.`}`,
            action: 'Add'
          }
        : {
            title: 'Move alias',
            question: `Point the alias “${alias}” of ${name} from version ${holder} at version ${version}?`,
            action: 'Move'
          }
    );
    if (reason !== null && (await props.onMove(alias, version, reason))) {
      setDraft('');
    }
  };
  const remove = async (alias: string) => {
    const reason = await decide({
      title: 'Remove alias',
      question: `Take the alias “${alias}” of ${name} away? The version stays.`,
      action: 'Remove',
      warn: true
    });
    if (reason !== null) {
      await props.onRemove(alias, reason);
    }
  };
  const elsewhere = all[draft.trim()] !== undefined && !here.includes(draft.trim());
  return (
    <Section title={`Aliases of version ${version}`} count={here.length}>
      <div className="jp-mlops-Tags">
        {here.map(alias => (
          <span className="jp-mlops-Chip" key={alias}>
            {alias}
            <button
              aria-label={`Remove alias ${alias}`}
              title={refused || `Remove alias ${alias}`}
              disabled={refused !== ''}
              onClick={() => void remove(alias)}
            >
              ×
            </button>
          </span>
        ))}
      </div>
      <form className="jp-mlops-AliasForm" onSubmit={event => void move(event)}>
        <input
          type="text"
          className="jp-mlops-Field"
          aria-label={`Alias for version ${version}`}
          placeholder="champion"
          list={known}
          value={draft}
          disabled={refused !== ''}
          title={refused || undefined}
          onChange={event => setDraft(event.target.value)}
        />
        <datalist id={known}>
          {Object.keys(all).map(alias => (
            <option key={alias} value={alias} />
          ))}
        </datalist>
        <Button
          disabled={!draft.trim() || refused !== ''}
          title={refused || undefined}
          onClick={() => undefined}
        >
          {elsewhere ? 'Move alias here' : 'Add alias'}
        </Button>
      </form>
    </Section>
  );
}
