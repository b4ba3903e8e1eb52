import React from 'react';
import { Comparison, Difference, NumberValue } from '../../api/types';
import { change, CodeDiff, DataDifferences, Differences } from '../../ui/comparison';
import { formatNumber } from '../../ui/format';
import { Section } from '../../ui/page';

/** What differs between two runs. */
export function ComparePair(props: { comparison: Comparison }): JSX.Element {
  const { comparison } = props;
  const { params, metrics, tags, inputs, data, packages, environment, code } = comparison;
  return (
    <>
      <Metrics items={metrics} />
      <Differences title="Params" items={params} />
      <DataDifferences items={data} />
      <Differences title="Registered inputs" items={inputs} />
      <Differences title="Tags" items={tags} />
      <Differences title="Environment" items={environment} />
      <Differences title="Packages" items={packages} />
      {code.length > 0 && (
        <Section title="Code">
          <CodeDiff label="Code of the two runs" rows={code} />
        </Section>
      )}
      <Same comparison={comparison} />
    </>
  );
}

/** What needs no section, so that nobody wonders whether it was compared. */
function Same(props: { comparison: Comparison }): JSX.Element | null {
  const { params, metrics, tags, inputs, data, packages, environment, code } = props.comparison;
  const parts = { metrics, params, data: [...data, ...inputs], tags, environment, packages, code };
  const same = Object.entries(parts).filter(([, part]) => part.length === 0);
  return same.length === 0 ? null : (
    <Section title="The same in both">
      <p className="jp-mlops-Hint">{same.map(([name]) => name).join(', ')}</p>
    </Section>
  );
}

function Metrics(props: { items: readonly Difference[] }): JSX.Element {
  return (
    <Differences
      title="Metrics"
      items={props.items}
      show={value => formatNumber(value as NumberValue | null)}
      more={({ a, b }) => change(a as NumberValue | null, b as NumberValue | null)}
    />
  );
}
