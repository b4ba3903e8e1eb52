import audit from './plugins/audit';
import features from './plugins/features';
import jobs from './plugins/jobs';
import notebook from './plugins/notebook';
import registry from './plugins/registry';
import runs from './plugins/runs';
import schedules from './plugins/schedules';
import services from './plugins/services';
import sidebar from './plugins/sidebar';
import sweeps from './plugins/sweeps';
import usage from './plugins/usage';

export default [
  services,
  runs,
  jobs,
  sweeps,
  schedules,
  usage,
  registry,
  features,
  audit,
  sidebar,
  notebook
];
