/** The extension's commands. Cards in notebooks name those that open and cancel runs, jobs and sweeps. */
export namespace CommandIDs {
  export const openSidebar = 'jupyter-mlops:open-sidebar';
  export const refresh = 'jupyter-mlops:refresh';
  export const openRun = 'jupyter-mlops:open-run';
  export const compareRuns = 'jupyter-mlops:compare-runs';
  export const openJob = 'jupyter-mlops:open-job';
  export const openDataset = 'jupyter-mlops:open-dataset';
  export const openModel = 'jupyter-mlops:open-model';
  export const openFeature = 'jupyter-mlops:open-feature';
  export const openAudit = 'jupyter-mlops:open-audit';
  export const cancelJob = 'jupyter-mlops:cancel-job';
  export const openSweep = 'jupyter-mlops:open-sweep';
  export const cancelSweep = 'jupyter-mlops:cancel-sweep';
  export const pauseSchedule = 'jupyter-mlops:pause-schedule';
  export const resumeSchedule = 'jupyter-mlops:resume-schedule';
  export const runSchedule = 'jupyter-mlops:run-schedule';
  export const deleteSchedule = 'jupyter-mlops:delete-schedule';
  export const openUsage = 'jupyter-mlops:open-usage';
  export const submitNotebook = 'jupyter-mlops:submit-notebook';
}

export const CATEGORY = 'MLOps';
