import React from 'react';
import { Parameter } from '../../api/types';
import { counted } from '../../ui/format';
import { useModel } from '../../ui/signals';
import { ErrorBox, Loaded } from '../../ui/states';
import { NotebookParameters, SubmitForm as Form, SubmitModel } from './model';

/** Parameters and resources of a batch job. Everything is text in the grammar of `%submit`. */
export function SubmitForm(props: { model: SubmitModel }): JSX.Element {
  const { model } = props;
  useModel(model);
  return (
    <div className="jp-mlops-Submit">
      {model.refusal && <ErrorBox error={model.refusal} />}
      <Loaded of={model}>
        {notebook => (
          <>
            <TextField
              label="Job name"
              value={model.form.name}
              placeholder={model.path
                .split('/')
                .pop()
                ?.replace(/\.ipynb$/, '')}
              onChange={name => model.set({ name })}
            />
            <Parameters model={model} notebook={notebook} />
            <ResourceFields model={model} notebook={notebook} />
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
      {notebook.parameters.length === 0 ? (
        <p className="jp-mlops-Hint">
          This notebook has no cell tagged <code>parameters</code>, so it runs as it is. Tag a cell
          (Property Inspector, in the right sidebar) to set its values here.
        </p>
      ) : (
        <>
          {notebook.parameters.map(parameter => (
            <TextField
              key={parameter.name}
              label={parameter.name}
              hint={describe(parameter)}
              value={model.form.params[parameter.name] ?? ''}
              onChange={text => model.setParam(parameter.name, text)}
            />
          ))}
          <p className="jp-mlops-Hint">
            Several values with commas between them, such as <code>0.1, 0.01</code>, make one job
            each. Brackets or quotes keep one value together.
          </p>
        </>
      )}
    </fieldset>
  );
}

function describe(parameter: Parameter): string {
  const type = ['None', 'NoneType', ''].includes(parameter.type) ? '' : parameter.type;
  return [type, parameter.help].filter(Boolean).join(' · ');
}

function ResourceFields(props: { model: SubmitModel; notebook: NotebookParameters }): JSX.Element {
  const { model, notebook } = props;
  const field = (name: keyof Omit<Form, 'params'>, label: string, rest: object = {}) => (
    <TextField
      label={label}
      value={model.form[name]}
      onChange={text => model.set({ [name]: text })}
      {...rest}
    />
  );
  const slots = counted(notebook.gpus, notebook.virtual ? 'virtual slot' : 'GPU');
  return (
    <fieldset className="jp-mlops-Submit-resources">
      <legend>Resources</legend>
      {field('gpus', notebook.gpus ? `GPUs, of ${slots}` : 'GPUs (none here)', {
        type: 'number',
        max: notebook.gpus
      })}
      {field('cpus', 'CPUs', { type: 'number', min: 1 })}
      {field('memory', 'Memory', { placeholder: 'no limit, or 8G' })}
      {field('time', 'Time limit', { placeholder: 'none, or 2h' })}
    </fieldset>
  );
}

function TextField(props: {
  label: string;
  value: string;
  onChange: (text: string) => void;
  hint?: string;
  placeholder?: string;
  type?: string;
  min?: number;
  max?: number;
}): JSX.Element {
  const { label, hint, onChange, type = 'text', min = 0, ...field } = props;
  const id = React.useId();
  return (
    <div className="jp-mlops-Submit-field">
      <label htmlFor={id}>{label}</label>
      <input
        id={id}
        type={type}
        className="jp-mlops-Field"
        aria-describedby={hint ? `${id}-hint` : undefined}
        spellCheck={false}
        {...(type === 'number' && { min })}
        {...field}
        onChange={event => onChange(event.target.value)}
      />
      {hint && (
        <span id={`${id}-hint`} className="jp-mlops-Hint">
          {hint}
        </span>
      )}
    </div>
  );
}
