import { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import React from 'react';
import { ExecutedCell } from '../../api/replay';
import { RunDetail } from '../../api/types';
import { counted } from '../../ui/format';
import { Fold, Section } from '../../ui/page';
import { Code } from '../../ui/rich';
import { ErrorBox, Loading } from '../../ui/states';
import { RunModel } from './runModel';

/** What is known of the cells that the kernel had executed before. */
interface HistoryContext {
  digest?: string;
  cells?: number;
  executed?: number;
  in_order?: boolean | null;
  reason?: string;
  /** What could not be told. */
  undecided?: string[];
  /** Random generators that no cell seeds. */
  unseeded?: string[];
}

function historyOf(context: Record<string, unknown>): HistoryContext | null {
  const history = context['history'] as HistoryContext | undefined;
  return history && typeof history === 'object' ? history : null;
}

/** Says before anybody tries whether the notebook was run top to bottom. */
export function OrderBadge(props: { context: Record<string, unknown> }): JSX.Element | null {
  const history = historyOf(props.context);
  if (!history || typeof history.in_order !== 'boolean') {
    return null;
  }
  return (
    <span
      className={`jp-mlops-Order${history.in_order ? ' jp-mod-ok' : ' jp-mod-warn'}`}
      title={history.reason || 'The cells were executed from top to bottom.'}
    >
      {history.in_order ? 'run top to bottom' : 'run out of order'}
    </span>
  );
}

export function RunCode(props: {
  model: RunModel;
  detail: RunDetail;
  rendermime: IRenderMimeRegistry;
}): JSX.Element | null {
  const { model, detail, rendermime } = props;
  const history = historyOf(detail.context);
  if (!detail.source && !history) {
    return null;
  }
  return (
    <Section title="Code">
      {history?.in_order === false && history.reason && (
        <div className="jp-mlops-Notice">Run out of order: {history.reason}</div>
      )}
      {[...(history?.undecided ?? []), ...(history?.unseeded ?? [])].map(warning => (
        <p key={warning} className="jp-mlops-Hint jp-mod-warn">
          {warning}
        </p>
      ))}
      {detail.source && <Code rendermime={rendermime} source={detail.source} />}
      {history?.digest && (
        <Fold title={historyTitle(history)} onOpen={() => void model.showCells()}>
          <History model={model} rendermime={rendermime} />
        </Fold>
      )}
    </Section>
  );
}

function historyTitle({ cells, executed }: HistoryContext): string {
  const needed = cells === undefined ? 'Cells' : counted(cells, 'cell');
  const of = executed === undefined ? '' : ` of the ${executed} executed before`;
  return `${needed} that it depended on${of}`;
}

function History(props: { model: RunModel; rendermime: IRenderMimeRegistry }): JSX.Element {
  const { value, error } = props.model.cells;
  const [all, setAll] = React.useState(false);
  if (error) {
    return <ErrorBox error={error} retry={() => void props.model.showCells()} />;
  }
  if (!value) {
    return <Loading />;
  }
  const others = value.filter(cell => !cell.needed).length;
  const shown = all ? value : value.filter(cell => cell.needed);
  return (
    <>
      {shown.length === 0 && <p className="jp-mlops-Hint">None: it stands on its own.</p>}
      <ol className="jp-mlops-History" aria-label="Executed cells, in order">
        {shown.map((cell, i) => (
          <Executed key={i} cell={cell} rendermime={props.rendermime} />
        ))}
      </ol>
      {others > 0 && (
        <label className="jp-mlops-Hint">
          <input type="checkbox" checked={all} onChange={event => setAll(event.target.checked)} />
          also the {counted(others, 'cell')} that it did not need
        </label>
      )}
    </>
  );
}

function Executed(props: { cell: ExecutedCell; rendermime: IRenderMimeRegistry }): JSX.Element {
  const { number, source, ok, needed, why } = props.cell;
  return (
    <li className={needed ? '' : 'jp-mod-unneeded'}>
      <div className="jp-mlops-History-head">
        <code>[{number}]</code>
        <span>
          {needed ? 'needed' : 'not needed'}
          {why && `: ${why}`}
          {!ok && ' · raised'}
        </span>
      </div>
      <Code rendermime={props.rendermime} source={source} />
    </li>
  );
}
