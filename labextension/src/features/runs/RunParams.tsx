import React from 'react';
import { RunDetail } from '../../api/types';
import { formatValue } from '../../ui/format';
import { KeyValues, Section } from '../../ui/page';

/** Where a param came from: a word beside it and what that means. */
const ORIGINS: Record<string, [string, string]> = {
  literal: ['', 'assigned in the cell'],
  read: ['read', 'read from a name that an earlier cell had assigned'],
  object: ['object', 'an argument of an estimator or a config that the cell built'],
  flag: ['-p', 'given with -p'],
  parameters: ['parameter', 'a parameter of the notebook or the job'],
  logged: ['logged', 'logged with log_params']
};

export function RunParams(props: { detail: RunDetail }): JSX.Element {
  const { run, params_from: origins } = props.detail;
  const items = Object.entries(run.params);
  return (
    <Section title="Params" count={items.length}>
      {items.length === 0 ? (
        <p className="jp-mlops-Hint">
          None. Literals that the cell assigns and <code>-p NAME=VALUE</code> are recorded.
        </p>
      ) : (
        <KeyValues
          label="Params"
          items={items.map(([key, value]) => [
            key,
            <React.Fragment key={key}>
              {formatValue(value)}
              <Origin of={origins[key]} />
            </React.Fragment>
          ])}
        />
      )}
    </Section>
  );
}

function Origin(props: { of: string | undefined }): JSX.Element | null {
  const [word, meaning] = ORIGINS[props.of ?? ''] ?? [props.of, props.of];
  return word ? (
    <span className="jp-mlops-Origin" title={meaning}>
      {word}
    </span>
  ) : null;
}
