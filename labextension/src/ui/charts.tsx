import React from 'react';
import { Chart } from './chart';
import { ChartSettings, groupOf, Line, PLAIN } from './series';

/** Fewer charts stand in one grid: a heading for each would leave most of it empty. */
const LEAST_GROUPED = 9;

export interface NamedLines {
  name: string;
  lines: readonly Line[];
}

/** What the charts of a page have in common: the axis, the scale, the smoothing. */
export function useChartSettings(): [ChartSettings, JSX.Element] {
  const [settings, setSettings] = React.useState(PLAIN);
  const change = (part: Partial<ChartSettings>) => setSettings({ ...settings, ...part });
  const controls = (
    <div className="jp-mlops-ChartControls" role="group" aria-label="Charts">
      <label>
        over
        <select
          aria-label="Horizontal axis"
          value={settings.against}
          onChange={event => change({ against: event.target.value as ChartSettings['against'] })}
        >
          <option value="step">step</option>
          <option value="time">time</option>
        </select>
      </label>
      <label>
        <input
          type="checkbox"
          checked={settings.log}
          onChange={event => change({ log: event.target.checked })}
        />
        log scale
      </label>
      <label>
        smoothing
        <input
          type="range"
          min={0}
          max={0.99}
          step={0.01}
          value={settings.smoothing}
          aria-valuetext={settings.smoothing ? settings.smoothing.toFixed(2) : 'none'}
          onChange={event => change({ smoothing: Number(event.target.value) })}
        />
        <output>{settings.smoothing ? settings.smoothing.toFixed(2) : 'none'}</output>
      </label>
    </div>
  );
  return [settings, controls];
}

/** Charts in a grid, those with one prefix (`train/`) under its name. */
export function ChartGrid(props: {
  charts: readonly NamedLines[];
  settings?: ChartSettings;
}): JSX.Element {
  const groups = new Map<string, NamedLines[]>();
  const grouped = props.charts.length >= LEAST_GROUPED;
  for (const chart of props.charts) {
    const group = grouped ? groupOf(chart.name) : '';
    groups.set(group, [...(groups.get(group) ?? []), chart]);
  }
  const several = groups.size > 1;
  return (
    <>
      {[...groups].map(([group, charts]) => (
        <div key={group} className="jp-mlops-ChartGroup">
          {several && group && <h3>{group}</h3>}
          <div className="jp-mlops-Charts">
            {charts.map(({ name, lines }) => (
              <Chart
                key={name}
                title={several && group ? name.slice(group.length + 1) : name}
                lines={lines}
                settings={props.settings}
              />
            ))}
          </div>
        </div>
      ))}
    </>
  );
}
