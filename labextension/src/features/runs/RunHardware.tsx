import React from 'react';
import { MetricSummary, RunDetail } from '../../api/types';
import { Chart, writerFor } from '../../ui/chart';
import { formatNumber } from '../../ui/format';
import { Section } from '../../ui/page';
import { ChartSettings, Line } from '../../ui/series';
import { RunModel } from './runModel';

const OVER_TIME: ChartSettings = { against: 'time', log: false, smoothing: 0 };
const PREFIX = 'system/';

/** In this order; whatever else is recorded follows under its own name. */
const TITLES: Record<string, string> = {
  cpu_percent: 'CPU of the process',
  rss_bytes: 'Memory of the process',
  gpu_percent: 'GPU utilisation',
  gpu_memory_bytes: 'GPU memory',
  gpu_power_w: 'GPU power',
  memory_percent: 'Memory of the machine',
  disk_read_bytes_per_s: 'Disk, read',
  disk_written_bytes_per_s: 'Disk, written',
  network_received_bytes_per_s: 'Network, received',
  network_sent_bytes_per_s: 'Network, sent'
};

/** What the run took of the machine while it went on: CPU, memory, GPUs. */
export function RunHardware(props: { model: RunModel; detail: RunDetail }): JSX.Element | null {
  const { hardware } = props.detail;
  const names = Object.keys(hardware).filter(name => !isIdle(hardware[name]));
  if (names.length === 0) {
    return null;
  }
  const groups = grouped(names);
  return (
    <Section title="Hardware">
      <div className="jp-mlops-Charts">
        {[...groups].map(([group, names]) => (
          <Series key={group} group={group} names={names} {...props} />
        ))}
      </div>
    </Section>
  );
}

/** A disk or a network that was not used needs no chart. */
function isIdle({ min, max }: MetricSummary): boolean {
  return Number(min) === 0 && Number(max) === 0;
}

/** The series of one kind, such as the utilisation of each GPU, in one chart. */
export function grouped(names: readonly string[]): Map<string, string[]> {
  const groups = new Map<string, string[]>();
  for (const name of [...names].sort()) {
    const group = name.slice(PREFIX.length).replace(/^gpu\d+_/, 'gpu_');
    groups.set(group, [...(groups.get(group) ?? []), name]);
  }
  const known = Object.keys(TITLES);
  const place = (group: string) => (known.includes(group) ? known.indexOf(group) : known.length);
  return new Map([...groups].sort(([a], [b]) => place(a) - place(b)));
}

function Series(props: {
  group: string;
  names: readonly string[];
  model: RunModel;
  detail: RunDetail;
}): JSX.Element {
  const { group, names, model, detail } = props;
  const title = TITLES[group] ?? group.replace(/[_/]/g, ' ');
  const lines = React.useMemo(
    () =>
      names.flatMap((name, color): Line[] => {
        const history = model.histories.get(name);
        const gpu = /gpu(\d+)_/.exec(name);
        return history ? [{ key: name, label: gpu ? `GPU ${gpu[1]}` : title, history, color }] : [];
      }),
    // a history is replaced, never changed
    // eslint-disable-next-line react-hooks/exhaustive-deps
    [title, ...names.map(name => model.histories.get(name))]
  );
  const told = <span className="jp-mlops-Hint">{peak(group, names, detail.hardware)}</span>;
  if (lines.length === 0) {
    return (
      <div className="jp-mlops-Chart">
        <figcaption>
          {title}
          {told}
        </figcaption>
      </div>
    );
  }
  return <Chart title={title} unit={group} lines={lines} settings={OVER_TIME} note={told} />;
}

function peak(
  group: string,
  names: readonly string[],
  summaries: Record<string, MetricSummary>
): string {
  const most = Math.max(...names.map(name => Number(summaries[name].max)));
  const write = writerFor(group);
  return Number.isFinite(most) ? `peak ${write(most)}` : formatNumber(most);
}
