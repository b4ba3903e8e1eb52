import React from 'react';
import { Gate, GateKind } from '../../api/types';
import { gateInWords } from '../../ui/gates';
import { Button, Section } from '../../ui/page';
import { ErrorBox } from '../../ui/states';
import { ModelModel } from './model';

const KINDS: readonly (readonly [GateKind, string])[] = [
  ['metric', 'a metric is within bounds'],
  ['better', 'a metric beats the holder’s'],
  ['expectations', 'a dataset’s expectations hold'],
  ['approval', 'others approve']
];
const NEW_GATE: Gate = {
  kind: 'metric',
  metric: '',
  minimum: null,
  maximum: null,
  by: 0,
  lower_is_better: false,
  dataset: '',
  approvals: 1,
  role: 'approver'
};

/** What must hold before the reviewed alias may move. */
export function GatesEditor(props: { model: ModelModel }): JSX.Element {
  const { model } = props;
  const { alias } = model;
  const gates = model.gatesOf(alias);
  const refused = model.access.refuses('gate');
  const save = (changed: readonly Gate[], newMetrics: readonly string[] = []) =>
    model.setGates(alias, changed, newMetrics);
  const { error } = model.gates;
  if (error) {
    return (
      <Section title={`Gates of ${alias}`}>
        <ErrorBox error={error} retry={() => void model.gates.refresh()} />
      </Section>
    );
  }
  return (
    <Section title={`Gates of ${alias}`} count={gates.length}>
      {gates.length === 0 && <p className="jp-mlops-Hint">Nothing has to hold before it moves.</p>}
      <ul className="jp-mlops-Gates">
        {gates.map((gate, i) => (
          <li key={i}>
            <span>{gateInWords(gate)}</span>
            {!refused && (
              <button
                className="jp-mlops-Icon-button"
                aria-label={`Remove the gate: ${gateInWords(gate)}`}
                title="Remove this gate"
                disabled={model.busy}
                onClick={() => void save(gates.filter(each => each !== gate))}
              >
                ×
              </button>
            )}
          </li>
        ))}
      </ul>
      {refused ? (
        <p className="jp-mlops-Hint">{refused}</p>
      ) : (
        <NewGate
          key={`${alias} ${gates.length}`}
          metrics={Object.keys(model.selected?.metrics ?? {})}
          busy={model.busy}
          onAdd={(gate, isNew) => void save([...gates, gate], isNew ? [gate.metric] : [])}
        />
      )}
    </Section>
  );
}

function NewGate(props: {
  metrics: readonly string[];
  busy: boolean;
  /** Whether the user says that no version has its metric yet. */
  onAdd: (gate: Gate, isNew: boolean) => void;
}): JSX.Element {
  const [draft, setDraft] = React.useState<Gate | null>(null);
  const [isNew, setNew] = React.useState(false);
  if (draft === null) {
    return <Button onClick={() => setDraft(NEW_GATE)}>Add a gate</Button>;
  }
  const change = (part: Partial<Gate>) => setDraft({ ...draft, ...part });
  const mistake = mistakeOf(draft);
  const isUnknown = draft.metric.trim() !== '' && !props.metrics.includes(draft.metric);
  const add = (event: React.FormEvent) => {
    event.preventDefault();
    if (!mistake) {
      props.onAdd(draft, isNew && isUnknown);
      setDraft(null);
      setNew(false);
    }
  };
  return (
    <form className="jp-mlops-GateForm" aria-label="New gate" onSubmit={add}>
      <select
        aria-label="What must hold"
        value={draft.kind}
        onChange={event => setDraft({ ...NEW_GATE, kind: event.target.value as GateKind })}
      >
        {KINDS.map(([kind, words]) => (
          <option key={kind} value={kind}>
            {words}
          </option>
        ))}
      </select>
      <Fields gate={draft} metrics={props.metrics} change={change} />
      {isUnknown && (
        <label className="jp-mlops-Submit-check">
          <input type="checkbox" checked={isNew} onChange={event => setNew(event.target.checked)} />
          no version has this metric yet
        </label>
      )}
      <div className="jp-mlops-Decisions">
        <Button disabled={props.busy || mistake !== ''} title={mistake || undefined} onClick={noop}>
          Add
        </Button>
        <button type="button" className="jp-mlops-Button" onClick={() => setDraft(null)}>
          Discard
        </button>
      </div>
    </form>
  );
}

