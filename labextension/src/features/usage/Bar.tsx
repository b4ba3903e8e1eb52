import React from 'react';

/** How much of the whole is used, with the idle part after it in another colour. */
export function Bar(props: { used: number; idle?: number; of: number }): JSX.Element {
  const { used, idle = 0, of } = props;
  return (
    <div className="jp-mlops-UsageBar" aria-hidden="true">
      <div style={{ width: `${(100 * used) / of}%` }} />
      <div className="jp-mod-idle" style={{ width: `${(100 * idle) / of}%` }} />
    </div>
  );
}

export function percent(part: number): string {
  return `${Math.round(100 * part)}%`;
}
