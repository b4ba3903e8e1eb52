import React from 'react';
import { Part } from '../api/part';
import { Impact, Lineage } from '../api/types';
import { ImpactList } from './impact';
import { LineageGraph } from './lineage';
import { Button, Section } from './page';
import { OnOpen } from './refs';
import { ErrorBox, Loading } from './states';

/** Where a version came from, and on request all that came of it. */
export function LineageSection(props: {
  model: { lineage: Part<Lineage>; impact: Part<Impact>; askImpact: () => Promise<void> };
  version: number;
  /** On the button that asks for the impact. */
  question: string;
  onOpen: OnOpen;
}): JSX.Element {
  const { model, version, onOpen } = props;
  const { lineage, impact } = model;
  return (
    <Section title={`Lineage of version ${version}`}>
      {lineage.error && <ErrorBox error={lineage.error} retry={() => void lineage.refresh()} />}
      {lineage.data ? (
        <Graph lineage={lineage.data} onOpen={onOpen} />
      ) : (
        !lineage.error && <Loading />
      )}
      <div className="jp-mlops-Impact">
        <Button
          title="All that was made from this version, and would have to be looked at again"
          disabled={impact.loading}
          onClick={() => void model.askImpact()}
        >
          {props.question}
        </Button>
        {impact.loading && <Loading />}
        {impact.error && <ErrorBox error={impact.error} />}
        {impact.data && <ImpactList impact={impact.data} onOpen={onOpen} />}
      </div>
    </Section>
  );
}

function Graph(props: { lineage: Lineage; onOpen: OnOpen }): JSX.Element {
  return props.lineage.nodes.length > 1 ? (
    <LineageGraph {...props} />
  ) : (
    <p className="jp-mlops-Hint">No run has read or registered it.</p>
  );
}
