import { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import React from 'react';
import { Button, Section } from '../../ui/page';
import { Rich } from '../../ui/rich';
import { ErrorBox, Loading } from '../../ui/states';
import { ModelModel } from './model';

/** A version's card: Markdown that JupyterLab renders, sanitised, and that can be edited. */
export function CardSection(props: {
  model: ModelModel;
  version: number;
  rendermime: IRenderMimeRegistry;
}): JSX.Element {
  const { model, version, rendermime } = props;
  const { card } = model;
  const [draft, setDraft] = React.useState<string | null>(null);
  const refused = model.access.refuses('describe');
  const save = async () => {
    if (draft !== null && (await model.setCard(version, draft))) {
      setDraft(null);
    }
  };
  return (
    <Section title={`Model card of version ${version}`}>
      {card.error && <ErrorBox error={card.error} retry={() => void card.refresh()} />}
      {card.data === null && !card.error && <Loading />}
      {draft === null && card.data !== null && (
        <>
          <div className="jp-mlops-Card">
            <Rich rendermime={rendermime} data={{ 'text/markdown': card.data }} />
          </div>
          <Button
            disabled={refused !== ''}
            title={refused || undefined}
            onClick={() => setDraft(card.data)}
          >
            Edit card
          </Button>
        </>
      )}
      {draft !== null && (
        <>
          <textarea
            autoFocus
            className="jp-mlops-Field jp-mlops-CardField"
            aria-label="Model card, as Markdown"
            rows={24}
            value={draft}
            onChange={event => setDraft(event.target.value)}
          />
          <p className="jp-mlops-Hint">
            What stands between the two comments is made from the lineage: changes there are not
            kept.
          </p>
          <div className="jp-mlops-Decisions">
            <Button disabled={model.busy} onClick={() => void save()}>
              Save card
            </Button>
            <Button onClick={() => setDraft(null)}>Discard</Button>
          </div>
        </>
      )}
    </Section>
  );
}
