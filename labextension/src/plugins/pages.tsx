import { ILayoutRestorer, JupyterFrontEnd } from '@jupyterlab/application';
import { MainAreaWidget, WidgetTracker } from '@jupyterlab/apputils';
import { PageConfig } from '@jupyterlab/coreutils';
import { LabIcon, ReactWidget } from '@jupyterlab/ui-components';
import { Message } from '@lumino/messaging';
import { ISignal } from '@lumino/signaling';
import React from 'react';
import { AccessModel } from '../api/access';
import { Node } from '../api/types';
import { CommandIDs } from '../commands';
import { AccessContext } from '../ui/access';

/** What a page needs of its model. */
interface PageModel {
  readonly stateChanged: ISignal<unknown, void>;
  refresh(): Promise<void>;
  dispose(): void;
  /** Called while the page can be seen, where there is something to follow only then. */
  watch?(): void;
  unwatch?(): void;
}

/** A model's view as a widget that owns the model. */
class PageWidget<M extends PageModel> extends ReactWidget {
  constructor(
    readonly key: string,
    readonly model: M,
    private _view: JSX.Element
  ) {
    super();
    this.addClass('jp-mlops-PageWidget');
  }

  dispose(): void {
    if (!this.isDisposed) {
      this.model.dispose();
      super.dispose();
    }
  }

  protected render(): JSX.Element {
    return this._view;
  }

  protected onAfterShow(): void {
    this.model.watch?.();
  }

  protected onAfterHide(): void {
    this.model.unwatch?.();
  }

  protected onAfterAttach(message: Message): void {
    super.onAfterAttach(message);
    if (this.isVisible) {
      this.model.watch?.();
    }
  }
}

export interface PagesOptions<M extends PageModel> {
  app: JupyterFrontEnd;
  restorer: ILayoutRestorer | null;
  namespace: string;
  icon: LabIcon;
  /** The command that opens a page, and its argument that holds the key. */
  command: string;
  argument: string;
  model: (key: string) => M;
  view: (model: M) => JSX.Element;
  title: (model: M) => string;
  /** What the reader may do, for pages whose models do not know it. */
  access?: AccessModel;
}

/** The pages of one kind: at most one a key, restored with the layout. */
export class Pages<M extends PageModel> {
  constructor(private _options: PagesOptions<M>) {
    const { restorer, command, argument, namespace } = _options;
    this._tracker = new WidgetTracker<MainAreaWidget<PageWidget<M>>>({ namespace });
    void restorer?.restore(this._tracker, {
      command,
      args: page => ({ [argument]: page.content.key }),
      name: page => page.content.key
    });
  }

  /** Show the page of `key`, made when there is none; its model. */
  open(key: string): M {
    const { app } = this._options;
    let page = this._tracker.find(each => each.content.key === key);
    if (!page) {
      page = this._make(key);
      app.shell.add(page, mainArea(app));
      void this._tracker.add(page);
    }
    app.shell.activateById(page.id);
    return page.content.model;
  }

  private _make(key: string): MainAreaWidget<PageWidget<M>> {
    const { namespace, icon, model: makeModel, view, title, access = null } = this._options;
    const model = makeModel(key);
    const page = new MainAreaWidget({
      content: new PageWidget(
        key,
        model,
        <AccessContext.Provider value={access}>{view(model)}</AccessContext.Provider>
      )
    });
    page.toolbar.hide();
    page.id = `${namespace}-${key}`;
    page.title.icon = icon;
    page.title.closable = true;
    const rename = () => {
      page.title.label = title(model);
    };
    rename();
    model.stateChanged.connect(rename);
    void model.refresh();
    return page;
  }

  private _tracker: WidgetTracker<MainAreaWidget<PageWidget<M>>>;
}

/** Notebook 7 has room for one main widget, the notebook: there, pages open beside it. */
function mainArea(app: JupyterFrontEnd): string {
  return isLabShell(app) ? 'main' : 'right';
}

function isLabShell(app: JupyterFrontEnd): boolean {
  return 'mode' in app.shell;
}

/** Opens the page of a lineage node or of a sweep, or a notebook that this server can show. */
export function nodeOpener(app: JupyterFrontEnd): (node: Node) => void {
  const openNotebook = notebookOpener(app);
  return node => {
    const found = commandOf(node);
    if (found) {
      void app.commands.execute(found[0], found[1]);
    } else if (node.kind === 'notebook') {
      openNotebook(node.id.slice(node.id.indexOf(':') + 1))?.();
    }
  };
}

/** How the id of a dataset's alias begins. */
const OF_DATASET = 'dataset:';

/** The command that opens a node, with its arguments; undefined where there is none. */
export function commandOf(node: Node): [string, Record<string, string>] | undefined {
  const ref = node.id.slice(node.id.indexOf(':') + 1);
  const [, name, chosen = ''] = ref.match(/^(.*?)(?:@([^@]*))?$/s) ?? ['', ref];
  // a version by its number, or what an alias stands for
  const part: Record<string, string> = /^\d*$/.test(chosen)
    ? { version: chosen }
    : { alias: chosen };
  const commands: Record<string, [string, Record<string, string>]> = {
    run: [CommandIDs.openRun, { id: ref }],
    job: [CommandIDs.openJob, { id: ref }],
    sweep: [CommandIDs.openSweep, { id: ref }],
    dataset: [CommandIDs.openDataset, { name, ...part }],
    model: [CommandIDs.openModel, { name, ...part }],
    alias: name.startsWith(OF_DATASET)
      ? [CommandIDs.openDataset, { name: name.slice(OF_DATASET.length), ...part }]
      : [CommandIDs.openModel, { name, ...part }],
    view: [CommandIDs.openFeature, { name, ...part }]
  };
  return commands[node.kind];
}

/** Opens the page of decisions on a subject. */
export function historyOpener(app: JupyterFrontEnd): (subject: string) => void {
  return subject => void app.commands.execute(CommandIDs.openAudit, { subject });
}

/** Opens a notebook by its path on the host; null where this server cannot show that path. */
export function notebookOpener(app: JupyterFrontEnd): (path: string) => (() => void) | null {
  return path => {
    const relative = contentsPath(path, PageConfig.getOption('serverRoot'));
    return relative === null
      ? null
      : () => void app.commands.execute('docmanager:open', { path: relative });
  };
}

/**
 * The contents API's path of a path on the host, or null where it is not below the server's root or
 * is hidden there. JupyterLab writes the user's home folder in the root as `~`.
 */
export function contentsPath(path: string, serverRoot: string): string | null {
  if (!path.startsWith('/')) {
    return path;
  }
  const root = serverRoot.replace(/\/$/, '');
  const homes = /^(\/root|\/home\/[^/]+|\/Users\/[^/]+)/;
  const candidate = root.startsWith('~') ? path.replace(homes, '~') : path;
  if (!root && !serverRoot) {
    return null;
  }
  if (!candidate.startsWith(`${root}/`)) {
    return null;
  }
  const relative = candidate.slice(root.length + 1);
  return relative.split('/').some(part => part.startsWith('.')) ? null : relative;
}
