import { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import React from 'react';
import { RunDetail } from '../../api/types';
import { counted, formatBytes, formatTime, formatValue } from '../../ui/format';
import { Fold, KeyValues, Section } from '../../ui/page';
import { Code } from '../../ui/rich';
import { ErrorBox, Loading } from '../../ui/states';
import { RunModel } from './runModel';

interface Git {
  commit?: string | null;
  branch?: string | null;
  dirty?: boolean;
  untracked?: number;
  patch_digest?: string;
  patch_bytes?: number;
  patch_cut?: boolean;
}

interface Gpu {
  name?: string;
  memory_bytes?: number | null;
}

interface Hardware {
  cpu_model?: string;
  memory_bytes?: number | null;
  gpus?: Gpu[];
  driver?: string | null;
}

interface StoredFile {
  name?: string;
  path?: string;
  digest?: string;
  size_bytes?: number;
  saved_at?: number;
  cut?: boolean;
}

/** What is shown of the context by itself; all other keys are shown as they are. */
interface Context {
  git?: Git;
  packages?: Record<string, string>;
  hardware?: Hardware;
  lock?: StoredFile;
  modules?: StoredFile[];
  notebook_file?: StoredFile;
  history?: unknown;
  models?: unknown;
}

export interface RunContextProps {
  model: RunModel;
  detail: RunDetail;
  rendermime: IRenderMimeRegistry;
}

type Item = [string, React.ReactNode];

/** What was captured of the run's surroundings: code version, machine, Python, packages, files. */
export function RunContext(props: RunContextProps): JSX.Element {
  const { model, detail } = props;
  const context = detail.context as Context;
  const { git, packages = {}, hardware, lock, modules = [], notebook_file: file } = context;
  const names = Object.entries(packages);
  return (
    <>
      {git?.commit !== undefined && (
        <Section title="Git">
          <KeyValues label="Git" items={gitItems(git)} />
          {git.patch_digest && <Patch {...props} git={git} />}
        </Section>
      )}
      <Section title="Environment">
        <KeyValues label="Environment" items={[...machineItems(hardware), ...plainItems(detail)]} />
        {names.length > 0 && (
          <Fold title={counted(names.length, 'package')}>
            <KeyValues label="Packages" items={names} />
          </Fold>
        )}
      </Section>
      {(lock?.digest || file?.digest || modules.length > 0) && (
        <Section title="Files kept">
          <ul className="jp-mlops-Artifacts" aria-label="Files kept with the run">
            {file?.digest && <FileLink model={model} file={file} name={baseName(file.path)} />}
            {lock?.digest && <FileLink model={model} file={lock} name="requirements.lock.txt" />}
            {modules.map(module => (
              <FileLink
                key={module.path ?? module.name}
                model={model}
                file={module}
                name={module.name ?? baseName(module.path)}
              />
            ))}
          </ul>
          {modules.length > 0 && (
            <p className="jp-mlops-Hint">
              {counted(modules.length, 'module')} of one’s own that were imported, as they were.
            </p>
          )}
        </Section>
      )}
    </>
  );
}

function gitItems(git: Git): Item[] {
  const items: Item[] = [];
  if (git.commit) {
    items.push([
      'commit',
      <code key="commit" title={git.commit}>
        {git.commit.slice(0, 10)}
      </code>
    ]);
  }
  if (git.branch) {
    items.push(['branch', git.branch]);
  }
  const changes = [
    git.dirty ? 'uncommitted changes' : 'clean',
    git.untracked ? counted(git.untracked, 'untracked file') : ''
  ];
  items.push(['state', changes.filter(Boolean).join(', ')]);
  return items;
}

function machineItems(hardware: Hardware | undefined): Item[] {
  const { cpu_model: cpu, memory_bytes: memory, gpus = [], driver } = hardware ?? {};
  const items: Item[] = [];
  if (cpu) {
    items.push(['CPU', cpu]);
  }
  if (memory) {
    items.push(['memory', formatBytes(memory)]);
  }
  gpus.forEach(({ name, memory_bytes: size }, i) => {
    items.push([`GPU ${i}`, [name, size ? formatBytes(size) : ''].filter(Boolean).join(', ')]);
  });
  if (driver) {
    items.push(['driver', driver]);
  }
  return items;
}

const SHOWN_APART = new Set([
  'git',
  'packages',
  'hardware',
  'lock',
  'modules',
  'notebook_file',
  'history',
  'models'
]);

function plainItems({ context, run }: RunDetail): Item[] {
  const items = Object.entries(context)
    .filter(([key]) => !SHOWN_APART.has(key))
    .map(([key, value]): Item => [key, formatValue(value)]);
  if (run.notebook) {
    items.unshift(['notebook', run.notebook]);
  }
  return items.length ? items : [['', 'Nothing captured yet.']];
}

/** The changes that were not committed, read when they are asked for. */
function Patch(props: RunContextProps & { git: Git }): JSX.Element {
  const { model, git, rendermime } = props;
  const digest = git.patch_digest!;
  const { value, error } = model.texts.get(digest) ?? {};
  const size = [formatBytes(git.patch_bytes), git.patch_cut ? 'its beginning' : ''];
  return (
    <Fold
      title={`Uncommitted changes (${size.filter(Boolean).join(', ')})`}
      onOpen={() => void model.showText(digest)}
    >
      {error && <ErrorBox error={error} retry={() => void model.showText(digest)} />}
      {value === undefined ? (
        !error && <Loading />
      ) : (
        <Code rendermime={rendermime} source={value} language="diff" />
      )}
      <a className="jp-mlops-Link" href={model.capturedUrl(digest)} download="">
        Download the patch
      </a>
    </Fold>
  );
}

function FileLink(props: { model: RunModel; file: StoredFile; name: string }): JSX.Element {
  const { model, file, name } = props;
  const told = [file.path, file.saved_at ? `saved ${formatTime(file.saved_at)}` : ''];
  return (
    <li title={told.filter(Boolean).join('\n')}>
      {file.digest ? (
        <a href={model.capturedUrl(file.digest)} download="">
          {name}
        </a>
      ) : (
        <code>{name}</code>
      )}
      <span>
        {formatBytes(file.size_bytes)}
        {file.cut && ' (cut)'}
      </span>
    </li>
  );
}

function baseName(path: string | undefined): string {
  return path?.split('/').pop() || 'notebook.ipynb';
}
