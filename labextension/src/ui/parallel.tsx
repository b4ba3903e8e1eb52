import React from 'react';
import { Axis, ParallelCoordinates, RunLine } from '../api/types';
import { moved, nameOf, passing, Range, segments, ticksOf } from './coordinates';
import { counted, formatValue, shortId } from './format';

const HEIGHT = 300;
const TOP = 34;
const BOTTOM = 12;
const SIDE = 64;
/** Axes do not come closer than this: the picture scrolls. */
const CLOSEST = 110;
/** A shorter drag is a click, which takes a range away. */
const SHORTEST_RANGE = 0.015;

export interface ParallelProps {
  coordinates: ParallelCoordinates;
  /** Runs that are not drawn. */
  hidden?: ReadonlySet<string>;
  focus?: string | null;
  /** The runs whose lines pass every range that was drawn; null where none was. */
  onSelect?: (ids: string[] | null) => void;
  onFocus?: (id: string | null) => void;
  onOpen: (id: string) => void;
  /** What a line is, where it is not a run. */
  noun?: string;
}

/**
 * Runs as lines over axes of params and metrics.
 *
 * A drag along an axis keeps the lines that pass there, a drag of its name moves it; on a focused name the
 * arrow keys do the same: left and right move it, up and down choose a quarter of it, Escape all of it.
 */
export function Parallel(props: ParallelProps): JSX.Element {
  const { coordinates, hidden, focus, onSelect, onFocus, noun = 'run' } = props;
  const { axes, lines } = coordinates;
  const [host, width] = useWidth();
  const [order, setOrder] = useOrder(axes);
  const [ranges, setRanges] = React.useState<ReadonlyMap<number, Range>>(new Map());
  const [colorBy, setColorBy] = React.useState<number>(() => defaultColor(axes));
  const step = Math.max(CLOSEST, (width - 2 * SIDE) / Math.max(1, order.length - 1));
  const total = 2 * SIDE + step * (order.length - 1);
  const x = (place: number) => SIDE + place * step;
  const kept = React.useMemo(() => passing(lines, ranges), [lines, ranges]);

  const setRange = (axis: number, range: Range | null) => {
    const next = new Map(ranges);
    next.delete(axis);
    if (range) {
      next.set(axis, range);
    }
    setRanges(next);
    onSelect?.(passing(lines, next));
  };

  // those that do not pass a range stay in sight, faintly
  const shown = kept ? lines : lines.filter(line => !hidden?.has(line.run_id));
  const pointed = lines.find(line => line.run_id === focus);
  return (
    <div className="jp-mlops-Parallel">
      <div className="jp-mlops-ChartControls">
        <label>
          colour by
          <select value={colorBy} onChange={event => setColorBy(Number(event.target.value))}>
            {axes.map((axis, i) => (
              <option key={axis.key} value={i}>
                {axis.key}
              </option>
            ))}
          </select>
        </label>
        <span role="status">
          {kept ? `${kept.length} of ${lines.length} ${noun}s pass` : counted(lines.length, noun)}
        </span>
        {ranges.size > 0 && (
          <button
            className="jp-mlops-Link"
            onClick={() => {
              setRanges(new Map());
              onSelect?.(null);
            }}
          >
            show all
          </button>
        )}
        <span className="jp-mlops-Parallel-told">{pointed && tell(pointed, axes, order)}</span>
      </div>
      <div className="jp-mlops-Parallel-scroll" ref={host}>
        <svg
          width={total}
          height={HEIGHT}
          role="group"
          aria-label={`Parallel coordinates of ${counted(lines.length, noun)} over ${axes.length} axes`}
        >
          <g className="jp-mlops-Parallel-lines">
            {shown.map(line => (
              <Way
                key={line.run_id}
                line={line}
                order={order}
                x={x}
                color={colorOf(line, colorBy)}
                faint={kept !== null && !kept.includes(line.run_id)}
                focused={line.run_id === focus}
                onFocus={onFocus}
                onOpen={props.onOpen}
              />
            ))}
          </g>
          {order.map((axis, place) => (
            <AxisLine
              key={axes[axis].key}
              axis={axes[axis]}
              x={x(place)}
              step={step}
              range={ranges.get(axis) ?? null}
              onRange={range => setRange(axis, range)}
              onMove={by => setOrder(moved(order, place, place + by))}
            />
          ))}
        </svg>
      </div>
    </div>
  );
}

