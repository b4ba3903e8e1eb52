import jobs from './plugins/jobs';
import notebook from './plugins/notebook';
import registry from './plugins/registry';
import runs from './plugins/runs';
import services from './plugins/services';
import sidebar from './plugins/sidebar';
import sweeps from './plugins/sweeps';

export default [services, runs, jobs, sweeps, registry, sidebar, notebook];
