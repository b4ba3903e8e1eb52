import { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import { Widget } from '@lumino/widgets';

/** A registry of renderers that shows the text of the first form it is given. */
export const plainRenderer = {
  preferredMimeType: (bundle: object) => Object.keys(bundle)[0],
  createRenderer: (mime: string) => {
    const widget = new Widget();
    return Object.assign(widget, {
      renderModel: async (model: { data: Record<string, unknown> }) => {
        widget.node.textContent = String(model.data[mime]);
      }
    });
  }
} as unknown as IRenderMimeRegistry;
