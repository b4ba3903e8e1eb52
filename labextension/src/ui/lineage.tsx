import { notebookIcon } from '@jupyterlab/ui-components';
import React from 'react';
import { Lineage, Node } from '../api/types';
import { Direction, hasBothSides, restrict } from './directions';
import { aliasIcon, datasetIcon, featureIcon, jobIcon, modelIcon, runIcon } from './icons';
import { BOX_HEIGHT, BOX_WIDTH, draw, Line, Place } from './layering';

const ICONS = {
  run: runIcon,
  job: jobIcon,
  dataset: datasetIcon,
  model: modelIcon,
  view: featureIcon,
  alias: aliasIcon,
  notebook: notebookIcon
};
const DIRECTIONS: readonly (readonly [Direction, string])[] = [
  ['all', 'all'],
  ['upstream', 'upstream: what led to it'],
  ['downstream', 'downstream: what came of it']
];
/** A wide graph is shrunk to fit, as far as its words can still be read. */
const SMALLEST = 0.8;

/** The graph around one thing, or one side of it; every node opens its own page. */
export function LineageGraph(props: {
  lineage: Lineage;
  onOpen: (node: Node) => void;
}): JSX.Element {
  const [direction, setDirection] = React.useState<Direction>('all');
  const choice = React.useMemo(() => hasBothSides(props.lineage), [props.lineage]);
  const shown = React.useMemo(
    () => restrict(props.lineage, choice ? direction : 'all'),
    [props.lineage, choice, direction]
  );
  return (
    <>
      {choice && (
        <label className="jp-mlops-Choice">
          show{' '}
          <select
            aria-label="Part of the lineage"
            value={direction}
            onChange={event => setDirection(event.target.value as Direction)}
          >
            {DIRECTIONS.map(([value, words]) => (
              <option key={value} value={value}>
                {words}
              </option>
            ))}
          </select>
        </label>
      )}
      <Graph lineage={shown} onOpen={props.onOpen} />
      {props.lineage.truncated && (
        <p className="jp-mlops-Hint">There is more than fits here: open a node to see around it.</p>
      )}
    </>
  );
}

function Graph(props: { lineage: Lineage; onOpen: (node: Node) => void }): JSX.Element {
  const { lineage, onOpen } = props;
  const { places, lines, width, height } = React.useMemo(() => draw(lineage), [lineage]);
  const scroller = React.useRef<HTMLDivElement>(null);
  const scale = useScale(scroller, width);
  const arrow = React.useId();
  const shown = places.map(place => place.node.id).join(' ');
  React.useEffect(() => {
    const focus = scroller.current?.querySelector<HTMLElement>('.jp-mod-focus')?.parentElement;
    if (focus && scroller.current) {
      const { clientWidth, clientHeight } = scroller.current;
      scroller.current.scrollLeft = (focus.offsetLeft + BOX_WIDTH / 2) * scale - clientWidth / 2;
      scroller.current.scrollTop = (focus.offsetTop + BOX_HEIGHT) * scale - clientHeight / 2;
    }
  }, [shown, scale]);
  return (
    <div ref={scroller} className="jp-mlops-Lineage">
      <div style={{ width: width * scale, height: height * scale }}>
        <div
          style={{ width, height, transform: `scale(${scale})` }}
          role="list"
          aria-label="Lineage"
        >
          <svg width={width} height={height} aria-hidden="true">
            <marker
              id={arrow}
              viewBox="0 0 8 8"
              refX="7"
              refY="4"
              markerWidth="6"
              markerHeight="6"
              orient="auto"
            >
              <path d="M0 0L8 4L0 8z" />
            </marker>
            {lines.map(line => (
              <EdgeLine
                key={`${line.edge.source} ${line.edge.target} ${line.edge.relation}`}
                line={line}
                arrow={arrow}
              />
            ))}
          </svg>
          {places.map(place => (
            <NodeBox
              key={place.node.id}
              place={place}
              focus={place.node.id === lineage.focus}
              relations={relations(lineage, place.node.id)}
              onOpen={onOpen}
            />
          ))}
        </div>
      </div>
    </div>
  );
}

/** How much a graph of `width` is shrunk in the room that `node` has. */
function useScale(node: React.RefObject<HTMLElement>, width: number): number {
  const [room, setRoom] = React.useState(Infinity);
  React.useLayoutEffect(() => {
    const watcher = new ResizeObserver(() => setRoom(node.current?.clientWidth || Infinity));
    watcher.observe(node.current!);
    return () => watcher.disconnect();
  }, [node]);
  return Math.max(SMALLEST, Math.min(1, room / width));
}

function EdgeLine(props: { line: Line; arrow: string }): JSX.Element {
  const { points, edge, back } = props.line;
  return (
    <path
      d={back ? arc(points) : curve(points)}
      className={`jp-mlops-Edge${back ? ' jp-mod-back' : ''} jp-mlops-mod-${edge.relation}`}
      markerEnd={`url(#${props.arrow})`}
    >
      <title>{edge.relation}</title>
    </path>
  );
}

type Points = Line['points'];

/** Level through the lanes, curved between the columns. */
function curve(points: Points): string {
  return points
    .map(([x, y], i) => {
      if (i === 0) {
        return `M${x} ${y}`;
      }
      const [x0, y0] = points[i - 1];
      const middle = (x0 + x) / 2;
      return y0 === y ? `L${x} ${y}` : `C${middle} ${y0} ${middle} ${y} ${x} ${y}`;
    })
    .join('');
}

/** Below the boxes, from one's lower edge to another's. */
function arc([[x1, y1], [x2, y2]]: Points): string {
  const low = Math.max(y1, y2) + 14;
  return `M${x1} ${y1}C${x1} ${low} ${x2} ${low} ${x2} ${y2}`;
}

/** The node's edges in words: what a reader of the picture sees as lines. */
function relations(lineage: Lineage, id: string): string {
  const label = new Map(lineage.nodes.map(node => [node.id, node.label]));
  return lineage.edges
    .filter(edge => edge.source === id)
    .map(edge => `${edge.relation} → ${label.get(edge.target) ?? edge.target}`)
    .join(', ');
}

function NodeBox(props: {
  place: Place;
  focus: boolean;
  relations: string;
  onOpen: (node: Node) => void;
}): JSX.Element {
  const { node, x, y } = props.place;
  const Icon = (ICONS[node.kind as keyof typeof ICONS] ?? runIcon).react;
  const words = [node.kind, node.label, node.status, props.relations].filter(Boolean).join(', ');
  return (
    <div role="listitem" style={{ position: 'absolute', left: x, top: y }}>
      <button
        className={`jp-mlops-Node jp-mlops-mod-${node.status}${props.focus ? ' jp-mod-focus' : ''}`}
        style={{ width: BOX_WIDTH, height: BOX_HEIGHT }}
        aria-current={props.focus}
        aria-label={words}
        title={words}
        onClick={() => props.onOpen(node)}
      >
        <Icon tag="span" />
        <span>{node.label}</span>
      </button>
    </div>
  );
}
