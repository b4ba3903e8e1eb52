import { Gate, NumberValue } from '../../api/types';

/** Which way a metric gets better; null where nobody can know. */
export type Better = 'higher' | 'lower' | null;

const LOWER = /(^|[^a-z])(loss|error|err|rmse|mse|mae|mape|perplexity|ppl|wer|cer|nll|latency)/i;
const HIGHER =
  /(^|[^a-z])(acc|accuracy|auc|auroc|f1|precision|recall|r2|score|map|ap|bleu|rouge|iou|dice)/i;

/** By the gates, which say it; else by the name, as people call metrics. */
export function betterOf(metric: string, gates: readonly Gate[]): Better {
  const gate = gates.find(each => each.metric === metric);
  if (gate?.kind === 'better') {
    return gate.lower_is_better ? 'lower' : 'higher';
  }
  if (gate?.kind === 'metric' && (gate.minimum === null) !== (gate.maximum === null)) {
    return gate.minimum === null ? 'lower' : 'higher';
  }
  return LOWER.test(metric) ? 'lower' : HIGHER.test(metric) ? 'higher' : null;
}

export type Verdict = 'better' | 'worse' | 'same' | null;

/** How a metric's value stands against another; null where that cannot be told. */
export function verdictOf(
  metric: string,
  before: NumberValue | undefined,
  after: NumberValue | undefined,
  gates: readonly Gate[]
): Verdict {
  const delta = Number(after) - Number(before);
  if (before === undefined || after === undefined || !Number.isFinite(delta)) {
    return null;
  }
  const better = betterOf(metric, gates);
  if (delta === 0) {
    return 'same';
  }
  return better === null ? null : delta > 0 === (better === 'higher') ? 'better' : 'worse';
}
