import React from 'react';
import { CheckReport, Expectation, ExpectationResult } from '../../api/types';
import { counted, formatAgo, formatTime, formatValue } from '../../ui/format';
import { Mark } from '../../ui/marks';
import { Button, Section } from '../../ui/page';
import { useNow } from '../../ui/signals';
import { EmptyState, ErrorBox } from '../../ui/states';
import { DatasetModel } from './model';

/** What contents must be like, and what came of looking at the version in view. */
export function ExpectationsSection(props: { model: DatasetModel; version: number }): JSX.Element {
  const { model, version } = props;
  const { report } = model;
  const { error, data } = model.expectations;
  const expectations = data ?? [];
  const refused = model.access.refuses('check');
  return (
    <Section
      title="Expectations"
      count={error ? undefined : expectations.length}
      folded={!error && expectations.length === 0}
    >
      {error ? (
        <ErrorBox error={error} retry={() => void model.expectations.refresh()} />
      ) : expectations.length === 0 ? (
        <EmptyState
          title="Nothing is expected of this dataset"
          code={`mlops.expect("${model.name}", not_null=["target"], rows=(1000, None))`}
        >
          Checks that run when it is registered and loaded:
        </EmptyState>
      ) : (
        <>
          <div className="jp-mlops-Choices">
            <Verdict report={report.data} version={version} />
            <Button
              disabled={model.checking || refused !== ''}
              title={refused || undefined}
              onClick={() => void model.check()}
            >
              {model.checking ? 'Checking…' : 'Check now'}
            </Button>
          </div>
          {report.error && <ErrorBox error={report.error} />}
          <Table expectations={expectations} report={report.data} />
        </>
      )}
    </Section>
  );
}

function Verdict(props: { report: CheckReport | null; version: number }): JSX.Element {
  const { report, version } = props;
  const now = useNow(30_000);
  if (!report) {
    return <span>Version {version} has not been checked.</span>;
  }
  const failed = report.results.filter(result => !result.passed).length;
  return (
    <span role="status" title={formatTime(report.checked_at)}>
      <Mark passed={report.passed} /> {failed ? `${counted(failed, 'check')} failed` : 'all hold'},
      checked {formatAgo(report.checked_at, now)}
    </span>
  );
}

function Table(props: {
  expectations: readonly Expectation[];
  report: CheckReport | null;
}): JSX.Element {
  const results = new Map(props.report?.results.map(result => [result.name, result]));
  return (
    <div className="jp-mlops-Scroll">
      <table className="jp-mlops-Table jp-mlops-Expectations" aria-label="Expectations">
        <thead>
          <tr>
            {['', 'expectation', 'of', 'if broken', 'result'].map(title => (
              <th key={title} scope="col">
                {title}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {props.expectations.map(each => {
            const result = results.get(each.name);
            return (
              <tr key={each.name}>
                <td>{result && <Mark passed={result.passed} />}</td>
                <th scope="row" title={`by ${each.created_by}`}>
                  {each.name}
                </th>
                <td>
                  <code>{inWords(each)}</code>
                </td>
                <td>{each.severity === 'refuse' ? 'refused' : 'warns'}</td>
                <td>{result && <Result result={result} />}</td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </div>
  );
}

function inWords(each: Expectation): string {
  const given = Object.entries(each.arguments)
    .filter(([, value]) => value !== null)
    .map(([name, value]) => `${name}=${formatValue(value)}`);
  const text = [each.columns.join(', '), ...given].filter(Boolean).join(' · ');
  return text.length > 90 ? `${text.slice(0, 88)}…` : text;
}

function Result(props: { result: ExpectationResult }): JSX.Element {
  const { message, failing, examples, passed } = props.result;
  return (
    <>
      {message}
      {!passed && failing !== null && !message.includes(String(failing)) && (
        <span> ({counted(failing, 'row')})</span>
      )}
      {examples.length > 0 && (
        <div className="jp-mlops-Hint">
          for example <code>{examples.slice(0, 5).join(', ')}</code>
        </div>
      )}
    </>
  );
}
