import React from 'react';
import { AuditEntry, Gate, Node } from '../../api/types';
import {
  counted,
  formatBytes,
  formatDuration,
  formatTime,
  formatValue,
  shortId
} from '../../ui/format';
import { gateInWords } from '../../ui/gates';
import { historyIcon } from '../../ui/icons';
import { Button, Facts, LinkButton, PageHeader } from '../../ui/page';
import { useModel } from '../../ui/signals';
import { EmptyState, Loaded } from '../../ui/states';
import { AuditModel } from './model';

/** What has a page of its own. */
const OPENS = new Set(['dataset', 'model', 'view', 'run', 'job', 'sweep']);
/** What is said first of a decision, before the rest of its details. */
const FIRST = ['alias', 'from', 'to', 'why', 'reason'];

export interface AuditPageProps {
  model: AuditModel;
  onOpen: (node: Node) => void;
}

/** The trail of decisions. */
export function AuditPage(props: AuditPageProps): JSX.Element {
  const { model } = props;
  useModel(model);
  return (
    <div className="jp-mlops-Page">
      <PageHeader
        icon={<historyIcon.react tag="span" />}
        title={model.subject ? `History of ${model.subject.replace(':', ' ')}` : 'Audit trail'}
        subtitle={
          model.data && (
            <Facts
              items={[
                `${counted(model.data.length, 'decision')}${model.hasMore ? ' and more' : ''}`,
                'newest first'
              ]}
            />
          )
        }
      />
      <Subject key={model.subject} model={model} />
      <Loaded of={model}>
        {entries =>
          entries.length === 0 ? (
            <EmptyState title="No decision yet" />
          ) : (
            <Entries {...props} entries={entries} />
          )
        }
      </Loaded>
      {model.hasMore && (
        <p>
          <Button disabled={model.loading} onClick={() => void model.more()}>
            Show older decisions
          </Button>
        </p>
      )}
    </div>
  );
}

function Subject(props: { model: AuditModel }): JSX.Element {
  const { model } = props;
  const [draft, setDraft] = React.useState(model.subject);
  const look = (event: React.FormEvent) => {
    event.preventDefault();
    void model.lookAt(draft);
  };
  return (
    <form className="jp-mlops-AuditFilter" onSubmit={look} role="search">
      <input
        type="text"
        className="jp-mlops-Field"
        aria-label="Subject"
        placeholder="all, or a subject: model:digits, dataset:train@2, job:…"
        value={draft}
        onChange={event => setDraft(event.target.value)}
      />
      <button type="submit" className="jp-mlops-Button">
        Show
      </button>
      {model.subject && (
        <button type="button" className="jp-mlops-Button" onClick={() => void model.lookAt('')}>
          Show all
        </button>
      )}
    </form>
  );
}

function Entries(props: AuditPageProps & { entries: readonly AuditEntry[] }): JSX.Element {
  return (
    <div className="jp-mlops-Scroll">
      <table className="jp-mlops-Table jp-mlops-Audit" aria-label="Decisions">
        <thead>
          <tr>
            {['number', 'when', 'who', 'what', 'of', 'details'].map(title => (
              <th key={title} scope="col">
                {title}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {props.entries.map(entry => (
            <tr key={entry.seq} className={/refuse/.test(entry.action) ? 'jp-mod-refused' : ''}>
              <td title={entry.hash}>{entry.seq}</td>
              <td className="jp-mlops-Unbroken">{formatTime(entry.time)}</td>
              <td>{entry.user}</td>
              <th scope="row">{entry.action}</th>
              <td>
                <SubjectLink subject={entry.subject} onOpen={props.onOpen} />
              </td>
              <td>{inWords(entry.detail)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function SubjectLink(props: { subject: string; onOpen: (node: Node) => void }): JSX.Element {
  const { subject, onOpen } = props;
  const kind = subject.slice(0, subject.indexOf(':'));
  if (!OPENS.has(kind)) {
    return <>{subject}</>;
  }
  return (
    <LinkButton onClick={() => onOpen({ id: subject, kind, label: subject, status: '' })}>
      {subject}
    </LinkButton>
  );
}

/** A decision's details on one line: what matters to people first. */
export function inWords(detail: Record<string, unknown>): string {
  const { from, to, ...others } = detail;
  const rest = Object.entries(others)
    .filter(([, value]) => saysSomething(value))
    .sort(([a], [b]) => rank(a) - rank(b))
    .map(fact);
  const moved =
    'from' in detail || 'to' in detail ? [shortened(`${place(from)} → ${place(to)}`)] : [];
  return [...moved, ...rest].join(' · ');
}

/** A detail with its name; one that ends in a unit or in `_id` as people read that. */
function fact([name, value]: [string, unknown]): string {
  if (typeof value === 'number' && name.endsWith('_bytes')) {
    return `${name.slice(0, -'_bytes'.length)} ${formatBytes(value)}`;
  }
  if (typeof value === 'number' && name.endsWith('_s')) {
    return `${name.slice(0, -'_s'.length)} ${formatDuration(value)}`;
  }
  if (typeof value === 'string' && name.endsWith('_id')) {
    return `${name.slice(0, -'_id'.length)} ${shortId(value)}`;
  }
  return `${name} ${shortened(brief(value))}`;
}

function saysSomething(value: unknown): boolean {
  return typeof value === 'object' && value !== null
    ? Object.keys(value).length > 0
    : value !== null && value !== '';
}

function rank(name: string): number {
  const place = FIRST.indexOf(name);
  return place === -1 ? FIRST.length : place;
}

/** Of an alias: the version that it was or is at. */
function place(value: unknown): string {
  return typeof value === 'number' ? `v${value}` : brief(value);
}

const DIGEST = /^[0-9a-f]{64}$/;

/** Any value: of what has many fields, those that say something. */
function brief(value: unknown): string {
  if (Array.isArray(value)) {
    return value.length ? value.map(brief).join('; ') : 'none';
  }
  if (typeof value === 'object' && value !== null) {
    return briefObject(value as Record<string, unknown>);
  }
  const text = formatValue(value);
  return text === '' || value === null ? 'none' : DIGEST.test(text) ? `${text.slice(0, 8)}…` : text;
}

function briefObject(value: Record<string, unknown>): string {
  if ('from' in value && 'to' in value) {
    return `${brief(value['from'])} → ${brief(value['to'])}`;
  }
  if ('approvals' in value && 'lower_is_better' in value) {
    return gateInWords(value as unknown as Gate);
  }
  const said = Object.entries(value).filter(([, each]) => saysSomething(each));
  return said.length ? said.map(([name, each]) => `${name}=${brief(each)}`).join(', ') : 'none';
}

function shortened(text: string): string {
  return text.length > 300 ? `${text.slice(0, 298)}…` : text;
}