/** The last metric: what most people look at; else the last axis. */
function defaultColor(axes: readonly Axis[]): number {
  const metric = axes.map(axis => axis.key.startsWith('metrics.')).lastIndexOf(true);
  return metric >= 0 ? metric : axes.length - 1;
}

/** The order of the axes; anew where there are others than before. */
function useOrder(axes: readonly Axis[]): [number[], (order: number[]) => void] {
  const [kept, setKept] = React.useState<string[]>([]);
  const keys = axes.map(axis => axis.key);
  const known = kept.filter(key => keys.includes(key));
  const order = [...known, ...keys.filter(key => !known.includes(key))];
  return [
    order.map(key => keys.indexOf(key)),
    indices => setKept(indices.map(index => keys[index]))
  ];
}

function useWidth(): [React.RefObject<HTMLDivElement>, number] {
  const node = React.useRef<HTMLDivElement>(null);
  const [width, setWidth] = React.useState(700);
  React.useEffect(() => {
    const sizes = new ResizeObserver(() => setWidth(node.current?.clientWidth || 700));
    sizes.observe(node.current!);
    return () => sizes.disconnect();
  }, []);
  return [node, width];
}

/** From the least, blue, to the greatest, orange; grey where there is no value. */
function colorOf(line: RunLine, axis: number): string {
  const position = line.positions[axis];
  if (position === null || position === undefined) {
    return 'var(--jp-ui-font-color3)';
  }
  const percent = (100 * Number(position)).toFixed(1);
  return `color-mix(in oklch, var(--jp-mlops-line-1) ${percent}%, var(--jp-mlops-line-0))`;
}

function yOf(position: number): number {
  return TOP + (1 - position) * (HEIGHT - TOP - BOTTOM);
}

function tell(line: RunLine, axes: readonly Axis[], order: readonly number[]): string {
  const values = order
    .filter(axis => line.values[axis] !== null)
    .map(axis => `${nameOf(axes[axis])} ${formatValue(line.values[axis])}`);
  return `${line.name || shortId(line.run_id)}: ${values.join(', ')}`;
}

function Way(props: {
  line: RunLine;
  order: readonly number[];
  x: (place: number) => number;
  color: string;
  faint: boolean;
  focused: boolean;
  onFocus?: (id: string | null) => void;
  onOpen: (id: string) => void;
}): JSX.Element {
  const { line, order, x, color, faint, focused, onFocus } = props;
  const path = segments(line, order)
    .map(part => part.map(({ place, position }) => `${x(place)},${yOf(position)}`).join(' L'))
    .map(points => `M${points}`)
    .join(' ');
  const classes = `jp-mlops-Way${faint ? ' jp-mod-faint' : ''}${focused ? ' jp-mod-focus' : ''}`;
  return (
    <g
      className={classes}
      onPointerEnter={() => onFocus?.(line.run_id)}
      onPointerLeave={() => onFocus?.(null)}
      onClick={() => props.onOpen(line.run_id)}
    >
      <path className="jp-mlops-Way-reach" d={path} />
      <path d={path} style={{ stroke: color }} data-run={line.run_id} />
    </g>
  );
}

interface AxisProps {
  axis: Axis;
  x: number;
  step: number;
  range: Range | null;
  onRange: (range: Range | null) => void;
  onMove: (by: number) => void;
}

function AxisLine(props: AxisProps): JSX.Element {
  const { axis, x, step, range } = props;
  const [drag, setDrag] = React.useState(0);
  const ticks = ticksOf(axis);
  const crowded = ticks.length > 14;
  return (
    <g className="jp-mlops-Axis" transform={`translate(${x + drag}, 0)`}>
      <line y1={yOf(1)} y2={yOf(0)} />
      {ticks.map(({ position, label }, i) => (
        <g key={`${i} ${label}`} transform={`translate(0, ${yOf(position)})`}>
          <line x2={-4} />
          {!crowded && (
            <text x={-7} dy="0.32em" textAnchor="end">
              {label.length > 9 ? `${label.slice(0, 8)}…` : label}
              <title>{label}</title>
            </text>
          )}
        </g>
      ))}
      {range && (
        <rect
          className="jp-mlops-Axis-range"
          x={-7}
          width={14}
          y={yOf(range[1])}
          height={Math.max(2, yOf(range[0]) - yOf(range[1]))}
        />
      )}
      <Brush {...props} />
      <AxisName {...props} drag={drag} setDrag={setDrag} step={step} />
    </g>
  );
}

