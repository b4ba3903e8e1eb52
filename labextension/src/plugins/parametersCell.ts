import { JupyterFrontEnd } from '@jupyterlab/application';
import { DocumentRegistry } from '@jupyterlab/docregistry';
import { Widget } from '@lumino/widgets';
import { RequestError } from '../api/request';
import { CellEdit, ParametersCell } from '../api/types';

const TAG = 'parameters';
const METADATA = { tags: [TAG] };

/** Of an open notebook's shared model what is needed here. */
export interface SharedNotebook {
  readonly cells: readonly SharedCell[];
  insertCell(index: number, cell: object): unknown;
  deleteCell(index: number): void;
  transact(change: () => void): void;
}

export interface SharedCell {
  getSource(): string;
  setSource(source: string): void;
  getMetadata(key: string): unknown;
  setMetadata(key: string, value: unknown): void;
}

/** A notebook as its file has it. */
export interface NotebookContent {
  cells: FileCell[];
  nbformat: number;
  nbformat_minor: number;
}

interface FileCell {
  source: string | string[];
  metadata: { tags?: string[] };
}

/** The open documents of a file. */
export function contextsOf(app: JupyterFrontEnd, path: string): DocumentRegistry.Context[] {
  const contexts = [...app.shell.widgets('main')].map(contextOf);
  return [...new Set(contexts.filter(each => each?.path === path))] as DocumentRegistry.Context[];
}

export function contextOf(widget: Widget | null): DocumentRegistry.Context | undefined {
  return (widget as { context?: DocumentRegistry.Context } | null)?.context;
}

/**
 * Gives a notebook its parameters cell: in the open document, where it is one step to undo, and then saved;
 * else in the file. Throws where a cell is not what the server saw.
 */
export function parametersCellWriter(
  app: JupyterFrontEnd,
  path: string
): (cell: ParametersCell) => Promise<void> {
  return async cell => {
    const context = contextsOf(app, path).find(each => sharedOf(each) !== null);
    const shared = context && sharedOf(context);
    if (context && shared) {
      editShared(shared, cell);
      await context.save();
      return;
    }
    const { contents } = app.serviceManager;
    const file = await contents.get(path, { type: 'notebook', content: true });
    editContent(file.content, cell);
    const now = await contents.get(path, { type: 'notebook', content: false });
    if (now.last_modified !== file.last_modified) {
      throw changed();
    }
    await contents.save(path, { type: 'notebook', format: 'json', content: file.content });
  };
}

/** Edit an open notebook. */
export function editShared(
  notebook: SharedNotebook,
  { index, source, edits }: ParametersCell
): void {
  check(
    edits,
    notebook.cells.map(each => each.getSource())
  );
  notebook.transact(() => {
    if (source === null) {
      const cell = notebook.cells[index];
      const tags = (cell.getMetadata('tags') as string[] | undefined) ?? [];
      cell.setMetadata('tags', [...tags, TAG]);
      return;
    }
    for (const edit of fromTheEnd(edits)) {
      if (edit.after === null) {
        notebook.deleteCell(edit.index);
      } else {
        notebook.cells[edit.index].setSource(edit.after);
      }
    }
    notebook.insertCell(index, { cell_type: 'code', source, metadata: METADATA });
  });
}

/** Edit a notebook that is open nowhere. */
export function editContent(
  content: NotebookContent,
  { index, source, edits }: ParametersCell
): void {
  check(
    edits,
    content.cells.map(each => [each.source].flat().join(''))
  );
  if (source === null) {
    const { metadata } = content.cells[index];
    metadata.tags = [...(metadata.tags ?? []), TAG];
    return;
  }
  for (const edit of fromTheEnd(edits)) {
    if (edit.after === null) {
      content.cells.splice(edit.index, 1);
    } else {
      content.cells[edit.index].source = edit.after;
    }
  }
  const made = {
    cell_type: 'code',
    source,
    metadata: METADATA,
    outputs: [],
    execution_count: null,
    ...(content.nbformat_minor >= 5 && { id: newId() })
  };
  content.cells.splice(index, 0, made);
}

function sharedOf(context: DocumentRegistry.Context): SharedNotebook | null {
  const shared = context.model.sharedModel as unknown as Partial<SharedNotebook>;
  return shared.cells && shared.insertCell ? (shared as SharedNotebook) : null;
}

function check(edits: readonly CellEdit[], sources: readonly string[]): void {
  const other = edits.find(edit => sources[edit.index] !== edit.before);
  if (other) {
    throw changed(other.index);
  }
}

function changed(index?: number): RequestError {
  const cell = index === undefined ? '' : ` (cell ${index + 1})`;
  return new RequestError(
    'conflict',
    `The notebook has changed meanwhile${cell}: nothing was written. Submit once more.`
  );
}

function fromTheEnd(edits: readonly CellEdit[]): CellEdit[] {
  return [...edits].sort((a, b) => b.index - a.index);
}

function newId(): string {
  return `parameters-${Math.random().toString(36).slice(2, 10)}`;
}
