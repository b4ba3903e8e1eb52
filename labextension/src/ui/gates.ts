import { Gate } from '../api/types';

/** A gate as a sentence. */
export function gateInWords(gate: Gate): string {
  switch (gate.kind) {
    case 'metric':
      return [
        gate.metric,
        gate.minimum !== null && `at least ${gate.minimum}`,
        gate.minimum !== null && gate.maximum !== null && 'and',
        gate.maximum !== null && `at most ${gate.maximum}`
      ]
        .filter(Boolean)
        .join(' ');
    case 'better': {
      const way = gate.lower_is_better ? 'lower' : 'higher';
      const by = Number(gate.by) > 0 ? ` by ${gate.by}` : '';
      const data = gate.dataset ? `version of ${gate.dataset}` : 'data';
      return `${gate.metric} ${way}${by} than the present holder’s, on the same ${data}`;
    }
    case 'expectations':
      return gate.dataset
        ? `the expectations of ${gate.dataset} hold`
        : 'the expectations of all data that it was trained on hold';
    case 'approval': {
      const many = gate.approvals === 1 ? 'one other' : `${gate.approvals} others`;
      return `${many} approve${gate.approvals === 1 ? 's' : ''}, at least ${gate.role}`;
    }
  }
}
