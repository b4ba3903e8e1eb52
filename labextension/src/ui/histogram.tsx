import React from 'react';
import { NumberValue } from '../api/types';
import { formatMoment, formatNumber } from './format';

const WIDTH = 112;
const HEIGHT = 34;

interface Size {
  width?: number;
  height?: number;
}

/** The bins of a column as bars; the words say where most of it lies. */
export function Histogram(
  props: {
    name: string;
    counts: readonly number[];
    edges: readonly NumberValue[];
    /** The edges are times. */
    times?: boolean;
  } & Size
): JSX.Element {
  const { name, counts, edges, times, width = WIDTH, height = HEIGHT } = props;
  return (
    <Bars
      label={`Histogram of ${name}: ${inWords(counts, edges, times)}`}
      values={counts}
      most={Math.max(1, ...counts)}
      step={width / Math.max(1, counts.length)}
      title={i => `${range(edges, i, times)}: ${counts[i].toLocaleString('en')}`}
      width={width}
      height={height}
    />
  );
}

/** Two distributions over the same bins, each as shares: the first as a line, the second as bars. */
export function TwoHistograms(
  props: {
    name: string;
    before: readonly number[];
    after: readonly number[];
    /** The bin's own words. */
    bin: (index: number) => string;
  } & Size
): JSX.Element {
  const { name, width = WIDTH, height = HEIGHT, bin } = props;
  const [before, after] = [shares(props.before), shares(props.after)];
  const most = Math.max(1e-9, ...before, ...after);
  const bins = Math.max(before.length, after.length, 1);
  const step = width / bins;
  const line = before
    .map((share, i) => {
      const y = height - 1 - (share / most) * (height - 2);
      return `${i ? 'L' : 'M'}${i * step} ${y}L${(i + 1) * step} ${y}`;
    })
    .join('');
  return (
    <Bars
      label={`Distributions of ${name}, before as a line and after as bars`}
      values={after}
      most={most}
      step={step}
      title={i => `${bin(i)}: ${percent(before[i])} → ${percent(after[i])}`}
      width={width}
      height={height}
    >
      <path className="jp-mod-line" d={line} />
    </Bars>
  );
}

/** A bar for each value, with words over its whole height; `children` lie above them. */
function Bars(
  props: {
    label: string;
    values: readonly number[];
    /** The value that is as tall as there is room for. */
    most: number;
    /** The width of one bar, in pixels. */
    step: number;
    title: (index: number) => string;
    children?: React.ReactNode;
  } & Required<Size>
): JSX.Element {
  const { label, values, most, step, title, width, height } = props;
  return (
    <svg
      className="jp-mlops-Histogram"
      width={width}
      height={height}
      viewBox={`0 0 ${width} ${height}`}
      role="img"
      aria-label={label}
    >
      {values.map((value, i) => {
        const tall = barHeight(value, most, height);
        return (
          <g key={i}>
            <rect x={i * step} y={0} width={step} height={height} className="jp-mod-reach">
              <title>{title(i)}</title>
            </rect>
            <rect
              className="jp-mod-bar"
              x={i * step + 0.5}
              y={height - tall}
              width={Math.max(0.5, step - 1)}
              height={tall}
            />
          </g>
        );
      })}
      {props.children}
    </svg>
  );
}

function barHeight(value: number, most: number, height: number): number {
  return value === 0 ? 0 : Math.max(1, (value / most) * (height - 2));
}

function shares(counts: readonly number[]): number[] {
  const total = counts.reduce((sum, count) => sum + count, 0);
  return counts.map(count => (total ? count / total : 0));
}

function percent(share: number | undefined): string {
  return `${(100 * (share ?? 0)).toFixed(1)}%`;
}

/** `3 to 4`. */
export function range(edges: readonly NumberValue[], i: number, times = false): string {
  const [from, to] = [edges[i], edges[i + 1]];
  return from === to ? edge(from, times) : `${edge(from, times)} to ${edge(to, times)}`;
}

function edge(value: NumberValue | undefined, times = false): string {
  return times ? formatMoment(value) : formatNumber(value, 4);
}

function inWords(
  counts: readonly number[],
  edges: readonly NumberValue[],
  times: boolean | undefined
): string {
  if (counts.length === 0) {
    return 'empty';
  }
  const tallest = counts.indexOf(Math.max(...counts));
  return (
    `${counts.length} bins from ${edge(edges[0], times)} to ` +
    `${edge(edges[edges.length - 1], times)}, most between ${range(edges, tallest, times)}`
  );
}
