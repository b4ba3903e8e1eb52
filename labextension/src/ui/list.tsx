import { useVirtualizer } from '@tanstack/react-virtual';
import React from 'react';

export interface ListProps {
  label: string;
  count: number;
  rowHeight: number;
  row: (index: number) => React.ReactNode;
  onOpen: (index: number) => void;
  /** The rows in view, whenever they change. */
  onRange?: (first: number, last: number) => void;
  overscan?: number;
  /** With it the list is a tree: how deep a row stands, from 1. */
  level?: (index: number) => number;
  /** Whether a row is unfolded; undefined where it has nothing to unfold. */
  unfolded?: (index: number) => boolean | undefined;
  /** The arrow keys to the right and to the left; tells the row that is active then. */
  onFold?: (index: number, unfold: boolean) => number;
  /** With it rows can be picked, with the space bar or a click that holds Ctrl or ⌘. */
  onPick?: (index: number) => void;
  /** A click that holds Shift: all from the last one that was picked. */
  onPickTo?: (index: number) => void;
}

/** Arrow keys, Home, End and the page keys, as the ARIA patterns of a listbox and a tree have them. */
export function nextIndex(key: string, active: number, count: number, page: number): number | null {
  const steps: Record<string, number> = {
    ArrowDown: 1,
    ArrowUp: -1,
    PageDown: page,
    PageUp: -page,
    Home: -count,
    End: count
  };
  return key in steps ? Math.max(0, Math.min(count - 1, active + steps[key])) : null;
}

/** A list of any length of which only the rows in view are in the document. */
export function VirtualList(props: ListProps): JSX.Element {
  const { count, rowHeight, onOpen, onRange, level, overscan = 8 } = props;
  const id = React.useId();
  const scroller = React.useRef<HTMLDivElement>(null);
  const [wanted, setActive] = React.useState(0);
  const active = Math.max(0, Math.min(wanted, count - 1));
  const virtual = useVirtualizer({
    count,
    getScrollElement: () => scroller.current,
    estimateSize: () => rowHeight,
    overscan
  });
  const items = virtual.getVirtualItems();
  const first = items[0]?.index ?? 0;
  const last = items[items.length - 1]?.index ?? 0;
  React.useEffect(() => onRange?.(first, last), [first, last, onRange]);

  const onKeyDown = (event: React.KeyboardEvent) => {
    if (event.key === 'Enter' || event.key === ' ') {
      event.preventDefault();
      (event.key === ' ' && props.onPick ? props.onPick : onOpen)(active);
      return;
    }
    if (props.onFold && (event.key === 'ArrowRight' || event.key === 'ArrowLeft')) {
      event.preventDefault();
      const next = props.onFold(active, event.key === 'ArrowRight');
      setActive(next);
      virtual.scrollToIndex(next);
      return;
    }
    const page = Math.max(1, Math.floor((scroller.current?.clientHeight ?? 0) / rowHeight) - 1);
    const next = nextIndex(event.key, active, count, page);
    if (next !== null) {
      event.preventDefault();
      setActive(next);
      virtual.scrollToIndex(next);
    }
  };

  return (
    <div
      ref={scroller}
      className="jp-mlops-List"
      role={level ? 'tree' : 'listbox'}
      aria-label={props.label}
      aria-activedescendant={count ? `${id}-${active}` : undefined}
      tabIndex={0}
      onKeyDown={onKeyDown}
    >
      <div style={{ height: virtual.getTotalSize(), position: 'relative' }}>
        {items.map(item => (
          <div
            key={item.key}
            id={`${id}-${item.index}`}
            role={level ? 'treeitem' : 'option'}
            aria-level={level?.(item.index)}
            aria-expanded={props.unfolded?.(item.index)}
            aria-selected={item.index === active}
            aria-posinset={item.index + 1}
            aria-setsize={count}
            className={`jp-mlops-Row${item.index === active ? ' jp-mod-active' : ''}`}
            style={{ height: item.size, transform: `translateY(${item.start}px)` }}
            onClick={event => {
              setActive(item.index);
              const picks = event.ctrlKey || event.metaKey ? props.onPick : undefined;
              const picksTo = event.shiftKey ? props.onPickTo : undefined;
              (picksTo ?? picks ?? onOpen)(item.index);
            }}
          >
            {props.row(item.index)}
          </div>
        ))}
      </div>
    </div>
  );
}
