import React from 'react';
import { Field, ModelVersion } from '../../api/types';
import { Section } from '../../ui/page';

/** What a version takes and gives. */
export function SignatureSection(props: { version: ModelVersion }): JSX.Element | null {
  const { signature, example_name: example } = props.version;
  if (!signature) {
    return null;
  }
  return (
    <Section title="Signature">
      <div className="jp-mlops-CountGrid">
        <Fields title="Inputs" kind={signature.input_kind} fields={signature.inputs} />
        <Fields title="Outputs" kind={signature.output_kind} fields={signature.outputs} />
      </div>
      {example && (
        <p className="jp-mlops-Hint">
          An example of the input is kept with it: <code>{example}</code>
        </p>
      )}
    </Section>
  );
}

const MOST = 24;

function Fields(props: { title: string; kind: string; fields: readonly Field[] }): JSX.Element {
  const { title, kind, fields } = props;
  const named = fields.some(field => field.name);
  return (
    <table className="jp-mlops-Table jp-mlops-Signature" aria-label={title}>
      <caption>
        {title} <span className="jp-mlops-Nothing">{kind}</span>
      </caption>
      <tbody>
        {fields.length === 0 && (
          <tr>
            <td className="jp-mlops-Nothing">not known</td>
          </tr>
        )}
        {fields.slice(0, MOST).map((field, i) => (
          <tr key={i}>
            {named && (
              <th scope="row">
                <code>{field.name || '–'}</code>
              </th>
            )}
            <td>{field.dtype || 'any type'}</td>
            <td>{field.shape && shapeInWords(field.shape)}</td>
          </tr>
        ))}
        {fields.length > MOST && (
          <tr>
            <td className="jp-mlops-Nothing" colSpan={3}>
              and {fields.length - MOST} more
            </td>
          </tr>
        )}
      </tbody>
    </table>
  );
}

/** `rows × 64`. */
function shapeInWords(shape: readonly (number | null)[]): string {
  return shape.map((size, i) => (size === null ? (i === 0 ? 'rows' : 'any') : size)).join(' × ');
}
