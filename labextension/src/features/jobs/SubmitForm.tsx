import React from 'react';
import { Parameter } from '../../api/types';
import { counted } from '../../ui/format';
import { useModel } from '../../ui/signals';
import { ErrorBox, Loaded } from '../../ui/states';
import { Field, NotebookParameters, SubmitModel } from './submitModel';

const SAMPLERS = { tpe: 'TPE', random: 'random', cmaes: 'CMA-ES', grid: 'grid' };
const PRUNERS = { '': 'none', median: 'median', hyperband: 'Hyperband' };
const DIRECTIONS = { maximize: 'maximize', minimize: 'minimize' };

/** Parameters and resources of a batch job. Everything is text in the grammar of `%submit`. */
export function SubmitForm(props: { model: SubmitModel }): JSX.Element {
  const { model } = props;
  useModel(model);
  return (
    <div className="jp-mlops-Submit">
      {model.refusal && model.refused === null && <ErrorBox error={model.refusal} />}
      <Loaded of={model}>
        {notebook => (
          <>
            <FormField
              model={model}
              name="name"
              label="Job name"
              placeholder={model.path
                .split('/')
                .pop()
                ?.replace(/\.ipynb$/, '')}
            />
            <Parameters model={model} notebook={notebook} />
            {model.searches && <Search model={model} />}
            <ResourceFields model={model} notebook={notebook} />
            <QueueFields model={model} notebook={notebook} />
          </>
        )}
      </Loaded>
    </div>
  );
}

function Parameters(props: { model: SubmitModel; notebook: NotebookParameters }): JSX.Element {
  const { model, notebook } = props;
  return (
    <fieldset>
      <legend>Parameters</legend>
      {!notebook.tagged && <Untagged model={model} />}
      {model.parameters.map(parameter => (
        <ParameterField key={parameter.name} model={model} parameter={parameter} />
      ))}
      {model.parameters.length > 0 && (
        <p className="jp-mlops-Hint">
          Values with commas between them (<code>0.1, 0.01</code>) make one job each;{' '}
          <code>loguniform(1e-5, 1e-1)</code>, <code>uniform</code>, <code>int(1, 8)</code> and{' '}
          <code>choice(a, b)</code> are searched. Brackets or quotes keep one value together.
        </p>
      )}
    </fieldset>
  );
}

/** What a notebook without a parameters cell is told, and whether one is to be written into it. */
function Untagged(props: { model: SubmitModel }): JSX.Element {
  const { model } = props;
  if (model.parameters.length === 0) {
    return (
      <p className="jp-mlops-Hint">
        This notebook has no cell tagged <code>parameters</code>, and no cell assigns a literal at
        its top level: it runs as it is.
      </p>
    );
  }
  return (
    <>
      <p className="jp-mlops-Hint">
        This notebook has no cell tagged <code>parameters</code>. These literals in its cells could
        be its parameters: a value given here takes their place in the job, not in the notebook.
      </p>
      <label className="jp-mlops-Submit-check">
        <input
          type="checkbox"
          checked={model.writes}
          onChange={event => model.setWrites(event.target.checked)}
        />
        Write a parameters cell into the notebook
      </label>
    </>
  );
}

function ParameterField(props: { model: SubmitModel; parameter: Parameter }): JSX.Element {
  const { model, parameter } = props;
  const { name } = parameter;
  return (
    <TextField
      label={name}
      hint={describe(parameter)}
      value={model.form.params[name] ?? ''}
      error={refusalOf(model, `params.${name}`)}
      onChange={text => model.setParam(name, text)}
    >
      {model.writes && (
        <input
          type="checkbox"
          aria-label={`Write ${name} into the parameters cell`}
          checked={model.chosen.includes(name)}
          disabled={model.isChanged(name)}
          onChange={event => model.choose(name, event.target.checked)}
        />
      )}
    </TextField>
  );
}

function describe(parameter: Parameter & { cell?: number }): string {
  const type = ['None', 'NoneType', 'unknown', ''].includes(parameter.type) ? '' : parameter.type;
  const cell = parameter.cell ? `cell ${parameter.cell}` : '';
  return [type, parameter.help, cell].filter(Boolean).join(' · ');
}

/** What a search needs beside its values. */
function Search(props: { model: SubmitModel }): JSX.Element {
  const { model } = props;
  return (
    <fieldset className="jp-mlops-Submit-grid">
      <legend>Search</legend>
      <FormField model={model} name="trials" label="Trials" type="number" min={1} />
      <FormField
        model={model}
        name="metric"
        label="Goal: the metric"
        placeholder="a name that log() is given"
      />
      <Choice model={model} name="direction" label="Goal: the direction" options={DIRECTIONS} />
      <Choice model={model} name="sampler" label="Sampler" options={SAMPLERS} />
      <Choice model={model} name="pruner" label="Pruner" options={PRUNERS} />
      <FormField
        model={model}
        name="parallel"
        label="Trials at once"
        type="number"
        min={1}
        placeholder="as many as fit"
      />
      <FormField model={model} name="seed" label="Seed" type="number" placeholder="none" />
    </fieldset>
  );
}

