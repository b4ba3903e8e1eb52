import { IRenderMime, IRenderMimeRegistry, MimeModel } from '@jupyterlab/rendermime';
import { JSONValue } from '@lumino/coreutils';
import { Widget } from '@lumino/widgets';
import React from 'react';

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

/** What grows (a log) is drawn anew in its place, so that it neither flickers nor loses its scrolling. */
function Rendered(props: { rendermime: IRenderMimeRegistry; data: MimeBundle }): JSX.Element {
  const { rendermime, data } = props;
  const node = React.useRef<HTMLDivElement>(null);
  const renderer = React.useRef<IRenderMime.IRenderer | null>(null);
  const key = JSON.stringify(data);
  const bundle = React.useMemo(() => withJoinedLines(JSON.parse(key)), [key]);
  const mime = rendermime.preferredMimeType(bundle, 'ensure');

  // layout effects: Lumino wants a widget to be disposed of before its place has left the document
  React.useLayoutEffect(() => {
    if (!mime) {
      return;
    }
    const made = rendermime.createRenderer(mime);
    Widget.attach(made, node.current!);
    renderer.current = made;
    return () => {
      renderer.current = null;
      made.dispose();
    };
  }, [rendermime, mime]);
  React.useLayoutEffect(() => {
    const present = renderer.current;
    const model = new MimeModel({ data: bundle, trusted: false });
    present?.renderModel(model).catch(reason => {
      present.node.textContent = `This output cannot be shown: ${reason}`;
    });
  }, [rendermime, mime, bundle]);
  return (
    <div ref={node} className="jp-mlops-Rich">
      {!mime && `Not shown: ${Object.keys(bundle).join(', ')}`}
    </div>
  );
}

/** nbformat allows a text to be a list of lines. */
export function textOf(value: unknown): string {
  return Array.isArray(value) ? value.join('') : typeof value === 'string' ? value : '';
}

function withJoinedLines(bundle: Record<string, JSONValue>): Record<string, JSONValue> {
  const joined = Object.entries(bundle).map(([mime, value]) => {
    const isText = /^(text|image)\//.test(mime) && Array.isArray(value);
    return [mime, isText ? textOf(value) : value];
  });
  return Object.fromEntries(joined);
}

/** Highlighted source, by default Python. */
export function Code(props: {
  rendermime: IRenderMimeRegistry;
  source: string;
  language?: string;
}): JSX.Element {
  const text = fenced(props.source, props.language);
  return (
    <div className="jp-mlops-Code">
      <Rich rendermime={props.rendermime} data={{ 'text/markdown': text }} />
    </div>
  );
}

/** A Markdown code block that no backquotes inside can end. */
export function fenced(source: string, language = 'python'): string {
  const longest = Math.max(2, ...(source.match(/`+/g) ?? []).map(ticks => ticks.length));
  const fence = '`'.repeat(longest + 1);
  return `${fence}${language}\n${source.replace(/\n$/, '')}\n${fence}`;
}
