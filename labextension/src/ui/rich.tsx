import { IRenderMimeRegistry, MimeModel } from '@jupyterlab/rendermime';
import { JSONValue } from '@lumino/coreutils';
import { Widget } from '@lumino/widgets';
import React from 'react';
import { Output } from '../api/types';

export type MimeBundle = Record<string, unknown>;

/**
 * The richest safe form of a bundle, drawn by JupyterLab's own renderers: HTML is sanitised.
 *
 * An SVG is shown as an image, in which browsers run no scripts.
 */
export function Rich(props: { rendermime: IRenderMimeRegistry; data: MimeBundle }): JSX.Element {
  const svg = textOf(props.data['image/svg+xml']);
  if (svg) {
    const address = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(svg)}`;
    return <img className="jp-mlops-Rich" alt={textOf(props.data['text/plain'])} src={address} />;
  }
  return <Rendered {...props} />;
}

function Rendered(props: { rendermime: IRenderMimeRegistry; data: MimeBundle }): JSX.Element {
  const { rendermime, data } = props;
  const node = React.useRef<HTMLDivElement>(null);
  const key = JSON.stringify(data);
  React.useEffect(() => {
    const bundle = withJoinedLines(JSON.parse(key));
    const mime = rendermime.preferredMimeType(bundle, 'ensure');
    if (!mime) {
      node.current!.textContent = `Not shown: ${Object.keys(bundle).join(', ')}`;
      return;
    }
    const renderer = rendermime.createRenderer(mime);
    Widget.attach(renderer, node.current!);
    const model = new MimeModel({ data: bundle, trusted: false });
    renderer.renderModel(model).catch(reason => {
      renderer.node.textContent = `This output cannot be shown: ${reason}`;
    });
    return () => renderer.dispose();
  }, [rendermime, key]);
  return <div ref={node} className="jp-mlops-Rich" />;
}

/** nbformat allows a text to be a list of lines. */
function textOf(value: unknown): string {
  return Array.isArray(value) ? value.join('') : typeof value === 'string' ? value : '';
}

function withJoinedLines(bundle: Record<string, JSONValue>): Record<string, JSONValue> {
  const joined = Object.entries(bundle).map(([mime, value]) => {
    const isText = /^(text|image)\//.test(mime) && Array.isArray(value);
    return [mime, isText ? textOf(value) : value];
  });
  return Object.fromEntries(joined);
}

/** Highlighted Python. */
export function Code(props: { rendermime: IRenderMimeRegistry; source: string }): JSX.Element {
  return (
    <div className="jp-mlops-Code">
      <Rich rendermime={props.rendermime} data={{ 'text/markdown': fenced(props.source) }} />
    </div>
  );
}

/** A Markdown code block that no backquotes inside can end. */
export function fenced(source: string): string {
  const longest = Math.max(2, ...(source.match(/`+/g) ?? []).map(ticks => ticks.length));
  const fence = '`'.repeat(longest + 1);
  return `${fence}python\n${source.replace(/\n$/, '')}\n${fence}`;
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
  for (const output of outputs) {
    const last = joined[joined.length - 1];
    if (output.kind === 'stream' && last?.kind === 'stream' && last.name === output.name) {
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

/** Everything that a run displayed, in order. */
export function Outputs(props: {
  rendermime: IRenderMimeRegistry;
  outputs: readonly Output[];
}): JSX.Element {
  return (
    <div className="jp-mlops-Outputs">
      {joinedStreams(props.outputs).map(output => (
        <div key={output.position} className={classOf(output)}>
          <Rich rendermime={props.rendermime} data={bundleOf(output)} />
        </div>
      ))}
    </div>
  );
}