/** The form is submitted by its button, also with the Enter key. */
function noop(): void {}

/** What is missing; empty when it can be added. */
function mistakeOf(gate: Gate): string {
  if (gate.kind === 'metric' || gate.kind === 'better') {
    if (!gate.metric.trim()) {
      return 'Name a metric.';
    }
    if (gate.kind === 'metric' && gate.minimum === null && gate.maximum === null) {
      return 'Give a minimum or a maximum.';
    }
  }
  return '';
}

function Fields(props: {
  gate: Gate;
  metrics: readonly string[];
  change: (part: Partial<Gate>) => void;
}): JSX.Element {
  const { gate, metrics, change } = props;
  const known = React.useId();
  const metric = (
    <>
      <Field label="metric">
        <input
          className="jp-mlops-Field"
          type="text"
          list={known}
          value={gate.metric}
          onChange={event => change({ metric: event.target.value })}
        />
      </Field>
      <datalist id={known}>
        {metrics.map(name => (
          <option key={name} value={name} />
        ))}
      </datalist>
    </>
  );
  switch (gate.kind) {
    case 'metric':
      return (
        <>
          {metric}
          <NumberField label="at least" onChange={minimum => change({ minimum })} />
          <NumberField label="at most" onChange={maximum => change({ maximum })} />
        </>
      );
    case 'better':
      return (
        <>
          {metric}
          <NumberField label="by at least" onChange={by => change({ by: by ?? 0 })} />
          <label className="jp-mlops-Submit-check">
            <input
              type="checkbox"
              checked={gate.lower_is_better}
              onChange={event => change({ lower_is_better: event.target.checked })}
            />
            lower is better
          </label>
          <DatasetField gate={gate} placeholder="all that both read" change={change} />
        </>
      );
    case 'expectations':
      return <DatasetField gate={gate} placeholder="all that it was trained on" change={change} />;
    case 'approval':
      return (
        <>
          <NumberField
            label="approvals"
            initial="1"
            onChange={count => change({ approvals: Math.max(1, Math.round(count ?? 1)) })}
          />
          <Field label="least role">
            <select value={gate.role} onChange={event => change({ role: event.target.value })}>
              {['contributor', 'approver', 'admin'].map(role => (
                <option key={role} value={role}>
                  {role}
                </option>
              ))}
            </select>
          </Field>
        </>
      );
  }
}

function DatasetField(props: {
  gate: Gate;
  placeholder: string;
  change: (part: Partial<Gate>) => void;
}): JSX.Element {
  return (
    <Field label="dataset">
      <input
        className="jp-mlops-Field"
        type="text"
        placeholder={props.placeholder}
        value={props.gate.dataset}
        onChange={event => props.change({ dataset: event.target.value })}
      />
    </Field>
  );
}

function Field(props: { label: string; children: React.ReactNode }): JSX.Element {
  return (
    <label className="jp-mlops-GateField">
      <span>{props.label}</span>
      {props.children}
    </label>
  );
}

/** A number, or nothing. */
function NumberField(props: {
  label: string;
  initial?: string;
  onChange: (value: number | null) => void;
}): JSX.Element {
  const [text, setText] = React.useState(props.initial ?? '');
  return (
    <Field label={props.label}>
      <input
        className="jp-mlops-Field"
        type="number"
        step="any"
        value={text}
        onChange={event => {
          setText(event.target.value);
          const value = event.target.valueAsNumber;
          props.onChange(Number.isNaN(value) ? null : value);
        }}
      />
    </Field>
  );
}
