import React from 'react';
import uPlot from 'uplot';
import { History } from '../api/types';
import { formatNumber } from './format';

const HEIGHT = 180;

/** Columns for uPlot; x is the step where every point has one, else the seconds since the first. */
export function chartData(history: History): { x: number[]; y: (number | null)[]; axis: string } {
  const stepped = history.steps.length > 0 && history.steps.every(step => step !== null);
  const x = stepped
    ? (history.steps as number[])
    : history.times.map(time => time - history.times[0]);
  const y = history.values.map(value => {
    const number = Number(value);
    return Number.isFinite(number) ? number : null;
  });
  return { ...sorted(x, y), axis: stepped ? 'step' : 'seconds' };
}

/** uPlot wants x in ascending order; several writers may have logged the same steps. */
function sorted(x: number[], y: (number | null)[]): { x: number[]; y: (number | null)[] } {
  if (x.every((value, i) => i === 0 || x[i - 1] <= value)) {
    return { x, y };
  }
  const order = x.map((_, i) => i).sort((a, b) => x[a] - x[b]);
  return { x: order.map(i => x[i]), y: order.map(i => y[i]) };
}

function cssColor(name: string): string {
  return getComputedStyle(document.body).getPropertyValue(name).trim() || '#888';
}

function options(axis: string, name: string, width: number): uPlot.Options {
  // functions, not values: a redraw after a change of theme reads the new colours
  const stroke = () => cssColor('--jp-ui-font-color2');
  const grid = { stroke: () => cssColor('--jp-border-color2'), width: 1 };
  const font = '11px system-ui, sans-serif';
  return {
    width,
    height: HEIGHT,
    scales: { x: { time: false } },
    legend: { live: true },
    cursor: { sync: { key: 'jupyter-mlops' }, points: { size: 6 } },
    axes: [
      {
        stroke,
        grid,
        ticks: grid,
        font,
        size: 28,
        values: (_, ticks) => ticks.map(tick => formatNumber(tick))
      },
      {
        stroke,
        grid,
        ticks: grid,
        font,
        size: 52,
        values: (_, ticks) => ticks.map(tick => formatNumber(tick))
      }
    ],
    series: [
      { label: axis, value: (_, value) => formatNumber(value) },
      {
        label: name,
        stroke: () => cssColor('--jp-brand-color1'),
        width: 1.5,
        points: { show: (plot: uPlot) => plot.data[0].length < 60, size: 4 },
        value: (_, value) => formatNumber(value)
      }
    ]
  };
}

/** One metric over its steps. It grows with the data, and follows the theme and its own width. */
export function MetricChart(props: { history: History }): JSX.Element {
  const { history } = props;
  const node = React.useRef<HTMLDivElement>(null);
  const plot = React.useRef<uPlot | null>(null);
  const { x, y, axis } = React.useMemo(() => chartData(history), [history]);
  const latest = React.useRef<uPlot.AlignedData>([x, y]);
  latest.current = [x, y];

  React.useEffect(() => {
    const host = node.current!;
    const made = new uPlot(
      options(axis, history.name, host.clientWidth || 320),
      latest.current,
      host
    );
    plot.current = made;
    const sizes = new ResizeObserver(() => {
      if (host.clientWidth > 0 && host.clientWidth !== made.width) {
        made.setSize({ width: host.clientWidth, height: HEIGHT });
      }
    });
    sizes.observe(host);
    const themes = new MutationObserver(() => requestAnimationFrame(() => made.redraw(false)));
    themes.observe(document.body, { attributeFilter: ['data-jp-theme-name'] });
    return () => {
      sizes.disconnect();
      themes.disconnect();
      made.destroy();
      plot.current = null;
    };
  }, [axis, history.name]);

  React.useEffect(() => plot.current?.setData([x, y]), [x, y]);

  const last = formatNumber(history.values[history.values.length - 1]);
  return (
    <figure
      className="jp-mlops-Chart"
      role="img"
      aria-label={`${history.name} over ${axis}s, ${x.length} points, last ${last}`}
    >
      <figcaption>
        <span>{history.name}</span>
        <strong>{last}</strong>
      </figcaption>
      <div ref={node} />
    </figure>
  );
}
