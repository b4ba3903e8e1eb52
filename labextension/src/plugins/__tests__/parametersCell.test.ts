import { JupyterFrontEnd } from '@jupyterlab/application';
import { describe, expect, it, vi } from 'vitest';
import { ParametersCell } from '../../api/types';
import {
  editContent,
  editShared,
  NotebookContent,
  parametersCellWriter,
  SharedNotebook
} from '../parametersCell';

const MOVED: ParametersCell = {
  index: 1,
  source: 'lr = 0.1\nn = 3',
  edits: [
    { index: 1, before: 'lr = 0.1\nfit(lr)', after: 'fit(lr)' },
    { index: 2, before: 'n = 3', after: null }
  ]
};
const SOURCES = ['import x', 'lr = 0.1\nfit(lr)', 'n = 3'];
const EDITED = ['import x', 'lr = 0.1\nn = 3', 'fit(lr)'];
const TAGGED: ParametersCell = {
  index: 2,
  source: null,
  edits: [{ index: 2, before: 'n = 3', after: 'n = 3' }]
};

/** An open notebook that counts the steps to undo. */
class OpenNotebook implements SharedNotebook {
  cells = SOURCES.map(source => new OpenCell(source));
  steps = 0;
  insertCell(index: number, cell: { source: string; metadata: { tags: string[] } }): void {
    this.cells.splice(index, 0, new OpenCell(cell.source, cell.metadata));
  }
  deleteCell(index: number): void {
    this.cells.splice(index, 1);
  }
  transact(change: () => void): void {
    this.steps += 1;
    change();
  }
}

class OpenCell {
  constructor(
    public source: string,
    public metadata: Record<string, unknown> = {}
  ) {}
  getSource = () => this.source;
  setSource = (source: string) => (this.source = source);
  getMetadata = (key: string) => this.metadata[key];
  setMetadata = (key: string, value: unknown) => (this.metadata[key] = value);
}

function aFile(): NotebookContent {
  const cells = SOURCES.map(source => ({ source: source.split(/(?<=\n)/), metadata: {} }));
  return { cells, nbformat: 4, nbformat_minor: 5 };
}

function sourcesOf(content: NotebookContent): string[] {
  return content.cells.map(cell => [cell.source].flat().join(''));
}

describe('a parameters cell', () => {
  it('comes into an open notebook as one step to undo', () => {
    const notebook = new OpenNotebook();
    editShared(notebook, MOVED);
    expect(notebook.cells.map(cell => cell.source)).toEqual(EDITED);
    expect([notebook.cells[1].metadata, notebook.steps]).toEqual([{ tags: ['parameters'] }, 1]);
  });

  it('is a cell that gets the tag beside those it had, where it holds nothing else', () => {
    const notebook = new OpenNotebook();
    notebook.cells[2].metadata.tags = ['mine'];
    editShared(notebook, TAGGED);
    const content = aFile();
    editContent(content, TAGGED);
    expect(notebook.cells[2].metadata.tags).toEqual(['mine', 'parameters']);
    expect([sourcesOf(content), content.cells[2].metadata.tags]).toEqual([SOURCES, ['parameters']]);
  });

  it('comes into a file, with an id where the format has ids', () => {
    const [content, older] = [aFile(), { ...aFile(), nbformat_minor: 4 }];
    editContent(content, MOVED);
    editContent(older, MOVED);
    expect(sourcesOf(content)).toEqual(EDITED);
    expect([content.cells[1], older.cells[1]].map(cell => 'id' in cell)).toEqual([true, false]);
  });

  it('does not come into a notebook that has changed meanwhile', () => {
    const [notebook, content] = [new OpenNotebook(), aFile()];
    notebook.cells[2].source = 'n = 4';
    content.cells.pop();
    expect(() => editShared(notebook, MOVED)).toThrow(/changed meanwhile \(cell 3\)/);
    expect(() => editContent(content, MOVED)).toThrow(/changed meanwhile/);
    expect([notebook.steps, sourcesOf(content)]).toEqual([0, SOURCES.slice(0, 2)]);
  });
});

describe('writing a parameters cell', () => {
  function anApp(contexts: object[], contents: object) {
    const shell = { widgets: () => contexts.map(context => ({ context })) };
    return { shell, serviceManager: { contents } } as unknown as JupyterFrontEnd;
  }

  it('goes through the open document, which is then saved, and not past it to the file', async () => {
    const notebook = new OpenNotebook();
    const save = vi.fn(async () => expect(notebook.cells.map(each => each.source)).toEqual(EDITED));
    const contents = { get: vi.fn(), save: vi.fn() };
    const app = anApp([{ path: 'a.ipynb', model: { sharedModel: notebook }, save }], contents);
    await parametersCellWriter(app, 'a.ipynb')(MOVED);
    expect([save.mock.calls.length, contents.get.mock.calls.length]).toEqual([1, 0]);
  });

  it('goes to the file of a notebook that is not open', async () => {
    const save = vi.fn();
    const get = vi.fn(async () => ({ content: aFile(), last_modified: 'then' }));
    const app = anApp([{ path: 'b.ipynb', model: {} }], { get, save });
    await parametersCellWriter(app, 'a.ipynb')(MOVED);
    expect(sourcesOf(save.mock.lastCall?.[1].content)).toEqual(EDITED);
  });

  it('gives up when the file changes while it is edited', async () => {
    const save = vi.fn();
    let times = 0;
    const get = async () => ({ content: aFile(), last_modified: String((times += 1)) });
    const app = anApp([], { get, save });
    await expect(parametersCellWriter(app, 'a.ipynb')(MOVED)).rejects.toThrow(/changed meanwhile/);
    expect(save).not.toHaveBeenCalled();
  });
});
