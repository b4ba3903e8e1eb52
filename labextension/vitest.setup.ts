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

afterEach(cleanup);
