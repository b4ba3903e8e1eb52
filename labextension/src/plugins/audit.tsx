import { ILayoutRestorer, JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import React from 'react';
import { CATEGORY, CommandIDs } from '../commands';
import { AuditPage } from '../features/audit/AuditPage';
import { AuditModel } from '../features/audit/model';
import { IMlops } from '../tokens';
import { historyIcon } from '../ui/icons';
import { nodeOpener, Pages } from './pages';

/** The page of who decided what, on one subject or on all. */
const audit: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-mlops:audit',
  description: 'Shows the trail of decisions about datasets, models, feature views and jobs.',
  autoStart: true,
  requires: [IMlops],
  optional: [ICommandPalette, ILayoutRestorer],
  activate: (
    app: JupyterFrontEnd,
    mlops: IMlops,
    palette: ICommandPalette | null,
    restorer: ILayoutRestorer | null
  ) => {
    const pages = new Pages<AuditModel>({
      app,
      restorer,
      namespace: 'jupyter-mlops-audit',
      icon: historyIcon,
      command: CommandIDs.openAudit,
      argument: 'subject',
      model: subject => new AuditModel(subject, mlops.registry, mlops.changes),
      title: model => (model.subject ? `History: ${model.subject}` : 'Audit trail'),
      view: model => <AuditPage model={model} onOpen={nodeOpener(app)} />
    });
    app.commands.addCommand(CommandIDs.openAudit, {
      label: 'Show Audit Trail',
      caption: 'Who decided what and when: registrations, aliases, approvals, jobs',
      icon: historyIcon,
      execute: args => {
        pages.open(String(args['subject'] ?? ''));
      }
    });
    palette?.addItem({ command: CommandIDs.openAudit, category: CATEGORY });
  }
};

export default audit;
