import React from 'react';
import { RunDetail } from '../../api/types';
import { formatValue } from '../../ui/format';
import { KeyValues, Section } from '../../ui/page';

interface Git {
  commit?: string;
  branch?: string;
  dirty?: boolean;
}

/** What was captured of the run's surroundings: code version, Python, packages. */
export function RunContext(props: { detail: RunDetail }): JSX.Element {
  const { context, run } = props.detail;
  const { git, packages, ...rest } = context as {
    git?: Git;
    packages?: Record<string, string>;
  };
  const items: [string, React.ReactNode][] = [
    ...gitItems(git),
    ...Object.entries(rest).map(([key, value]): [string, React.ReactNode] => [
      key,
      formatValue(value)
    ])
  ];
  if (run.notebook) {
    items.unshift(['notebook', run.notebook]);
  }
  return (
    <Section title="Environment">
      {items.length === 0 ? (
        <p className="jp-mlops-Hint">Nothing captured yet.</p>
      ) : (
        <KeyValues label="Environment" items={items} />
      )}
      {packages && Object.keys(packages).length > 0 && (
        <details className="jp-mlops-Packages">
          <summary>{Object.keys(packages).length} packages</summary>
          <KeyValues label="Packages" items={Object.entries(packages)} />
        </details>
      )}
    </Section>
  );
}

function gitItems(git: Git | undefined): [string, React.ReactNode][] {
  if (!git?.commit) {
    return [];
  }
  const state = git.dirty ? ' (with uncommitted changes, kept as a patch)' : '';
  return [
    ['commit', <code key="commit" title={git.commit}>{`${git.commit.slice(0, 10)}${state}`}</code>],
    ...(git.branch ? [['branch', git.branch] as [string, React.ReactNode]] : [])
  ];
}
