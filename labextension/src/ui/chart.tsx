import React from 'react';
import uPlot from 'uplot';
import { formatBytes, formatNumber } from './format';
import { ChartSettings, drawn, Drawn, Line, PLAIN } from './series';

const HEIGHT = 190;
const COLORS = 10;
/** Distances between ticks of bytes: MiB are no round numbers of bytes. */
const BYTE_STEPS = Array.from({ length: 50 }, (_, power) => 2 ** power);
/** Distances between ticks of what is counted in whole numbers. */
const WHOLE_STEPS = [1, 2, 5].flatMap(first =>
  [0, 1, 2, 3, 4, 5].map(power => first * 10 ** power)
);
const MOST_TOLD = 12;

/** The CSS variable of a line's colour; there are ten, then they repeat. */
export function colorVariable(color: number): string {
  return `--jp-mlops-line-${color % COLORS}`;
}

/** How values of a metric are written, by the unit that its name ends in. */
export function writerFor(name: string): (value: number | null | undefined) => string {
  if (/_bytes$/.test(name)) {
    return value => formatBytes(value);
  }
  if (/_bytes_per_s$/.test(name)) {
    return value => `${formatBytes(value)}/s`;
  }
  if (/_percent$/.test(name)) {
    return value => `${formatNumber(value, 3)}%`;
  }
  return /_power_w$/.test(name)
    ? value => `${formatNumber(value, 3)} W`
    : value => formatNumber(value);
}

export interface ChartProps {
  title: string;
  lines: readonly Line[];
  settings?: ChartSettings;
  /** The name by whose end values are written (`rss_bytes`), where the title is another. */
  unit?: string;
  /** What stands beside the title; by default the last value of the only line. */
  note?: React.ReactNode;
  /** What the horizontal axis counts, where it is not steps. */
  counts?: string;
}

/**
 * Lines over steps or seconds. It grows with the data, and follows the theme and its own width.
 *
 * A drag zooms in, a double click out again; charts that are shown together share their cursor.
 */
