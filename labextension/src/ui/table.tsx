import { useVirtualizer } from '@tanstack/react-virtual';
import React from 'react';

export interface Column<Row> {
  key: string;
  title: string;
  /** In pixels. */
  width: number;
  numeric?: boolean;
  /** With it the table can be ordered by the column. */
  sortable?: boolean;
  cell: (row: Row) => React.ReactNode;
}

export interface Order {
  key: string;
  descending: boolean;
}

export interface TableProps<Row> {
  label: string;
  columns: readonly Column<Row>[];
  rows: readonly Row[];
  rowKey: (row: Row) => React.Key;
  rowClass?: (row: Row) => string;
  order: Order;
  onOrder: (order: Order) => void;
  /** The row that is pointed at, or null. */
  onPoint?: (row: Row | null) => void;
}

const ROW_HEIGHT = 28;

/** A table of any length of which only the rows in view are in the document; its head stays in sight. */
export function VirtualTable<Row>(props: TableProps<Row>): JSX.Element {
  const { columns, rows, rowKey, rowClass, onPoint } = props;
  const scroller = React.useRef<HTMLDivElement>(null);
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => ROW_HEIGHT,
    overscan: 8
  });
  const items = virtual.getVirtualItems();
  const before = items[0]?.start ?? 0;
  const after = virtual.getTotalSize() - (items[items.length - 1]?.end ?? 0);
  return (
    <div
      ref={scroller}
      className="jp-mlops-BigTable"
      role="region"
      aria-label={`${props.label}, scrollable`}
      tabIndex={0}
    >
      <table
        className="jp-mlops-Table"
        aria-label={props.label}
        aria-rowcount={rows.length + 1}
        style={{ width: columns.reduce((sum, column) => sum + column.width, 0) }}
      >
        <colgroup>
          {columns.map(column => (
            <col key={column.key} style={{ width: column.width }} />
          ))}
        </colgroup>
        <thead>
          <tr aria-rowindex={1}>
            {columns.map(column => (
              <Head key={column.key} column={column} order={props.order} onOrder={props.onOrder} />
            ))}
          </tr>
        </thead>
        <tbody>
          <Gap height={before} />
          {items.map(({ index }) => (
            <tr
              key={rowKey(rows[index])}
              aria-rowindex={index + 2}
              className={rowClass?.(rows[index])}
              style={{ height: ROW_HEIGHT }}
              onPointerEnter={() => onPoint?.(rows[index])}
              onPointerLeave={() => onPoint?.(null)}
            >
              {columns.map(column => (
                <td key={column.key} className={column.numeric ? 'jp-mod-numeric' : ''}>
                  {column.cell(rows[index])}
                </td>
              ))}
            </tr>
          ))}
          <Gap height={after} />
        </tbody>
      </table>
    </div>
  );
}

/** The height of rows that are not in the document. */
function Gap(props: { height: number }): JSX.Element | null {
  return props.height > 0 ? <tr aria-hidden="true" style={{ height: props.height }} /> : null;
}

function Head<Row>(props: {
  column: Column<Row>;
  order: Order;
  onOrder: (order: Order) => void;
}): JSX.Element {
  const { column, order, onOrder } = props;
  const sorted = column.key === order.key;
  const direction = order.descending ? 'descending' : 'ascending';
  return (
    <th
      scope="col"
      className={column.numeric ? 'jp-mod-numeric' : ''}
      aria-sort={column.sortable ? (sorted ? direction : 'none') : undefined}
    >
      {column.sortable ? (
        <button
          title={`Order by ${column.title}`}
          onClick={() =>
            onOrder({ key: column.key, descending: sorted ? !order.descending : false })
          }
        >
          {column.title}
          <span aria-hidden="true">{sorted ? (order.descending ? ' ▾' : ' ▴') : ''}</span>
        </button>
      ) : (
        column.title
      )}
    </th>
  );
}
