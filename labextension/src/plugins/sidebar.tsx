import { ILayoutRestorer, JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import {
  CommandToolbarButton,
  LabIcon,
  ReactWidget,
  refreshIcon,
  SidePanel
} from '@jupyterlab/ui-components';
import { AccordionPanel, SplitPanel } from '@lumino/widgets';
import React from 'react';
import { CATEGORY, CommandIDs } from '../commands';
import { DatasetList } from '../features/datasets/DatasetList';
import { FeatureViewList } from '../features/featureviews/FeatureViewList';
import { JobList } from '../features/jobs/JobList';
import { ModelList } from '../features/models/ModelList';
import { RunList } from '../features/runs/RunList';
import { ScheduleList } from '../features/schedules/ScheduleList';
import { IMlops } from '../tokens';
import { AccessContext } from '../ui/access';
import { mlopsIcon } from '../ui/icons';

const PANEL_ID = 'jupyter-mlops:panel';
const RANK = 150;
/** Runs get most of the height; jobs and datasets show two rows on a small screen. */
const RELATIVE_SIZES = [9, 4, 2, 4, 3, 3];

/** The panel with runs, jobs, schedules, datasets, models and feature views. */
const sidebar: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-mlops:sidebar',
  description:
    'Lists runs, jobs, schedules, datasets, models and feature views in the left sidebar.',
  autoStart: true,
  requires: [IMlops],
  optional: [ICommandPalette, ILayoutRestorer],
  activate: (
    app: JupyterFrontEnd,
    mlops: IMlops,
    palette: ICommandPalette | null,
    restorer: ILayoutRestorer | null
  ) => {
    const panel = makePanel(app, mlops);
    app.shell.add(panel, 'left', { rank: RANK, type: 'MLOps' });
    restorer?.add(panel, PANEL_ID);
    app.commands.addCommand(CommandIDs.openSidebar, {
      label: 'Show Runs, Jobs, Datasets and Models',
      icon: mlopsIcon,
      execute: () => app.shell.activateById(PANEL_ID)
    });
    palette?.addItem({ command: CommandIDs.openSidebar, category: CATEGORY });
  }
};

function makePanel(app: JupyterFrontEnd, mlops: IMlops): SidePanel {
  const panel = new SidePanel();
  panel.id = PANEL_ID;
  panel.title.icon = mlopsIcon;
  panel.title.caption = 'MLOps: runs, jobs, schedules, datasets, models, features';
  panel.addClass('jp-mlops-Panel');
  const open = (command: string, argument: string) => (value: string) =>
    void app.commands.execute(command, { [argument]: value });
  const sections: [string, JSX.Element][] = [
    [
      'Runs',
      <RunList
        model={mlops.runs}
        onOpen={open(CommandIDs.openRun, 'id')}
        onCompare={ids => open(CommandIDs.compareRuns, 'runs')(ids.join(' '))}
      />
    ],
    [
      'Jobs',
      <JobList
        model={mlops.jobs}
        onOpen={open(CommandIDs.openJob, 'id')}
        onOpenSweep={open(CommandIDs.openSweep, 'id')}
        onCancel={open(CommandIDs.cancelJob, 'id')}
        onCancelSweep={open(CommandIDs.cancelJob, 'sweep')}
      />
    ],
    [
      'Schedules',
      <ScheduleList
        model={mlops.schedules}
        onOpenJob={open(CommandIDs.openJob, 'id')}
        onSwitch={(id, enabled) =>
          open(enabled ? CommandIDs.resumeSchedule : CommandIDs.pauseSchedule, 'id')(id)
        }
        onRun={open(CommandIDs.runSchedule, 'id')}
        onDelete={open(CommandIDs.deleteSchedule, 'id')}
      />
    ],
    [
      'Datasets',
      <DatasetList model={mlops.datasets} onOpen={open(CommandIDs.openDataset, 'name')} />
    ],
    ['Models', <ModelList model={mlops.models} onOpen={open(CommandIDs.openModel, 'name')} />],
    [
      'Features',
      <FeatureViewList model={mlops.features} onOpen={open(CommandIDs.openFeature, 'name')} />
    ]
  ];
  sections.forEach(([label, view], i) => {
    const section = makeSection(
      label,
      <AccessContext.Provider value={mlops.access}>{view}</AccessContext.Provider>
    );
    // a restored panel begins with no height, whatever its sizes: it must grow as it was meant to be
    SplitPanel.setStretch(section, RELATIVE_SIZES[i]);
    panel.addWidget(section);
  });
  panel.toolbar.addItem('audit', button(app, CommandIDs.openAudit));
  panel.toolbar.addItem('usage', button(app, CommandIDs.openUsage));
  panel.toolbar.addItem('refresh', button(app, CommandIDs.refresh, refreshIcon));
  (panel.content as AccordionPanel).setRelativeSizes(RELATIVE_SIZES);
  return panel;
}

/** A command as an icon, by default its own. */
function button(app: JupyterFrontEnd, id: string, icon?: LabIcon): CommandToolbarButton {
  return new CommandToolbarButton({
    commands: app.commands,
    id,
    label: '',
    ...(icon ? { icon } : {})
  });
}

function makeSection(label: string, view: JSX.Element): ReactWidget {
  const section = ReactWidget.create(view);
  section.title.label = label;
  section.addClass('jp-mlops-PanelSection');
  return section;
}

export default sidebar;
