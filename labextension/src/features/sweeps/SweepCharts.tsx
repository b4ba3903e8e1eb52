import React from 'react';
import { History, SweepDetail, Trial } from '../../api/types';
import { Chart } from '../../ui/chart';
import { useChartSettings } from '../../ui/charts';
import { formatNumber } from '../../ui/format';
import { Section } from '../../ui/page';
import { Parallel } from '../../ui/parallel';
import { Line } from '../../ui/series';
import { MOST_CURVES, SweepModel } from './model';
import { coordinates, optimisation } from './trials';

/** More lines than these stand without their points, and fainter. */
const MANY = 20;
const BEST_COLOR = 1;
const FOCUS_COLOR = 3;
const PRUNED_COLOR = 7;

/** The value of trial after trial, and the goal's metric over the steps of each. */
export function SweepCharts(props: { detail: SweepDetail; model: SweepModel }): JSX.Element | null {
  const { detail, model } = props;
  const [settings, controls] = useChartSettings();
  const { goal } = detail.sweep.spec;
  const values = React.useMemo(() => optimisation(detail), [detail]);
  const { curves, focus, passing } = model;
  const lines = React.useMemo(
    () => curveLines(detail, model.drawn, curves, focus, passing),
    [detail, model, curves, focus, passing]
  );
  if (!goal || (values.length === 0 && lines.length === 0)) {
    return null;
  }
  const tracked = detail.trials.filter(trial => trial.run_id !== null).length;
  const stepped = lines.some(line => line.history.values.length > 1);
  return (
    <Section title="Progress">
      {(values.length > 0 || stepped) && <div className="jp-mlops-ChartBar">{controls}</div>}
      <div className="jp-mlops-Charts jp-mod-large">
        {values.length > 0 && (
          <Chart
            title="Value by trial"
            unit={goal.metric}
            counts="trial"
            lines={values}
            settings={{ against: 'step', log: settings.log, smoothing: 0 }}
            note={<Legend detail={detail} />}
          />
        )}
        {stepped && (
          <Chart
            title={`${goal.metric} of each trial`}
            unit={goal.metric}
            lines={lines}
            settings={settings}
            note={
              tracked > MOST_CURVES ? (
                <span className="jp-mlops-Key">
                  {MOST_CURVES} of {tracked}: the best and the newest
                </span>
              ) : (
                <CurveLegend detail={detail} />
              )
            }
          />
        )}
      </div>
      {!stepped && (
        <p className="jp-mlops-Hint">
          <code>log({goal.metric}=…, step=…)</code> more than once in a trial draws its curve here.
        </p>
      )}
    </Section>
  );
}

function Legend({ detail }: { detail: SweepDetail }): JSX.Element {
  return (
    <span className="jp-mlops-Key">
      <Swatch color={0} /> finished {hasPruned(detail) && <PrunedKey />}
      <Swatch color={BEST_COLOR} /> best <strong>{formatNumber(detail.sweep.best_value)}</strong>
    </span>
  );
}

function CurveLegend({ detail }: { detail: SweepDetail }): JSX.Element {
  return (
    <span className="jp-mlops-Key">
      <Swatch color={BEST_COLOR} /> best {hasPruned(detail) && <PrunedKey />}
    </span>
  );
}

function PrunedKey(): JSX.Element {
  return (
    <>
      <Swatch color={PRUNED_COLOR} /> pruned{' '}
    </>
  );
}

function hasPruned({ trials }: SweepDetail): boolean {
  return trials.some(trial => trial.status === 'pruned');
}

function Swatch(props: { color: number }): JSX.Element {
  return (
    <i className="jp-mlops-Swatch" style={{ background: `var(--jp-mlops-line-${props.color})` }} />
  );
}

/** Quiet lines for all trials; the best one and the one that is pointed at stand out, drawn last. */
function curveLines(
  detail: SweepDetail,
  trials: readonly Trial[],
  curves: ReadonlyMap<number, History>,
  focus: number | null,
  passing: ReadonlySet<number> | null
): Line[] {
  const best = detail.sweep.best;
  const rank = ({ number }: Trial) => (number === focus ? 2 : number === best ? 1 : 0);
  return trials
    .filter(({ number }) => curves.has(number) && (!passing || passing.has(number)))
    .sort((a, b) => rank(a) - rank(b))
    .map((trial): Line => {
      const { number, status } = trial;
      const [focused, first, pruned] = [number === focus, number === best, status === 'pruned'];
      return {
        key: String(number),
        label: `trial ${number}${pruned ? ' (pruned)' : ''}`,
        history: curves.get(number)!,
        color: focused ? FOCUS_COLOR : first ? BEST_COLOR : pruned ? PRUNED_COLOR : 0,
        look: {
          width: focused || first ? 2.5 : 1.2,
          alpha: focused || first ? 1 : curves.size > MANY ? 0.35 : 0.6,
          dashed: pruned,
          ...(curves.size > MANY ? { as: 'line' as const } : {})
        }
      };
    });
}

/** Params to goal, a line a finished trial. */
export function SweepParallel(props: {
  detail: SweepDetail;
  model: SweepModel;
  onOpen: (trial: Trial) => void;
}): JSX.Element | null {
  const { detail, model } = props;
  const picture = React.useMemo(() => coordinates(detail), [detail]);
  if (picture.lines.length < 2) {
    return null;
  }
  return (
    <Section title="Parallel coordinates">
      <Parallel
        coordinates={picture}
        noun="trial"
        focus={model.focus === null ? null : String(model.focus)}
        onSelect={numbers => model.showOnly(numbers)}
        onFocus={number => model.pointAt(number === null ? null : Number(number))}
        onOpen={number => {
          const trial = detail.trials.find(each => String(each.number) === number);
          if (trial) {
            props.onOpen(trial);
          }
        }}
      />
    </Section>
  );
}
