import React from 'react';

/** The head of a main-area page: what it is, then what can be done with it. */
export function PageHeader(props: {
  icon: React.ReactNode;
  title: string;
  subtitle: React.ReactNode;
  children?: React.ReactNode;
}): JSX.Element {
  return (
    <header className="jp-mlops-Header">
      <div className="jp-mlops-Header-icon">{props.icon}</div>
      <div className="jp-mlops-Header-text">
        <h1>{props.title}</h1>
        <div className="jp-mlops-Header-subtitle">{props.subtitle}</div>
      </div>
      <div className="jp-mlops-Header-actions">{props.children}</div>
    </header>
  );
}

/** Facts in a row, with dots between them; nothing for those that are missing. */
export function Facts(props: { items: React.ReactNode[] }): JSX.Element {
  return (
    <>
      {props.items
        .filter(item => item !== null && item !== undefined && item !== '' && item !== false)
        .map((item, i) => (
          <span className="jp-mlops-Fact" key={i}>
            {item}
          </span>
        ))}
    </>
  );
}

/** A titled part of a page that can be folded. */
export function Section(props: {
  title: string;
  count?: number;
  folded?: boolean;
  /** A word or a badge after the title. */
  note?: React.ReactNode;
  onToggle?: (open: boolean) => void;
  children: React.ReactNode;
}): JSX.Element {
  return (
    <details
      className="jp-mlops-Section"
      open={!props.folded}
      onToggle={event => {
        if (event.target === event.currentTarget) {
          props.onToggle?.(event.currentTarget.open);
        }
      }}
    >
      <summary>
        <h2>{props.title}</h2>
        {props.count !== undefined && <span className="jp-mlops-Count">{props.count}</span>}
        {props.note && <span className="jp-mlops-Note">{props.note}</span>}
      </summary>
      <div className="jp-mlops-Section-body">{props.children}</div>
    </details>
  );
}

/** Names and their values, as a table that screen readers can walk. */
export function KeyValues(props: {
  label: string;
  items: readonly (readonly [string, React.ReactNode])[];
}): JSX.Element {
  return (
    <table className="jp-mlops-KeyValues" aria-label={props.label}>
      <tbody>
        {props.items.map(([key, value]) => (
          <tr key={key}>
            <th scope="row">{key}</th>
            <td>{value}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

/** Something to unfold whose content is asked for only then. */
export function Fold(props: {
  title: React.ReactNode;
  onOpen?: () => void;
  children: React.ReactNode;
}): JSX.Element {
  const [open, setOpen] = React.useState(false);
  return (
    <details
      className="jp-mlops-Fold"
      onToggle={event => {
        if (event.target === event.currentTarget) {
          setOpen(event.currentTarget.open);
          if (event.currentTarget.open) {
            props.onOpen?.();
          }
        }
      }}
    >
      <summary>{props.title}</summary>
      {open && props.children}
    </details>
  );
}

/** A button that looks like a link of JupyterLab. */
export function LinkButton(props: {
  onClick: () => void;
  title?: string;
  /** What screen readers say, where the text is too short. */
  label?: string;
  children: React.ReactNode;
}): JSX.Element {
  return (
    <button
      className="jp-mlops-Link"
      title={props.title}
      aria-label={props.label}
      onClick={props.onClick}
    >
      {props.children}
    </button>
  );
}

export function Button(props: {
  onClick: () => void;
  title?: string;
  warn?: boolean;
  /** The one that goes on with what the page is about. */
  main?: boolean;
  disabled?: boolean;
  children: React.ReactNode;
}): JSX.Element {
  const kind = props.warn ? ' jp-mod-warn' : props.main ? ' jp-mod-main' : '';
  return (
    <button
      className={`jp-mlops-Button${kind}`}
      title={props.title}
      disabled={props.disabled}
      onClick={props.onClick}
    >
      {props.children}
    </button>
  );
}

/** A command to type, which is copied when its button is pressed. */
export function CopyCommand(props: { label: string; command: string }): JSX.Element {
  const [copied, setCopied] = React.useState(false);
  const copy = () => {
    void navigator.clipboard?.writeText(props.command).then(() => setCopied(true));
  };
  return (
    <div className="jp-mlops-Command">
      <code>{props.command}</code>
      <button
        className="jp-mlops-Button"
        aria-label={`Copy ${props.label}`}
        onClick={copy}
        onBlur={() => setCopied(false)}
      >
        {copied ? 'Copied' : 'Copy'}
      </button>
      <span role="status" className="jp-mlops-Unseen">
        {copied ? `${props.label} copied` : ''}
      </span>
    </div>
  );
}

/** An id's end, which copies the whole when pressed. */
export function CopyId(props: { id: string }): JSX.Element {
  const [copied, setCopied] = React.useState(false);
  const copy = () => {
    void navigator.clipboard?.writeText(props.id).then(() => setCopied(true));
  };
  return (
    <button
      className="jp-mlops-Id"
      title={`Copy ${props.id}`}
      onClick={copy}
      onBlur={() => setCopied(false)}
    >
      {copied ? 'copied' : props.id.slice(-6)}
    </button>
  );
}