/** The strip along an axis on which a range is drawn. */
function Brush(props: AxisProps): JSX.Element {
  const start = React.useRef<number | null>(null);
  const position = (event: React.PointerEvent): number => {
    const { top } = event.currentTarget.getBoundingClientRect();
    const y = event.clientY - top;
    return 1 - Math.max(0, Math.min(1, y / (HEIGHT - TOP - BOTTOM)));
  };
  const rangeTo = (event: React.PointerEvent): Range | null => {
    const [from, to] = [start.current!, position(event)];
    return Math.abs(from - to) < SHORTEST_RANGE ? null : [Math.min(from, to), Math.max(from, to)];
  };
  return (
    <rect
      className="jp-mlops-Axis-brush"
      x={-14}
      width={28}
      y={yOf(1)}
      height={HEIGHT - TOP - BOTTOM}
      data-axis={props.axis.key}
      onPointerDown={event => {
        event.currentTarget.setPointerCapture(event.pointerId);
        start.current = position(event);
      }}
      onPointerMove={event => {
        if (start.current !== null) {
          props.onRange(rangeTo(event));
        }
      }}
      onPointerUp={event => {
        if (start.current !== null) {
          props.onRange(rangeTo(event));
          start.current = null;
        }
      }}
    >
      <title>Drag to keep the runs that pass here; click to keep all</title>
    </rect>
  );
}

/** The name above an axis, by which it is moved. */
function AxisName(props: AxisProps & { drag: number; setDrag: (by: number) => void }): JSX.Element {
  const { axis, step, range, drag, setDrag, onMove, onRange } = props;
  const start = React.useRef<number | null>(null);
  const name = nameOf(axis);
  const onKeyDown = (event: React.KeyboardEvent) => {
    const quarters: Record<string, Range> = { ArrowUp: [0.75, 1], ArrowDown: [0, 0.25] };
    if (event.key === 'ArrowLeft' || event.key === 'ArrowRight') {
      onMove(event.key === 'ArrowLeft' ? -1 : 1);
    } else if (event.key in quarters) {
      onRange(shifted(range, event.key === 'ArrowUp') ?? quarters[event.key]);
    } else if (event.key === 'Escape') {
      onRange(null);
    } else {
      return;
    }
    event.preventDefault();
    event.stopPropagation();
  };
  return (
    <text
      className={`jp-mlops-Axis-name${axis.key.startsWith('metrics.') ? ' jp-mod-metric' : ''}`}
      y={14}
      textAnchor="middle"
      tabIndex={0}
      role="button"
      aria-label={`Axis ${axis.key}. Arrow keys: left and right move it, up and down keep a part of its runs`}
      onKeyDown={onKeyDown}
      onPointerDown={event => {
        event.currentTarget.setPointerCapture(event.pointerId);
        start.current = event.clientX;
      }}
      onPointerMove={event => {
        if (start.current !== null) {
          setDrag(event.clientX - start.current);
        }
      }}
      onPointerUp={() => {
        if (start.current !== null) {
          start.current = null;
          const by = Math.round(drag / step);
          setDrag(0);
          if (by) {
            onMove(by);
          }
        }
      }}
    >
      {name.length > 16 ? `${name.slice(0, 15)}…` : name}
      <title>{`${axis.key}: drag to move`}</title>
    </text>
  );
}

/** The range a quarter higher or lower; null where there is none yet. */
function shifted(range: Range | null, up: boolean): Range | null {
  if (!range) {
    return null;
  }
  const by = up ? Math.min(0.25, 1 - range[1]) : -Math.min(0.25, range[0]);
  return [range[0] + by, range[1] + by];
}
