import { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import React from 'react';
import { Approval, Node, Review } from '../../api/types';
import { Decide } from '../../ui/decisions';
import { formatAgo, formatTime } from '../../ui/format';
import { Mark } from '../../ui/marks';
import { Button, Section } from '../../ui/page';
import { useNow } from '../../ui/signals';
import { ErrorBox, Loading } from '../../ui/states';
import { ModelModel } from './model';
import { rollbackTarget } from './moves';
import { ReviewChanges } from './ReviewChanges';

export interface ReviewProps {
  model: ModelModel;
  version: number;
  rendermime: IRenderMimeRegistry;
  decide: Decide;
  onOpen: (node: Node) => void;
}

/** The version in view as the candidate for an alias: what it changes, who approves, and the decision. */
export function ReviewSection(props: ReviewProps): JSX.Element {
  const { model, version } = props;
  const { review } = model;
  return (
    <Section title={`Review of version ${version}`}>
      <div className="jp-mlops-Choices">
        <label>
          for{' '}
          <select
            aria-label="Alias to review for"
            value={model.alias}
            onChange={event => void model.reviewFor(event.target.value)}
          >
            {model.aliases.map(alias => (
              <option key={alias} value={alias}>
                {alias}
              </option>
            ))}
          </select>
        </label>
        <span>{holderInWords(model, version)}</span>
      </div>
      {review.error && <ErrorBox error={review.error} retry={() => void review.refresh()} />}
      {review.data ? <Content {...props} review={review.data} /> : !review.error && <Loading />}
    </Section>
  );
}

function holderInWords(model: ModelModel, version: number): string {
  const { holder, alias } = model;
  if (holder === undefined) {
    return `no version is ${alias} yet`;
  }
  return holder === version
    ? `version ${version} is ${alias}`
    : `version ${holder} is ${alias} now`;
}

type ContentProps = ReviewProps & { review: Review };

function Content(props: ContentProps): JSX.Element {
  const { review, model, version } = props;
  const holds = model.holder === version;
  return (
    <>
      {!holds && <GateList review={review} />}
      <Approvals approvals={review.approvals} />
      <Decisions {...props} holds={holds} />
      {!holds && <ReviewChanges {...props} />}
    </>
  );
}

/** Each gate with whether it lets the version pass, and why. */
function GateList(props: { review: Review }): JSX.Element {
  const { gates, alias, allowed, version } = props.review;
  if (gates.length === 0) {
    return <p className="jp-mlops-Hint">No gate is set for {alias}: whoever may move it, can.</p>;
  }
  return (
    <>
      <p className="jp-mlops-Verdict">
        <Mark passed={allowed} label={allowed ? 'allowed' : 'not allowed'} />{' '}
        {allowed
          ? `Version ${version} may become ${alias}.`
          : `Version ${version} may not become ${alias}.`}
      </p>
      <ul className="jp-mlops-Gates" aria-label={`Gates of ${alias}`}>
        {gates.map((result, i) => (
          <li key={i}>
            <Mark passed={result.passed} /> {result.message}
          </li>
        ))}
      </ul>
    </>
  );
}

function Approvals(props: { approvals: readonly Approval[] }): JSX.Element | null {
  const now = useNow(60_000);
  return props.approvals.length === 0 ? null : (
    <ul className="jp-mlops-Gates" aria-label="Approvals">
      {props.approvals.map(each => (
        <li key={each.user}>
          <Mark passed={each.approved} label={each.approved ? 'approved' : 'rejected'} />{' '}
          <strong>{each.user}</strong> {each.approved ? 'approved' : 'rejected'} it{' '}
          <span title={formatTime(each.at)}>{formatAgo(each.at, now)}</span>
          {each.reason && `: ${each.reason}`}
        </li>
      ))}
    </ul>
  );
}

/** What can be decided; what cannot says why. */
function Decisions(props: ContentProps & { holds: boolean }): JSX.Element {
  const { model, version, review, decide, holds } = props;
  const { alias, busy } = model;
  const moving = model.access.refuses('move');
  const promote = async () => {
    const from = model.holder === undefined ? '' : ` from version ${model.holder}`;
    const reason = await decide({
      title: 'Promote',
      question: `Move ${alias} of ${model.name}${from} to version ${version}?`,
      action: 'Promote'
    });
    if (reason !== null) {
      await model.moveAlias(alias, version, reason);
    }
  };
  const why = moving || refusal(review);
  return (
    <div className="jp-mlops-Decisions" role="group" aria-label="Decisions">
      {!holds && (
        <>
          <ApprovalButtons {...props} />
          <Button
            main
            disabled={busy || why !== ''}
            title={why || `Make version ${version} the ${alias}`}
            onClick={() => void promote()}
          >
            Promote to {alias}
          </Button>
        </>
      )}
      <RollBack {...props} refused={moving} />
    </div>
  );
}

/** What the user has to say of it; saying the same again changes nothing, so it is taken back instead. */
function ApprovalButtons(props: ContentProps): JSX.Element {
  const { model, version, decide } = props;
  const { alias, busy, ownApproval: own } = model;
  const say = async (word: string, approved: boolean | null) => {
    const reason = await decide({
      title: word,
      question:
        approved === null
          ? `Take back what you said of version ${version} of ${model.name} as ${alias}?`
          : `${word} version ${version} of ${model.name} as ${alias}?`,
      action: word,
      warn: approved === false
    });
    if (reason !== null) {
      await model.approve(version, approved, reason);
    }
  };
  const refused = model.access.refuses('approve');
  return (
    <>
      {own?.approved !== true && (
        <Button
          disabled={busy || model.approvalRefused !== ''}
          title={model.approvalRefused || undefined}
          onClick={() => void say('Approve', true)}
        >
          Approve
        </Button>
      )}
      {own?.approved !== false && (
        <Button
          disabled={busy || refused !== ''}
          title={refused || undefined}
          onClick={() => void say('Reject', false)}
        >
          Reject
        </Button>
      )}
      {own && (
        <Button
          disabled={busy}
          title={`You ${own.approved ? 'approved' : 'rejected'} it`}
          onClick={() => void say('Take back', null)}
        >
          Take back
        </Button>
      )}
    </>
  );
}

/** What the gates that do not let it pass say. */
function refusal(review: Review): string {
  const failed = review.gates.filter(result => !result.passed).map(result => result.message);
  return failed.length > 0
    ? failed.join(' ')
    : review.allowed
      ? ''
      : `The gates of ${review.alias} do not let version ${review.version} pass.`;
}

/** Back to where the alias was before its last move. */
function RollBack(props: ContentProps & { refused: string }): JSX.Element | null {
  const { model, decide, refused } = props;
  const { alias, busy, holder } = model;
  const before = rollbackTarget(model.moves.data ?? []);
  if (holder === undefined && before === null) {
    return null;
  }
  const from = holder === undefined ? '' : ` from version ${holder}`;
  const why = refused || (before === null ? `${alias} has no earlier version to go back to.` : '');
  const rollBack = async () => {
    const reason = await decide({
      title: 'Roll back',
      question: `Put ${alias} of ${model.name} back${from} to version ${before}?`,
      action: 'Roll back',
      warn: true
    });
    if (reason !== null) {
      await model.rollBack(reason);
    }
  };
  return (
    <Button
      warn
      disabled={busy || why !== ''}
      title={why || undefined}
      onClick={() => void rollBack()}
    >
      Roll {alias} back
    </Button>
  );
}