function ResourceFields(props: { model: SubmitModel; notebook: NotebookParameters }): JSX.Element {
  const { model, notebook } = props;
  const slots = counted(notebook.gpus, notebook.virtual ? 'virtual slot' : 'GPU');
  const elsewhere = model.form.executor.trim() !== 'local';
  return (
    <fieldset className="jp-mlops-Submit-grid">
      <legend>{model.searches ? 'Resources of a trial' : 'Resources'}</legend>
      <FormField
        model={model}
        name="gpus"
        label={notebook.gpus ? `GPUs, of ${slots}` : 'GPUs (none here)'}
        type="number"
        step="any"
        max={elsewhere ? undefined : notebook.gpus}
      />
      <FormField
        model={model}
        name="cpus"
        label="CPUs"
        type="number"
        min={1}
        placeholder="as past runs needed, or 1"
      />
      <FormField model={model} name="memory" label="Memory" placeholder="as past runs, or 8G" />
      <FormField model={model} name="time" label="Time limit" placeholder="none, or 2h" />
    </fieldset>
  );
}

/** Where it runs, what it follows, what is tried again; and when, for a schedule. */
function QueueFields(props: { model: SubmitModel; notebook: NotebookParameters }): JSX.Element {
  const { model, notebook } = props;
  const others = notebook.executors.filter(name => name !== 'local');
  return (
    <fieldset className="jp-mlops-Submit-grid">
      <legend>Queue and schedule</legend>
      {others.length > 0 && (
        <FormField
          model={model}
          name="executor"
          label="Runs on"
          placeholder={`local,${others[0]}`}
          options={notebook.executors}
        />
      )}
      <FormField model={model} name="retries" label="Retries" type="number" />
      <FormField model={model} name="after" label="After jobs" placeholder="none, or their ids" />
      <FormField
        model={model}
        name="cron"
        label="Schedule (cron)"
        placeholder="now, or 0 3 * * *"
      />
      {model.form.cron.trim() && (
        <FormField
          model={model}
          name="timezone"
          label="Time zone"
          placeholder={notebook.timezone}
        />
      )}
    </fieldset>
  );
}

/** What the server had against a field; the field itself shows what `-p NAME=VALUE: ` would repeat. */
function refusalOf(model: SubmitModel, field: string): string | undefined {
  if (model.refused !== field || !model.refusal) {
    return undefined;
  }
  const name = field.replace(/^params\./, '');
  const given = `-p ${name}=${(model.form.params[name] ?? '').trim()}: `;
  const { message } = model.refusal;
  return message.startsWith(given) ? message.slice(given.length) : message;
}

interface InputProps {
  placeholder?: string;
  type?: string;
  min?: number;
  max?: number;
  step?: string;
  /** What is proposed; other text may be typed. */
  options?: readonly string[];
}

function FormField(
  props: { model: SubmitModel; name: Field; label: string } & InputProps
): JSX.Element {
  const { model, name, ...rest } = props;
  return (
    <TextField
      value={model.form[name]}
      error={refusalOf(model, name)}
      onChange={text => model.set({ [name]: text })}
      {...rest}
    />
  );
}

function TextField(
  props: {
    label: string;
    value: string;
    onChange: (text: string) => void;
    hint?: string;
    error?: string;
    children?: React.ReactNode;
  } & InputProps
): JSX.Element {
  const { label, hint, error, children, onChange, options, ...input } = props;
  const { type = 'text', min = 0, ...field } = input;
  const id = React.useId();
  const described = [error && `${id}-error`, hint && `${id}-hint`].filter(Boolean).join(' ');
  return (
    <div className="jp-mlops-Submit-field">
      <label htmlFor={id}>{label}</label>
      <div className="jp-mlops-Submit-line">
        {children}
        <input
          id={id}
          type={type}
          className={`jp-mlops-Field${error ? ' jp-mod-invalid' : ''}`}
          aria-describedby={described || undefined}
          aria-invalid={error ? true : undefined}
          spellCheck={false}
          {...(type === 'number' && { min })}
          {...(options && { list: `${id}-options` })}
          {...field}
          onChange={event => onChange(event.target.value)}
        />
        {options && (
          <datalist id={`${id}-options`}>
            {options.map(option => (
              <option key={option} value={option} />
            ))}
          </datalist>
        )}
      </div>
      {error && (
        <span id={`${id}-error`} className="jp-mlops-Submit-error" role="alert">
          {error}
        </span>
      )}
      {hint && (
        <span id={`${id}-hint`} className="jp-mlops-Hint">
          {hint}
        </span>
      )}
    </div>
  );
}

function Choice(props: {
  model: SubmitModel;
  name: Field;
  label: string;
  options: Record<string, string>;
}): JSX.Element {
  const { model, name, label, options } = props;
  const id = React.useId();
  const error = refusalOf(model, name);
  return (
    <div className="jp-mlops-Submit-field">
      <label htmlFor={id}>{label}</label>
      <select
        id={id}
        className={`jp-mlops-Field${error ? ' jp-mod-invalid' : ''}`}
        aria-invalid={error ? true : undefined}
        value={model.form[name]}
        onChange={event => model.set({ [name]: event.target.value })}
      >
        {Object.entries(options).map(([value, text]) => (
          <option key={value} value={value}>
            {text}
          </option>
        ))}
      </select>
      {error && (
        <span className="jp-mlops-Submit-error" role="alert">
          {error}
        </span>
      )}
    </div>
  );
}
