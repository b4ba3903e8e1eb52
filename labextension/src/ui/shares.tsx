import React from 'react';
import { formatBytes } from './format';
import { Section } from './page';

/** A share of a whole, as a bar beside its number. */
export function ShareBar(props: { share: number; warn?: boolean }): JSX.Element {
  const percent = Math.max(0, Math.min(1, props.share)) * 100;
  return (
    <span className={`jp-mlops-Share${props.warn ? ' jp-mod-warn' : ''}`} aria-hidden="true">
      <span style={{ width: `${percent}%` }} />
    </span>
  );
}

/** `0%`, `< 0.1%`, `3.4%`, `57%`. */
export function formatShare(share: number): string {
  const percent = 100 * share;
  if (percent > 0 && percent < 0.1) {
    return '< 0.1%';
  }
  return `${percent < 10 ? Number(percent.toFixed(1)) : Math.round(percent)}%`;
}

/** How often each of some values is there, the most frequent first; long lists are cut. */
export function Counts(props: {
  title: string;
  counts: Record<string, number>;
  most?: number;
  bytes?: boolean;
}): JSX.Element | null {
  const { title, counts, most = 12, bytes } = props;
  const sorted = Object.entries(counts).sort(([, a], [, b]) => b - a);
  const greatest = Math.max(1, ...Object.values(counts));
  if (sorted.length === 0) {
    return null;
  }
  return (
    <table className="jp-mlops-CountTable" aria-label={title}>
      <caption>{title}</caption>
      <tbody>
        {sorted.slice(0, most).map(([name, count]) => (
          <tr key={name}>
            <th scope="row" title={name}>
              {name || '(empty)'}
            </th>
            <td>
              <ShareBar share={count / greatest} />
            </td>
            <td>{bytes ? formatBytes(count) : count.toLocaleString('en')}</td>
          </tr>
        ))}
        {sorted.length > most && (
          <tr>
            <td colSpan={3} className="jp-mlops-Nothing">
              and {sorted.length - most} more
            </td>
          </tr>
        )}
      </tbody>
    </table>
  );
}

/** A list of names in a fold. */
export function NameList(props: { title: string; names: readonly string[] }): JSX.Element | null {
  return props.names.length === 0 ? null : (
    <Section title={props.title} count={props.names.length} folded>
      <ul className="jp-mlops-Names">
        {props.names.map(name => (
          <li key={name}>
            <code>{name}</code>
          </li>
        ))}
      </ul>
    </Section>
  );
}
