import React from 'react';
import { EditableText, TagEditor } from './editable';
import { KeyValues } from './page';

export interface SaidEdit {
  description?: string;
  owner?: string;
  licence?: string;
  tags?: Record<string, string | null>;
}

/** What people say of a name or of a version; each part is a field when pressed. */
export function DetailsEditor(props: {
  /** What it is of, as labels say it: `dataset digits`. */
  of: string;
  description: string;
  tags: Record<string, string>;
  /** Undefined for what has none: a version. */
  owner?: string;
  licence?: string;
  refused: string;
  onSave: (edit: SaidEdit) => void;
}): JSX.Element {
  const { of, owner, licence, refused, onSave } = props;
  return (
    <div className="jp-mlops-Said">
      <EditableText
        long
        label={`description of ${of}`}
        value={props.description}
        placeholder="Describe it…"
        refused={refused}
        onSave={description => onSave({ description })}
      />
      <TagEditor tags={props.tags} refused={refused} onChange={tags => onSave({ tags })} />
      {owner !== undefined && licence !== undefined && (
        <KeyValues
          label={`About ${of}`}
          items={[
            [
              'owner',
              <EditableText
                key="owner"
                label={`owner of ${of}`}
                value={owner}
                placeholder="nobody named"
                refused={refused}
                onSave={text => onSave({ owner: text })}
              />
            ],
            [
              'licence',
              <EditableText
                key="licence"
                label={`licence of ${of}`}
                value={licence}
                placeholder="none named"
                refused={refused}
                onSave={text => onSave({ licence: text })}
              />
            ]
          ]}
        />
      )}
    </div>
  );
}
