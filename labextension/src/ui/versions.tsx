import React from 'react';
import { VersionStatus } from '../api/types';

interface Version {
  version: number | null;
  status: VersionStatus;
  digest: string;
}

/** The versions of a registered thing, one of them selected by its radio button. */
export function Versions<V extends Version>(props: {
  label: string;
  columns: readonly string[];
  versions: readonly V[];
  selected: V | undefined;
  cells: (version: V) => React.ReactNode[];
  onSelect: (version: number | null) => void;
}): JSX.Element {
  const { columns, versions, selected, cells, onSelect } = props;
  const group = React.useId();
  return (
    <table className="jp-mlops-Table jp-mlops-Versions" aria-label={props.label}>
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
