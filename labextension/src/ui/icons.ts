import { LabIcon } from '@jupyterlab/ui-components';

/** Paths are drawn on a grid of 16. */
function icon(name: string, body: string): LabIcon {
  return new LabIcon({
    name: `jupyter-mlops:${name}`,
    svgstr: `<svg xmlns="http://www.w3.org/2000/svg" width="16" height="16" viewBox="0 0 16 16">${body}</svg>`
  });
}

/** The theme colours `jp-icon3[stroke]` and `jp-icon3[fill]`: so "no fill" must not be an attribute. */
function outline(path: string): string {
  return `<g class="jp-icon3" style="fill:none" stroke="#616161" stroke-width="1.4" stroke-linecap="round" stroke-linejoin="round">${path}</g>`;
}

export const mlopsIcon = icon(
  'mlops',
  '<path class="jp-icon3" fill="#616161" d="M6 1h4v1.3h-.6v3.2l4 6.9A1.8 1.8 0 0 1 11.8 15H4.2a1.8 1.8 0 0 1-1.6-2.6l4-6.9V2.300H6zm1.9 1.300v3.600L6.1 9h3.800L8.1 5.900V2.300zM5.4 10.300l-1.6 2.700c-.2.3 0 .7.4.7h7.600c.4 0 .6-.4.4-.7l-1.6-2.700z"/>'
);
export const runIcon = icon(
  'run',
  outline('<path d="M2 13l4-5 3 3 5-8"/><path d="M10.5 3H14v3.5"/>')
);
export const jobIcon = icon(
  'job',
  outline(
    '<rect x="2" y="2.5" width="12" height="4" rx="1"/><rect x="2" y="9.5" width="12" height="4" rx="1"/><path d="M4.7 4.500h.1M4.7 11.500h.1"/>'
  )
);
export const sweepIcon = icon(
  'sweep',
  outline(
    '<path d="M2.500 2v12M8 2v12M13.500 2v12" stroke-width="1"/><path d="M2.500 4.500L8 10.500l5.500-6M2.500 12L8 6l5.500 5"/>'
  )
);
export const scheduleIcon = icon(
  'schedule',
  outline('<circle cx="8" cy="8" r="5.8"/><path d="M8 4.500V8l2.600 1.600"/>')
);
export const pauseIcon = icon('pause', outline('<path d="M5.500 3.500v9M10.500 3.500v9"/>'));
export const resumeIcon = icon(
  'resume',
  outline('<path d="M4 3.500v9"/><path d="M7 3.500l6 4.500-6 4.500z"/>')
);
export const datasetIcon = icon(
  'dataset',
  outline(
    '<ellipse cx="8" cy="3.8" rx="5.5" ry="2"/><path d="M2.5 3.800v8.400c0 1.1 2.5 2 5.5 2s5.5-.9 5.5-2V3.800M2.5 8c0 1.1 2.5 2 5.5 2s5.5-.9 5.5-2"/>'
  )
);
export const modelIcon = icon(
  'model',
  outline(
    '<path d="M8 1.500l5.7 3.200v6.600L8 14.500l-5.7-3.200V4.700z"/><path d="M2.3 4.700L8 8l5.7-3.300M8 8v6.5"/>'
  )
);
export const featureIcon = icon(
  'feature',
  outline(
    '<path d="M2.500 3h11v10h-11zM2.500 6.300h11M6.200 3v10"/><path d="M8.300 10.800l1.500-2 1.300 1 1.200-1.700"/>'
  )
);
export const aliasIcon = icon(
  'alias',
  outline('<path d="M2 2.500h5.600l6.400 6.400-5.200 5.100L2 7.800z"/><path d="M4.900 5.400h.1"/>')
);
export const historyIcon = icon(
  'history',
  outline(
    '<path d="M2.300 8a5.800 5.800 0 1 0 1.800-4.200L2.300 5.500"/><path d="M2.300 2.300v3.200h3.200M8 4.900V8l2.300 1.500"/>'
  )
);
export const compareIcon = icon(
  'compare',
  outline(
    '<rect x="1.500" y="3" width="5" height="10" rx="1"/><rect x="9.500" y="3" width="5" height="10" rx="1"/><path d="M8 1v14"/>'
  )
);
export const usageIcon = icon(
  'usage',
  outline('<path d="M2 14h12M3.500 11V8M6.500 11V3M9.500 11V6M12.500 11V9"/>')
);
export const submitIcon = icon(
  'submit',
  outline(
    '<path d="M2 5.500v7A1.5 1.5 0 0 0 3.5 14h9a1.5 1.5 0 0 0 1.5-1.500v-7"/><path d="M8 10V2M5 4.700L8 2l3 2.7"/>'
  )
);

const SHAPES: Record<string, string> = {
  ok: '<circle cx="8" cy="8" r="6.5"/><path d="M5 8.200l2.2 2.200L11.2 6"/>',
  bad: '<circle cx="8" cy="8" r="6.5"/><path d="M5.7 5.700l4.6 4.600M10.3 5.700l-4.6 4.6"/>',
  stopped: '<circle cx="8" cy="8" r="6.5"/><path d="M5 8h6"/>',
  pruned: '<circle cx="8" cy="8" r="6.5"/><path d="M4.5 10.500L8 7.500M8 5v6"/>',
  lost: '<circle cx="8" cy="8" r="6.5"/><path d="M6.3 6.300a1.8 1.8 0 1 1 2.4 2c-.5.2-.7.5-.7 1M8 11.400v.1"/>',
  waiting: '<circle cx="8" cy="8" r="6.5"/><path d="M8 4.500V8l2.3 1.5"/>',
  running: '<path d="M14.5 8A6.5 6.5 0 1 1 8 1.5"/>'
};

/** A status as a shape, so that it can be told without its colour. The stroke is `currentColor`. */
export const statusIcons: Record<string, LabIcon> = Object.fromEntries(
  Object.entries(SHAPES).map(([name, shape]) => [
    name,
    icon(
      `status-${name}`,
      `<g fill="none" stroke="currentColor" stroke-width="1.5" stroke-linecap="round" stroke-linejoin="round">${shape}</g>`
    )
  ])
);
