import { LabIcon } from '@jupyterlab/ui-components';
import React from 'react';
import { Details, VersionStatus } from '../api/types';
import { RequestError } from '../api/request';
import { counted } from './format';
import { VirtualList } from './list';
import { AliasSummary } from './marks';
import { Button, Facts, PageHeader } from './page';
import { useModel, useNow } from './signals';
import { EmptyState, Loaded } from './states';

const ROW_HEIGHT = 46;
/** With fewer names a filter takes more room than it saves. */
const FILTER_FROM = 10;

interface Name {
  name: string;
  versions: readonly { version: number | null; status: VersionStatus }[];
  aliases?: Record<string, number>;
  details: Details;
}

export interface NameListProps<T extends Name> {
  /** What they are, in the plural. */
  label: string;
  model: Parameters<typeof useModel>[0] & {
    data: T[] | null;
    error: RequestError | null;
    refresh(): Promise<unknown>;
  };
  icon: LabIcon;
  /** How the first one is made, and the words before that. */
  code: string;
  hint: string;
  /** The second line of a row: what there is to say of a name that has a version. */
  facts: (of: T, now: number) => readonly (string | null | undefined | false)[];
  onOpen: (name: string) => void;
}

/** The top of the page of a name: what it is, and the way to who decided what about it. */
export function NameHeader(props: {
  /** Its kind as subjects of decisions begin. */
  kind: 'dataset' | 'model' | 'view';
  icon: LabIcon;
  of: Name;
  /** Stand before the number of its versions. */
  facts?: readonly string[];
  /** Shows who decided what about a subject, and when. */
  onHistory: (subject: string) => void;
}): JSX.Element {
  const { of, facts = [] } = props;
  const { owner, licence } = of.details;
  return (
    <PageHeader
      icon={<props.icon.react tag="span" />}
      title={of.name}
      subtitle={
        <Facts
          items={[
            ...facts,
            counted(of.versions.length, 'version'),
            owner && `of ${owner}`,
            licence
          ]}
        />
      }
    >
      <Button onClick={() => props.onHistory(`${props.kind}:${of.name}`)}>History</Button>
    </PageHeader>
  );
}

/** A list of the sidebar: registered names, each with its newest version or where its aliases stand. */
export function NameList<T extends Name>(props: NameListProps<T>): JSX.Element {
  const { model, label } = props;
  useModel(model);
  return (
    <Loaded of={model}>
      {names =>
        names.length === 0 ? (
          <EmptyState title={`No ${label.toLowerCase()} yet`} code={props.code}>
            {props.hint}
          </EmptyState>
        ) : (
          <Filtered {...props} names={names} />
        )
      }
    </Loaded>
  );
}

function Filtered<T extends Name>(props: NameListProps<T> & { names: readonly T[] }): JSX.Element {
  const { names, label, facts, icon } = props;
  const now = useNow(30_000);
  const [words, setWords] = React.useState('');
  const shown = names.length < FILTER_FROM ? names : names.filter(each => matches(each, words));
  return (
    <div className="jp-mlops-NameList">
      {names.length >= FILTER_FROM && (
        <div className="jp-mlops-NameList-filter" role="search">
          <input
            type="search"
            className="jp-mlops-Field"
            aria-label={`Filter ${label.toLowerCase()}`}
            placeholder={`Filter ${names.length} ${label.toLowerCase()}`}
            title="By name, alias, owner, tag or description"
            value={words}
            onChange={event => setWords(event.target.value)}
          />
          <span role="status" className="jp-mlops-Unseen">
            {words.trim() && `${shown.length} of ${names.length} shown`}
          </span>
        </div>
      )}
      {shown.length === 0 ? (
        <EmptyState title={`None of the ${names.length} matches.`} />
      ) : (
        <VirtualList
          label={label}
          count={shown.length}
          rowHeight={ROW_HEIGHT}
          row={index => <Row of={shown[index]} now={now} icon={icon} facts={facts} />}
          onOpen={index => props.onOpen(shown[index].name)}
        />
      )}
    </div>
  );
}

/** Whether all the words are somewhere in what is said of a name. */
function matches(name: Name, words: string): boolean {
  const { description, owner, tags } = name.details;
  const said = [
    name.name,
    description,
    owner,
    ...Object.keys(name.aliases ?? {}),
    ...Object.entries(tags).map(([key, value]) => `${key}=${value}`)
  ];
  const text = said.join('\n').toLowerCase();
  return words
    .toLowerCase()
    .split(/\s+/)
    .every(word => text.includes(word));
}

function Row<T extends Name>(props: {
  of: T;
  now: number;
  icon: LabIcon;
  facts: NameListProps<T>['facts'];
}): JSX.Element {
  const { of, now, icon } = props;
  const newest = of.versions[0];
  const facts = newest ? props.facts(of, now).filter(Boolean).join(' · ') : 'no versions';
  return (
    <div
      className="jp-mlops-Row-body"
      title={[of.name, facts, of.details.description].filter(Boolean).join('\n')}
    >
      <icon.react tag="span" className="jp-mlops-Row-icon" />
      <div className="jp-mlops-Row-text">
        <div className="jp-mlops-Row-title">
          <span>{of.name}</span>
          <AliasSummary
            aliases={of.aliases ?? {}}
            otherwise={newest && (newest.version === null ? 'pending' : `v${newest.version}`)}
          />
        </div>
        <div className="jp-mlops-Row-details">
          <span>{facts}</span>
        </div>
      </div>
    </div>
  );
}
