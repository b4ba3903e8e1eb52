import React from 'react';
import { SaidEdit } from './details';
import { AliasEditor } from './aliases';
import { Decide } from './decisions';
import { DetailsEditor } from './details';
import { KeyValues, Section } from './page';
import { Details } from '../api/types';

interface Version {
  version: number | null;
  description: string;
  tags: Record<string, string>;
  aliases: readonly string[];
}

/** A fact of a version with its name; false where there is none. */
export type Fact = readonly [string, React.ReactNode] | false;

/** What people say of a registered name and of the version in view, its aliases, and its facts. */
export function NameAside(props: {
  kind: 'dataset' | 'model';
  data: { name: string; aliases: Record<string, number>; details: Details };
  version: Version;
  model: {
    access: { refuses(action: 'describe' | 'move'): string };
    describe(version: number | null, edit: SaidEdit): Promise<boolean>;
    moveAlias(alias: string, version: number, reason: string): Promise<boolean>;
    removeAlias(alias: string, reason: string): Promise<boolean>;
  };
  facts: readonly Fact[];
  decide: Decide;
  /** Between the aliases and the facts. */
  children?: React.ReactNode;
  /** Below the facts. */
  more?: React.ReactNode;
}): JSX.Element {
  const { kind, data, version, model } = props;
  const number = version.version;
  const refused = model.access.refuses('describe');
  return (
    <aside>
      <Section title="About">
        <DetailsEditor
          of={`${kind} ${data.name}`}
          {...data.details}
          refused={refused}
          onSave={edit => void model.describe(null, edit)}
        />
      </Section>
      {number !== null && (
        <AliasEditor
          name={data.name}
          version={number}
          here={version.aliases}
          all={data.aliases}
          refused={model.access.refuses('move')}
          decide={props.decide}
          onMove={(...move) => model.moveAlias(...move)}
          onRemove={(...removal) => model.removeAlias(...removal)}
        />
      )}
      {props.children}
      <Section title={`Details of version ${number ?? '(pending)'}`}>
        {number !== null && (
          <DetailsEditor
            of={`version ${number}`}
            description={version.description}
            tags={version.tags}
            refused={refused}
            onSave={edit => void model.describe(number, edit)}
          />
        )}
        <KeyValues label="Details" items={props.facts.filter(fact => fact !== false)} />
      </Section>
      {props.more}
    </aside>
  );
}
