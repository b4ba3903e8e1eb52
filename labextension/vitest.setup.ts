import { cleanup } from '@testing-library/react';
import { afterEach } from 'vitest';

/** What browsers have and jsdom has not. */
const missing: Record<string, unknown> = {
  DragEvent: class extends MouseEvent {},
  ResizeObserver: class {
    observe() {}
    unobserve() {}
    disconnect() {}
  },
  matchMedia: () => ({ matches: false, addEventListener() {}, addListener() {} }),
  ClipboardItem: class {},
  requestIdleCallback: (callback: () => void) => setTimeout(callback, 0)
};
for (const [name, value] of Object.entries(missing)) {
  if ((globalThis as Record<string, unknown>)[name] === undefined) {
    Object.defineProperty(globalThis, name, { value, writable: true, configurable: true });
  }
}

/** A canvas on which nothing is seen: every property is a function that answers with the context. */
const nowhere: CanvasRenderingContext2D = new Proxy((() => nowhere) as never, {
  get: (_, name) => (name === 'width' ? 0 : nowhere),
  set: () => true
});
HTMLCanvasElement.prototype.getContext = (() => nowhere) as never;
(globalThis as Record<string, unknown>)['Path2D'] ??= class {
  constructor() {
    return nowhere;
  }
};

afterEach(cleanup);
