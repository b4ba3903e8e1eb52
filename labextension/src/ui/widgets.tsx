import { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import React from 'react';
import { Output } from '../api/types';
import { Rich } from './rich';

export const WIDGET_VIEW = 'application/vnd.jupyter.widget-view+json';
const REFERENCE = 'IPY_MODEL_';
/** Widgets that hold each other are drawn this deep. */
const DEEPEST = 12;

/** By model id, as nbformat's `metadata.widgets` has them. */
export type WidgetStates = Record<
  string,
  { model_name: string; state: Record<string, unknown> } | undefined
>;

interface WidgetProps {
  id: string;
  states: WidgetStates;
  rendermime: IRenderMimeRegistry;
  outputs: (outputs: Output[]) => JSX.Element;
  otherwise: JSX.Element;
  depth?: number;
}

/**
 * The last state of a widget, as a picture of it: JupyterLab's widget manager needs the kernel, which is gone.
 *
 * Progress bars, texts, boxes and Output widgets are drawn; other controls tell their value.
 */
export function StaticWidget(props: WidgetProps): JSX.Element {
  const { states, id, depth = 0 } = props;
  const model = states[id];
  if (!model || depth > DEEPEST) {
    return props.otherwise;
  }
  const { model_name: name, state } = model;
  if (Array.isArray(state['children'])) {
    return <Box {...props} name={name} state={state} />;
  }
  if (/Progress(Style)?Model$/.test(name)) {
    return <Bar state={state} />;
  }
  if (/^(HTML|HTMLMath)Model$/.test(name)) {
    return (
      <Described state={state}>
        <Rich rendermime={props.rendermime} data={{ 'text/html': text(state['value']) || ' ' }} />
      </Described>
    );
  }
  if (name === 'OutputModel') {
    return props.outputs(outputsOf(state['outputs']));
  }
  if (name === 'ButtonModel') {
    return <span className="jp-mlops-Widget-value">[{text(state['description'])}]</span>;
  }
  if ('value' in state || 'index' in state) {
    return (
      <Described state={state}>
        <span className="jp-mlops-Widget-value">{valueOf(state)}</span>
      </Described>
    );
  }
  return depth ? (
    <span className="jp-mlops-Hint">[{name.replace(/Model$/, '')}]</span>
  ) : (
    props.otherwise
  );
}

function Box(props: WidgetProps & { name: string; state: Record<string, unknown> }): JSX.Element {
  const { name, state, depth = 0 } = props;
  const titles = Array.isArray(state['titles']) ? state['titles'] : [];
  const upright = !/^HBox/.test(name);
  const nothing = <span />;
  return (
    <div className={`jp-mlops-Widget-box${upright ? ' jp-mod-upright' : ''}`}>
      {(state['children'] as unknown[]).map((child, i) => {
        const id = text(child).replace(REFERENCE, '');
        return (
          <React.Fragment key={id}>
            {titles[i] && <strong>{text(titles[i])}</strong>}
            <StaticWidget {...props} id={id} depth={depth + 1} otherwise={nothing} />
          </React.Fragment>
        );
      })}
    </div>
  );
}

function Bar(props: { state: Record<string, unknown> }): JSX.Element {
  const [value, min, max] = ['value', 'min', 'max'].map(key => Number(props.state[key] ?? 0));
  const part = max > min ? Math.min(1, Math.max(0, (value - min) / (max - min))) : 0;
  const kind = text(props.state['bar_style']);
  return (
    <Described state={props.state}>
      <div
        className={`jp-mlops-Widget-bar${kind ? ` jp-mod-${kind}` : ''}`}
        role="progressbar"
        aria-valuemin={min}
        aria-valuemax={max}
        aria-valuenow={value}
        aria-label={text(props.state['description']) || 'Progress'}
      >
        <div style={{ width: `${100 * part}%` }} />
      </div>
    </Described>
  );
}

function Described(props: {
  state: Record<string, unknown>;
  children: React.ReactNode;
}): JSX.Element {
  const description = text(props.state['description']);
  return (
    <div className="jp-mlops-Widget">
      {description && <label>{description}</label>}
      {props.children}
    </div>
  );
}

function outputsOf(value: unknown): Output[] {
  const outputs = Array.isArray(value) ? value : [];
  return outputs.map((output, position) => ({
    position,
    kind: output.output_type,
    name: output.name ?? output.ename ?? null,
    data: output.data ?? { 'text/plain': output.text ?? (output.traceback ?? []).join('\n') },
    metadata: {},
    time: 0
  }));
}

function valueOf(state: Record<string, unknown>): string {
  const labels = state['_options_labels'];
  const index = state['index'];
  if (Array.isArray(labels) && index !== undefined && index !== null) {
    return [index]
      .flat()
      .map(each => text(labels[Number(each)]))
      .join(', ');
  }
  const value = state['value'];
  if (typeof value === 'boolean') {
    return value ? '☑' : '☐';
  }
  return Array.isArray(value) ? value.map(text).join(' – ') : text(value);
}

function text(value: unknown): string {
  return value === undefined || value === null
    ? ''
    : typeof value === 'object'
      ? JSON.stringify(value)
      : String(value);
}
