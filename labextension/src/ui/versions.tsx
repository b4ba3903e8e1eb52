import React from 'react';
import { VersionStatus } from '../api/types';
import { Section } from './page';

interface Version {
  version: number | null;
  status: VersionStatus;
  digest: string;
}

interface VersionsProps<V extends Version> {
  /** Titles of the `cells`, which come after the version's number. */
  columns: readonly string[];
  cells: (version: V) => React.ReactNode[];
  versions: readonly V[];
  selected: V | undefined;
  onSelect: (version: number | null) => void;
}

/** The part of a page with the versions of what it is about. */
export function VersionsSection<V extends Version>(props: VersionsProps<V>): JSX.Element {
  return (
    <Section title="Versions" count={props.versions.length}>
      <div className="jp-mlops-Scroll">
        <Versions {...props} />
      </div>
    </Section>
  );
}

/** A row for each version, one of them selected by its radio button. */
function Versions<V extends Version>(props: VersionsProps<V>): JSX.Element {
  const { columns, versions, selected, cells, onSelect } = props;
  const group = React.useId();
  return (
    <table className="jp-mlops-Table jp-mlops-Versions" aria-label="Versions">
      <thead>
        <tr>
          {['version', ...columns].map(title => (
            <th key={title} scope="col">
              {title}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {versions.map(each => (
          <tr
            key={`${each.version} ${each.digest}`}
            className={each === selected ? 'jp-mod-selected' : ''}
            onClick={() => onSelect(each.version)}
          >
            <th scope="row">
              <label>
                <input
                  type="radio"
                  name={group}
                  checked={each === selected}
                  onChange={() => onSelect(each.version)}
                />
                {each.version === null ? 'pending' : `v${each.version}`}
              </label>
            </th>
            {cells(each).map((cell, i) => (
              <td key={columns[i]} title={typeof cell === 'string' ? cell : undefined}>
                {cell}
              </td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  );
}
