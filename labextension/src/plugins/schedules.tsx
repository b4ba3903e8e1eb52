import { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { Notification } from '@jupyterlab/apputils';
import { CommandIDs } from '../commands';
import { IMlops } from '../tokens';
import { shortId } from '../ui/format';
import { confirm, tell } from './ask';

/** Pausing, running and deleting schedules. */
const schedules: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-mlops:schedules',
  description: 'Pauses, resumes, runs and deletes schedules.',
  autoStart: true,
  requires: [IMlops],
  activate: (app: JupyterFrontEnd, mlops: IMlops) => {
    const add = (command: string, label: string, change: (id: string) => Promise<void>) =>
      app.commands.addCommand(command, {
        label,
        execute: args => change(String(args['id'])).catch(tell)
      });
    add(CommandIDs.pauseSchedule, 'Pause Schedule', id => mlops.schedules.switch(id, false));
    add(CommandIDs.resumeSchedule, 'Resume Schedule', id => mlops.schedules.switch(id, true));
    add(CommandIDs.runSchedule, 'Run Schedule Now', async id => {
      const job = await mlops.schedules.run(id);
      Notification.success(`Submitted “${job.spec.name}” (${shortId(job.spec.id)})`, {
        autoClose: 10_000
      });
    });
    add(CommandIDs.deleteSchedule, 'Delete Schedule', id => deleteSchedule(mlops, id));
  }
};

async function deleteSchedule(mlops: IMlops, id: string): Promise<void> {
  const name = mlops.schedules.find(id)?.spec.name ?? shortId(id);
  const question = `Delete schedule “${name}” (${shortId(id)})? Its runs stay as they are.`;
  if (await confirm(question, 'Delete schedule')) {
    await mlops.schedules.delete(id);
  }
}

export default schedules;
