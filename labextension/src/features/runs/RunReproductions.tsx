import React from 'react';
import { MetricMatch, Node, Reproduction, RunStatus } from '../../api/types';
import { formatNumber, shortId } from '../../ui/format';
import { LinkButton, Section } from '../../ui/page';
import { ErrorBox } from '../../ui/states';
import { StatusIcon } from '../../ui/status';
import { RunModel } from './runModel';

interface Props {
  model: RunModel;
  onOpen: (node: Node) => void;
}

/** What came of running it again from its records. */
export function RunReproductions(props: Props): JSX.Element | null {
  const { model, onOpen } = props;
  const { reproductions, reproduceError } = model;
  if (reproductions.length === 0 && !reproduceError) {
    return null;
  }
  return (
    <Section title="Reproductions" count={reproductions.length}>
      {reproduceError && <ErrorBox error={reproduceError} />}
      {reproductions.map(each => (
        <Report key={each.job_id} of={each} onOpen={onOpen} />
      ))}
    </Section>
  );
}

function Report(props: { of: Reproduction; onOpen: (node: Node) => void }): JSX.Element {
  const { of, onOpen } = props;
  const open = (kind: string, id: string) =>
    onOpen({ id: `${kind}:${id}`, kind, label: '', status: '' });
  const compared = of.metrics.filter(metric => metric.matches !== null);
  const matching = compared.filter(metric => metric.matches).length;
  return (
    <div className="jp-mlops-Reproduction">
      <div className="jp-mlops-Reproduction-head">
        <Verdict of={of} />
        {compared.length > 0 && (
          <span>
            {matching} of {compared.length} metrics match within {formatNumber(of.tolerance)}
          </span>
        )}
        <LinkButton onClick={() => open('job', of.job_id)}>job {shortId(of.job_id)}</LinkButton>
        {of.reproduced_run_id && (
          <LinkButton onClick={() => open('run', of.reproduced_run_id!)}>
            run {shortId(of.reproduced_run_id)}
          </LinkButton>
        )}
      </div>
      {of.reason && <div className="jp-mlops-Notice">{of.reason}</div>}
      {of.metrics.length > 0 && <Matches of={of} />}
      {of.reasons.length > 0 && (
        <ul className="jp-mlops-Reasons" aria-label="Why they may differ">
          {of.reasons.map(reason => (
            <li key={reason}>{reason}</li>
          ))}
        </ul>
      )}
      {of.warnings.length > 0 && (
        <ul className="jp-mlops-Reasons" aria-label="Known beforehand">
          {of.warnings.map(warning => (
            <li key={warning}>{warning}</li>
          ))}
        </ul>
      )}
      {of.left_out.length > 0 && (
        <p className="jp-mlops-Hint">Not run again: {of.left_out.join('; ')}</p>
      )}
    </div>
  );
}

const VERDICTS: Record<string, [RunStatus, string]> = {
  running: ['running', 'running'],
  reproduced: ['finished', 'reproduced'],
  differs: ['lost', 'differs'],
  failed: ['failed', 'could not be reproduced']
};

function Verdict(props: { of: Reproduction }): JSX.Element {
  const [status, words] = VERDICTS[props.of.verdict] ?? ['lost', props.of.verdict];
  return (
    <span className={`jp-mlops-Badge jp-mlops-mod-${status}`}>
      <StatusIcon status={status} label={words} />
      <strong>{words}</strong>
    </span>
  );
}

function wordsOf({ matches, note }: MetricMatch): string {
  if (matches === null) {
    return note || 'not compared';
  }
  return matches ? '✓ yes' : `✗ ${note || 'no'}`;
}

function Matches(props: { of: Reproduction }): JSX.Element {
  return (
    <table className="jp-mlops-Table" aria-label="Metrics of the run and of its reproduction">
      <thead>
        <tr>
          {['metric', 'original', 'reproduced', 'matches'].map(title => (
            <th key={title} scope="col">
              {title}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {props.of.metrics.map(metric => (
          <tr key={metric.name} className={metric.matches === false ? 'jp-mod-differs' : ''}>
            <th scope="row">{metric.name}</th>
            <td title={String(metric.original)}>{formatNumber(metric.original, 6)}</td>
            <td title={String(metric.reproduced)}>{formatNumber(metric.reproduced, 6)}</td>
            <td>{wordsOf(metric)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
