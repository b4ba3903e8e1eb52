import React from 'react';

/** A text that becomes a field when pressed. Enter keeps it (Ctrl+Enter in a long text), Escape does not. */
export function EditableText(props: {
  label: string;
  value: string;
  placeholder: string;
  long?: boolean;
  /** Why it cannot be changed; empty where it can. */
  refused?: string;
  onSave: (text: string) => void;
}): JSX.Element {
  const [draft, setDraft] = React.useState<string | null>(null);
  if (props.refused) {
    return (
      <div className="jp-mlops-Editable jp-mod-refused" title={props.refused}>
        {props.value || '–'}
      </div>
    );
  }
  if (draft === null) {
    return (
      <button
        className={`jp-mlops-Editable${props.value ? '' : ' jp-mod-empty'}`}
        aria-label={`Edit ${props.label}`}
        title={`Edit ${props.label}`}
        onClick={() => setDraft(props.value)}
      >
        {props.value || props.placeholder}
      </button>
    );
  }
  const save = () => {
    setDraft(null);
    if (draft !== props.value) {
      props.onSave(draft);
    }
  };
  const field = {
    autoFocus: true,
    'aria-label': props.label,
    className: 'jp-mlops-Field',
    value: draft,
    onBlur: save,
    onChange: (event: React.ChangeEvent<HTMLInputElement | HTMLTextAreaElement>) =>
      setDraft(event.target.value),
    onKeyDown: (event: React.KeyboardEvent) => {
      if (event.key === 'Escape') {
        setDraft(null);
      } else if (event.key === 'Enter' && (!props.long || event.ctrlKey || event.metaKey)) {
        save();
      }
    }
  };
  return props.long ? <textarea rows={4} {...field} /> : <input type="text" {...field} />;
}

/** Tags as chips that can be removed, and a field for `key=value`. */
export function TagEditor(props: {
  tags: Record<string, string>;
  /** Why they cannot be changed; empty where they can. */
  refused?: string;
  onChange: (tags: Record<string, string | null>) => void;
}): JSX.Element {
  const [draft, setDraft] = React.useState('');
  const add = (event: React.FormEvent) => {
    event.preventDefault();
    const [key, ...rest] = draft.split('=');
    if (key.trim()) {
      props.onChange({ [key.trim()]: rest.join('=').trim() });
      setDraft('');
    }
  };
  return (
    <div className="jp-mlops-Tags">
      {Object.entries(props.tags).map(([key, value]) => (
        <span className="jp-mlops-Chip" key={key}>
          {value ? `${key}=${value}` : key}
          {!props.refused && (
            <button
              aria-label={`Remove tag ${key}`}
              title={`Remove tag ${key}`}
              onClick={() => props.onChange({ [key]: null })}
            >
              ×
            </button>
          )}
        </span>
      ))}
      <form onSubmit={add}>
        <input
          className="jp-mlops-Field"
          type="text"
          aria-label="Add a tag"
          placeholder="key=value"
          value={draft}
          disabled={Boolean(props.refused)}
          title={props.refused || undefined}
          onChange={event => setDraft(event.target.value)}
        />
      </form>
    </div>
  );
}
