import { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import { Widget } from '@lumino/widgets';
import { fireEvent, render, screen } from '@testing-library/react';
import React from 'react';
import { describe, expect, it } from 'vitest';
import { Output } from '../../api/types';
import { bundleOf, joinedStreams, Outputs } from '../outputs';
import { WIDGET_VIEW } from '../widgets';

const stream = (position: number, name: string, text: string, metadata = {}): Output => ({
  position,
  kind: 'stream',
  name,
  data: { 'text/plain': text },
  time: 0,
  metadata
});

/** Shows a bundle's first value as text. */
const rendermime = {
  preferredMimeType: (bundle: object) => Object.keys(bundle)[0],
  createRenderer: (mime: string) => {
    const widget = new Widget();
    return Object.assign(widget, {
      renderModel: async (model: { data: Record<string, unknown>; trusted: boolean }) => {
        widget.node.textContent = String(model.data[mime]) + (model.trusted ? ' TRUSTED' : '');
      }
    });
  }
} as unknown as IRenderMimeRegistry;

function show(outputs: Output[], more: object = {}) {
  return render(<Outputs rendermime={rendermime} outputs={outputs} {...more} />).container;
}

describe('outputs', () => {
  it('join neighbouring parts of one stream', () => {
    const parts = [stream(0, 'stdout', 'a'), stream(1, 'stdout', 'b'), stream(2, 'stderr', 'c')];
    expect(joinedStreams(parts).map(bundleOf)).toEqual([
      { 'application/vnd.jupyter.stdout': 'ab' },
      { 'application/vnd.jupyter.stderr': 'c' }
    ]);
  });

  it('are never trusted', () => {
    expect(show([stream(0, 'stdout', 'hello')]).textContent).toBe('hello');
  });

  it('that grow are drawn in the place where they stand', () => {
    const { container, rerender } = render(
      <Outputs rendermime={rendermime} outputs={[stream(0, 'stdout', 'a')]} live />
    );
    const place = container.querySelector('.lm-Widget');
    rerender(<Outputs rendermime={rendermime} outputs={[stream(0, 'stdout', 'ab')]} live />);
    expect(container.querySelector('.lm-Widget')).toBe(place);
    expect(container.textContent).toBe('ab');
  });

  it('say where something was not kept', () => {
    const cut = stream(1, 'stdout', '', { cut: true, dropped_bytes: 3 * 2 ** 20 });
    show([stream(0, 'stdout', 'head'), cut, stream(2, 'stdout', 'tail')]);
    expect(screen.getByRole('note').textContent).toMatch(/^3\.0 MiB were not kept/);
  });

  it('show both ends of what is too long for a page, with a way to all of it', () => {
    const long = stream(4, 'stdout', 'head', { left_out_bytes: 2048, tail: 'tail' });
    const shown = show([long], { urlOf: (output: Output) => `/outputs/${output.position}` });
    expect(shown.textContent).toBe(
      'head2.0 KiB of this output left out here · download all of ittail'
    );
    expect(screen.getByRole('link').getAttribute('href')).toBe('/outputs/4');
  });

  it('wait in the middle where they are very many', () => {
    const many = Array.from({ length: 250 }, (_, i) => ({
      ...stream(i, '', `${i};`),
      kind: 'display_data'
    }));
    const shown = show(many);
    expect(shown.textContent).toMatch(/29;Show 150 more outputs180;/);
    fireEvent.click(screen.getByText('Show 150 more outputs'));
    expect(shown.textContent).toContain('100;');
  });
});

describe('a widget whose kernel is gone', () => {
  const view: Output = {
    ...stream(0, '', '50%|#####     | 5/10'),
    kind: 'display_data',
    data: { 'text/plain': '50%', [WIDGET_VIEW]: { model_id: 'box' } }
  };
  const state = {
    box: { model_name: 'HBoxModel', state: { children: ['IPY_MODEL_bar', 'IPY_MODEL_out'] } },
    bar: {
      model_name: 'FloatProgressModel',
      state: { value: 5, min: 0, max: 10, description: 'epochs', bar_style: 'success' }
    },
    out: {
      model_name: 'OutputModel',
      state: { outputs: [{ output_type: 'stream', name: 'stdout', text: 'inside' }] }
    }
  };

  it('is drawn in its last state', () => {
    const shown = show([view], { widgets: { version_major: 2, version_minor: 0, state } });
    const bar = screen.getByRole('progressbar', { name: 'epochs' });
    expect(bar.getAttribute('aria-valuenow')).toBe('5');
    expect(shown.textContent).toBe('epochsinside');
  });

  it('is told by its text where its state was not kept', () => {
    expect(show([view]).textContent).toBe('50%');
  });

  it('that holds itself is drawn once', () => {
    const circle = { box: { model_name: 'VBoxModel', state: { children: ['IPY_MODEL_box'] } } };
    expect(show([view], { widgets: { state: circle } }).textContent).toBe('');
  });
});