export function Chart(props: ChartProps): JSX.Element {
  const { title, lines, settings = PLAIN, unit = title, counts = 'step' } = props;
  const host = React.useRef<HTMLDivElement>(null);
  const plot = React.useRef<uPlot | null>(null);
  const picture = React.useMemo(() => drawn(lines, settings), [lines, settings]);
  const latest = React.useRef(picture);
  latest.current = picture;
  const shape = shapeOf(title, picture, settings);

  React.useEffect(() => {
    const node = host.current!;
    const made = new uPlot(
      options({ unit, counts, log: settings.log }, latest, node.clientWidth || 320),
      latest.current.data,
      node
    );
    plot.current = made;
    const stop = followSurroundings(made, node);
    return () => {
      stop();
      made.destroy();
      plot.current = null;
    };
    // `shape` stands for all that needs a new plot; data alone does not
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [shape]);

  React.useEffect(() => plot.current?.setData(picture.data), [picture]);

  return (
    <figure
      className="jp-mlops-Chart"
      role="img"
      aria-label={describe(title, unit, lines, picture.axis === 'step' ? counts : 'second')}
    >
      <figcaption>
        <span title={title}>{title}</span>
        {props.note ?? (lines.length === 1 && <strong>{lastOf(unit, lines[0])}</strong>)}
      </figcaption>
      <div ref={host} />
    </figure>
  );
}

function shapeOf(title: string, picture: Drawn, settings: ChartSettings): string {
  const columns = picture.columns.map(({ line, faint }) => [
    line.key,
    line.label,
    line.color,
    line.look,
    faint
  ]);
  return JSON.stringify([title, picture.axis, settings.log, columns]);
}

function lastOf(unit: string, { history }: Line): string {
  const last = history.values[history.values.length - 1];
  return last === undefined ? '' : writerFor(unit)(Number(last));
}

function describe(title: string, unit: string, lines: readonly Line[], axis: string): string {
  const over = `${axis}s`;
  if (lines.length === 1) {
    const count = lines[0].history.values.length;
    return `${title} over ${over}, ${count} points, last ${lastOf(unit, lines[0])}`;
  }
  const each = lines.slice(0, MOST_TOLD).map(line => `${line.label} ${lastOf(unit, line)}`);
  return `${title} over ${over} of ${lines.length} lines; last: ${each.join(', ')}`;
}

function cssColor(name: string): string {
  return getComputedStyle(document.body).getPropertyValue(name).trim() || '#888';
}

/** Redraws in the colours of a new theme, and in the width of the place. */
function followSurroundings(plot: uPlot, node: HTMLElement): () => void {
  const sizes = new ResizeObserver(() => {
    if (node.clientWidth > 0 && node.clientWidth !== plot.width) {
      plot.setSize({ width: node.clientWidth, height: HEIGHT });
    }
  });
  sizes.observe(node);
  const themes = new MutationObserver(() => requestAnimationFrame(() => plot.redraw(false)));
  themes.observe(document.body, { attributeFilter: ['data-jp-theme-name'] });
  return () => {
    sizes.disconnect();
    themes.disconnect();
  };
}

/** How the axes are written. */
interface Axes {
  unit: string;
  counts: string;
  log: boolean;
}

function options(
  { unit, counts, log }: Axes,
  picture: React.MutableRefObject<Drawn>,
  width: number
): uPlot.Options {
  // functions, not values: a redraw after a change of theme reads the new colours
  const stroke = () => cssColor('--jp-ui-font-color2');
  const grid = { stroke: () => cssColor('--jp-border-color2'), width: 1 };
  const look = { stroke, grid, ticks: grid, font: '11px system-ui, sans-serif' };
  const write = writerFor(unit);
  return {
    width,
    height: HEIGHT,
    scales: { x: { time: false }, y: { distr: log ? 3 : 1 } },
    legend: { show: false },
    cursor: { sync: { key: `jupyter-mlops ${counts}` }, points: { size: 6 } },
    plugins: [tooltip(write, counts, picture)],
    axes: [
      {
        ...look,
        size: 28,
        ...(counts === 'step' ? {} : { incrs: [...WHOLE_STEPS].sort((a, b) => a - b) }),
        values: (_, ticks) => ticks.map(tick => formatNumber(tick))
      },
      // on a logarithmic axis uPlot passes null for ticks that would be too close
      {
        ...look,
        size: unit.endsWith('_per_s') ? 84 : 64,
        ...(/_bytes(_per_s)?$/.test(unit) && !log ? { incrs: BYTE_STEPS } : {}),
        values: (_, ticks) => ticks.map(tick => (tick === null ? '' : write(tick)))
      }
    ],
    series: [{}, ...picture.current.columns.map(({ line, faint }) => series(line, faint))]
  };
}

function series(line: Line, faint: boolean): uPlot.Series {
  const { as, width = 1.5, alpha = 1, dashed } = line.look ?? {};
  const stroke = () => cssColor(colorVariable(line.color));
  const shown = (plot: uPlot) => as === undefined && !faint && plot.data[0].length < 60;
  return {
    label: line.label,
    stroke,
    alpha: faint ? 0.25 : alpha,
    width: faint ? 1 : width,
    spanGaps: as === 'steps',
    ...(dashed ? { dash: [5, 4] } : {}),
    ...(as === 'points' ? { paths: () => null } : {}),
    ...(as === 'steps' ? { paths: uPlot.paths.stepped!({ align: 1 }) } : {}),
    points: as === 'points' ? { show: true, size: 6, fill: stroke } : { show: shown, size: 4 }
  };
}

type Write = (value: number | null) => string;

/** What the lines are worth where the pointer is: the ones next to it first. */
function tooltip(
  write: Write,
  counts: string,
  picture: React.MutableRefObject<Drawn>
): uPlot.Plugin {
  const box = document.createElement('div');
  box.className = 'jp-mlops-Tooltip';
  box.hidden = true;
  const move = (plot: uPlot) => {
    const { idx, left, top } = plot.cursor;
    box.hidden = idx === null || idx === undefined || (left ?? -1) < 0;
    if (!box.hidden) {
      fill(box, write, counts, picture.current, plot, idx!);
      const right = left! > plot.over.clientWidth / 2;
      box.style.left = right ? '' : `${left! + 12}px`;
      box.style.right = right ? `${plot.over.clientWidth - left! + 12}px` : '';
      box.style.top = `${Math.max(0, (top ?? 0) - 12)}px`;
    }
  };
  return {
    hooks: {
      init: plot => void plot.over.appendChild(box),
      setCursor: move
    }
  };
}

function fill(
  box: HTMLElement,
  write: Write,
  counts: string,
  picture: Drawn,
  plot: uPlot,
  index: number
): void {
  const pointer = plot.posToVal(plot.cursor.top ?? 0, 'y');
  const values = picture.columns
    .map(({ line, faint }, i) => ({ line, faint, value: told(line, plot.data[i + 1], index) }))
    .filter(each => !each.faint && each.value !== null)
    .sort((a, b) => Math.abs(a.value! - pointer) - Math.abs(b.value! - pointer));
  const head = document.createElement('div');
  const x = plot.data[0][index];
  head.textContent =
    picture.axis === 'step' ? `${counts} ${formatNumber(x)}` : `${formatNumber(x, 4)} s`;
  const rows = values.slice(0, MOST_TOLD).map(({ line, value }) => {
    const row = document.createElement('div');
    const swatch = document.createElement('i');
    swatch.style.background = `var(${colorVariable(line.color)})`;
    const name = document.createElement('span');
    name.textContent = values.length > 1 || picture.columns.length > 1 ? line.label : '';
    const number = document.createElement('b');
    number.textContent = write(value);
    row.append(swatch, name, number);
    return row;
  });
  box.replaceChildren(head, ...rows);
}

/** A point stands for itself alone; a line has a value also between its points. */
function told(line: Line, column: ArrayLike<number | null | undefined>, index: number) {
  return line.look?.as === 'points' ? (column[index] ?? null) : near(column, index);
}

/** The value at an index, or the last one before it: lines have points at steps of their own. */
function near(column: ArrayLike<number | null | undefined>, index: number): number | null {
  for (let i = index; i >= 0 && i > index - 200; i--) {
    const value = column[i];
    if (value === null) {
      return null;
    }
    if (value !== undefined) {
      return value;
    }
  }
  return null;
}
