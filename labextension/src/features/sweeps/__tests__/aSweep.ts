import { aJob } from '../../../api/__tests__/fakes';
import { Sweep, SweepDetail, SweepSpec, Trial } from '../../../api/types';

export const SWEEP = '01h0000000000000000sweep01';

export function aTrial(number: number, values: Partial<Trial> = {}): Trial {
  return {
    number,
    status: 'finished',
    params: { lr: 0.1, model: 'svm' },
    value: null,
    job_id: `01h00000000000000000job${100 + number}`,
    run_id: `01h00000000000000000run${100 + number}`,
    started_at: 1000,
    ended_at: 1010,
    reason: '',
    ...values
  };
}

export function aSweepSpec(values: Partial<SweepSpec> = {}): SweepSpec {
  return {
    id: SWEEP,
    name: 'tuning',
    experiment: 'digits',
    submitted_at: 990,
    space: {
      lr: { kind: 'loguniform', low: 1e-4, high: 1, step: null, choices: [] },
      model: { kind: 'choice', low: null, high: null, step: null, choices: ['svm', 'tree'] }
    },
    trials: 10,
    sampler: 'tpe',
    template: aJob().spec,
    goal: { metric: 'acc', direction: 'maximize' },
    pruner: 'median',
    seed: null,
    parallel: 2,
    user: 'ada',
    host: 'box',
    ...values
  };
}

/** A sweep with these trials, counted, with the greatest value as the best. */
export function aDetail(
  trials: Trial[],
  sweep: Partial<Sweep> = {},
  values: Partial<SweepDetail> = {}
): SweepDetail {
  const counts: Record<string, number> = {};
  trials.forEach(({ status }) => (counts[status] = (counts[status] ?? 0) + 1));
  const finished = trials.filter(each => each.status === 'finished' && each.value !== null);
  const best = [...finished].sort((a, b) => Number(b.value) - Number(a.value))[0];
  return {
    sweep: {
      spec: aSweepSpec(),
      status: 'running',
      reason: '',
      ended_at: null,
      cancel_requested: false,
      counts,
      best: best?.number ?? null,
      best_value: best?.value ?? null,
      best_params: best?.params ?? {},
      seq: 1,
      ...sweep
    },
    trials,
    importance: null,
    dashboard: null,
    ...values
  };
}
