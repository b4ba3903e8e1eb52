import jobs from './plugins/jobs';
import notebook from './plugins/notebook';
import registry from './plugins/registry';
import runs from './plugins/runs';
import services from './plugins/services';
import sidebar from './plugins/sidebar';

export default [services, runs, jobs, registry, sidebar, notebook];
