import { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import React from 'react';
import { Output } from '../api/types';
import { formatBytes } from './format';
import { MimeBundle, Rich, textOf } from './rich';
import { StaticWidget, WIDGET_VIEW, WidgetStates } from './widgets';

/** Beyond as many, the middle waits for a press of a button: a page of 5,000 figures helps nobody. */
const MOST_SHOWN = 100;
/** Of them so many are the first ones. */
const FIRST_SHOWN = 30;

export interface OutputsProps {
  rendermime: IRenderMimeRegistry;
  outputs: readonly Output[];
  /** The last state of widgets, as nbformat's metadata have it. */
  widgets?: Record<string, unknown> | null;
  /** More is to come: texts are followed to their end. */
  live?: boolean;
  /** Where the whole of an output is that was too long for this page. */
  urlOf?: (output: Output) => string;
}

/** Everything that was displayed, in order. */
export function Outputs(props: OutputsProps): JSX.Element {
  const [all, setAll] = React.useState(false);
  const outputs = joinedStreams(props.outputs);
  const hidden = all ? 0 : outputs.length - MOST_SHOWN;
  const states = statesOf(props.widgets);
  const show = (output: Output) => (
    <OneOutput key={output.position} {...props} output={output} states={states} />
  );
  if (hidden <= 0) {
    return <div className="jp-mlops-Outputs">{outputs.map(show)}</div>;
  }
  return (
    <div className="jp-mlops-Outputs">
      {outputs.slice(0, FIRST_SHOWN).map(show)}
      <Divider>
        <button className="jp-mlops-Link" onClick={() => setAll(true)}>
          Show {hidden} more outputs
        </button>
      </Divider>
      {outputs.slice(hidden + FIRST_SHOWN).map(show)}
    </div>
  );
}

interface OneOutputProps extends OutputsProps {
  output: Output;
  states: WidgetStates;
}

function OneOutput(props: OneOutputProps): JSX.Element {
  const { output, rendermime, states } = props;
  const { cut, left_out_bytes: leftOut, tail } = output.metadata as Marks;
  const text = textOf(output.data['text/plain']);
  if (cut) {
    return <Divider>{cutText(output.metadata as Marks, text)}</Divider>;
  }
  if (leftOut === undefined) {
    return (
      <Frame output={output} live={props.live}>
        <Drawn rendermime={rendermime} output={output} states={states} />
      </Frame>
    );
  }
  const end: Output = { ...output, data: { 'text/plain': tail ?? '' }, metadata: {} };
  const url = props.urlOf?.(output);
  return (
    <>
      {text && (
        <Frame output={output}>
          <Drawn rendermime={rendermime} output={output} states={states} />
        </Frame>
      )}
      <Divider>
        {formatBytes(leftOut)} of this output {text ? 'left out here' : 'not shown here'}
        {url && (
          <>
            {' · '}
            <a href={url} download="">
              download all of it
            </a>
          </>
        )}
      </Divider>
      {tail && (
        <Frame output={output} live={props.live}>
          <Drawn rendermime={rendermime} output={end} states={states} />
        </Frame>
      )}
    </>
  );
}

/** A box that stays at the end of a text that grows, unless somebody has scrolled away from it. */
function Frame(props: { output: Output; live?: boolean; children: React.ReactNode }): JSX.Element {
  const { output, live } = props;
  const node = React.useRef<HTMLDivElement>(null);
  const follows = React.useRef(true);
  React.useEffect(() => {
    const box = node.current!;
    if (!live) {
      return;
    }
    const toEnd = () => {
      if (follows.current) {
        box.scrollTop = box.scrollHeight;
      }
    };
    toEnd();
    const growth = new MutationObserver(toEnd);
    growth.observe(box, { childList: true, characterData: true, subtree: true });
    return () => growth.disconnect();
  }, [live]);
  return (
    <div
      ref={node}
      className={classOf(output)}
      onScroll={({ currentTarget: box }) => {
        follows.current = box.scrollTop + box.clientHeight >= box.scrollHeight - 30;
      }}
    >
      {props.children}
    </div>
  );
}

/** How outputs say that something of them is missing: when recorded, or in this answer. */
interface Marks {
  cut?: boolean;
  dropped_bytes?: number;
  left_out_bytes?: number;
  tail?: string;
}

function cutText(marks: Marks, text: string): string {
  if (marks.dropped_bytes) {
    return `${formatBytes(marks.dropped_bytes)} were not kept: the run reached its limit for outputs`;
  }
  return text.replace(/[[\]\n]/g, '').trim() || 'not all was kept: the run reached its limit';
}

function Divider(props: { children: React.ReactNode }): JSX.Element {
  return (
    <div className="jp-mlops-Cut" role="note">
      <span>{props.children}</span>
    </div>
  );
}

function Drawn(props: {
  rendermime: IRenderMimeRegistry;
  output: Output;
  states: WidgetStates;
}): JSX.Element {
  const { output, rendermime, states } = props;
  const view = output.data[WIDGET_VIEW] as { model_id?: string } | undefined;
  const data = view ? withoutView(output.data) : bundleOf(output);
  const fallback = <Rich rendermime={rendermime} data={data} />;
  if (!view?.model_id || !states[view.model_id]) {
    return fallback;
  }
  return (
    <StaticWidget
      id={view.model_id}
      states={states}
      rendermime={rendermime}
      outputs={outputs => <Outputs rendermime={rendermime} outputs={outputs} />}
      otherwise={fallback}
    />
  );
}

/** What can be drawn without the widget: JupyterLab's own renderer of it would wait for a kernel. */
function withoutView(data: MimeBundle): MimeBundle {
  return Object.fromEntries(Object.entries(data).filter(([mime]) => mime !== WIDGET_VIEW));
}

function statesOf(widgets: Record<string, unknown> | null | undefined): WidgetStates {
  const content = (widgets?.['application/vnd.jupyter.widget-state+json'] ?? widgets) as
    { state?: WidgetStates } | null | undefined;
  return content?.state ?? {};
}

/** What to render for an output: streams and errors have MIME types of JupyterLab's own. */
export function bundleOf(output: Output): MimeBundle {
  const text = textOf(output.data['text/plain']);
  if (output.kind === 'stream') {
    const stream = output.name === 'stderr' ? 'stderr' : 'stdout';
    return { [`application/vnd.jupyter.${stream}`]: text };
  }
  return output.kind === 'error' ? { 'application/vnd.jupyter.stderr': text } : output.data;
}

/** Neighbouring parts of one stream are one text, as a terminal would show them. */
export function joinedStreams(outputs: readonly Output[]): Output[] {
  const joined: Output[] = [];
  const whole = (output: Output) => Object.keys(output.metadata).length === 0;
  for (const output of outputs) {
    const last = joined[joined.length - 1];
    const follows =
      output.kind === 'stream' && last?.kind === 'stream' && last.name === output.name;
    if (follows && whole(output) && whole(last)) {
      const text = textOf(last.data['text/plain']) + textOf(output.data['text/plain']);
      joined[joined.length - 1] = { ...last, data: { 'text/plain': text } };
    } else {
      joined.push(output);
    }
  }
  return joined;
}

/** Text scrolls in a box of its own, so that a long log leaves the rest of the page in reach. */
function classOf(output: Output): string {
  const isText = output.kind === 'stream' || output.kind === 'error';
  const isError = output.kind === 'error' || output.name === 'stderr';
  return `jp-mlops-Output${isText ? ' jp-mod-text' : ''}${isError ? ' jp-mod-stderr' : ''}`;
}
