import { fireEvent, render, screen } from '@testing-library/react';
import React from 'react';
import { describe, expect, it, vi } from 'vitest';
import { Client } from '../../../api/client';
import { RequestError } from '../../../api/request';
import { SubmitForm } from '../SubmitForm';
import { fieldOf, isDistribution, SubmitModel } from '../submitModel';

const LR = { name: 'lr', default: 0.1, type: 'float', help: 'step size' };
const SOLVER = { name: 'solver', default: 'lbfgs', type: 'str', help: '' };
const PROPOSED = [
  { ...LR, source: '0.1', cell: 2 },
  { ...SOLVER, source: "'lbfgs'", cell: 3 }
];
const CELL = { index: 1, source: 'lr = 0.1', edits: [] };

async function aModel(answer: object, client: object = {}, write = vi.fn()) {
  const notebook = {
    tagged: true,
    parameters: [],
    proposals: [],
    language: 'python',
    gpus: 2,
    virtual: true,
    executors: ['local', 'ray', 'slurm'],
    timezone: 'Europe/Berlin',
    ...answer
  };
  const all = { notebookParameters: async () => notebook, ...client };
  const model = new SubmitModel('dir/train.ipynb', all as unknown as Client, write);
  await model.refresh();
  return model;
}

function refused(message: string) {
  return vi.fn().mockRejectedValue(new RequestError('invalid_parameter', message, 400));
}

describe('submitting a notebook', () => {
  it('sends only params that were changed, as text', async () => {
    const model = await aModel({ parameters: [LR, SOLVER] });
    expect(model.form.params).toEqual({ lr: '0.1', solver: 'lbfgs' });
    model.setParam('lr', ' 0.1, 0.01 ');
    model.set({ gpus: '1', memory: '8G', name: ' mine ' });
    expect(model.submission()).toEqual({
      path: 'dir/train.ipynb',
      name: 'mine',
      params: { lr: '0.1, 0.01' },
      gpus: 1,
      memory: '8G'
    });
  });

  it('sends where it runs, what it follows and when, where that was said', async () => {
    const model = await aModel({});
    expect(model.submission()).toEqual({ path: 'dir/train.ipynb', params: {}, gpus: 0 });
    model.set({ gpus: '0.5', executor: 'local,slurm', retries: '2', after: 'abc123, prepare,' });
    model.set({ cron: ' 0 3 * * * ', timezone: 'UTC' });
    expect(model.submission()).toEqual({
      path: 'dir/train.ipynb',
      params: {},
      gpus: 0.5,
      executor: 'local,slurm',
      retries: 2,
      after: ['abc123', 'prepare'],
      cron: '0 3 * * *',
      timezone: 'UTC'
    });
  });

  it('proposes the executors, and asks for a time zone once there is a schedule', async () => {
    const model = await aModel({});
    render(<SubmitForm model={model} />);
    const where = screen.getByLabelText('Runs on');
    const proposed = document.getElementById(where.getAttribute('list')!)!;
    expect([...proposed.children].map(each => each.getAttribute('value'))).toEqual([
      'local',
      'ray',
      'slurm'
    ]);
    expect(screen.queryByLabelText('Time zone')).toBeNull();
    fireEvent.change(screen.getByLabelText('Schedule (cron)'), { target: { value: '@daily' } });
    expect(screen.getByLabelText('Time zone').getAttribute('placeholder')).toBe('Europe/Berlin');
  });

  it.each([
    ["cron: '0 3 * *' has 4 fields.", 'cron'],
    ['A schedule runs one job each time, and no sweep', 'cron'],
    ["timezone: 'Mars' is none.", 'timezone'],
    ["No executor 'slrum'. Did you mean 'slurm'?", 'executor'],
    ["No job 'zzz'. List them", 'after'],
    ['A job takes whole GPUs, or a share of one such as 0.5, not 1.5 of them.', 'gpus']
  ])('finds the field that %j is about', (message, field) => {
    expect(fieldOf(message, [])).toBe(field);
  });

  it('keeps what was typed and the reason when it is refused', async () => {
    const model = await aModel({ parameters: [LR] }, { submit: refused('lr=abc: lr is a float') });
    model.setParam('lr', 'abc');
    expect(await model.submit()).toBeNull();
    expect([model.refused, model.form.params.lr]).toEqual(['params.lr', 'abc']);
  });

  it('sends what a search needs once a value is a distribution', async () => {
    const model = await aModel({ parameters: [LR] });
    model.set({ metric: 'loss', direction: 'minimize', trials: '30', pruner: 'median', seed: '1' });
    expect(model.submission()).not.toHaveProperty('trials');
    model.setParam('lr', 'loguniform(1e-5, 1e-1)');
    expect(model.submission()).toMatchObject({
      params: { lr: 'loguniform(1e-5, 1e-1)' },
      trials: 30,
      goal: 'minimize:loss',
      sampler: 'tpe',
      pruner: 'median',
      seed: 1
    });
    expect(model.submission()).not.toHaveProperty('parallel');
  });

  it('overrides literals of a notebook without a parameters cell, and writes nothing', async () => {
    const [submit, write] = [vi.fn().mockResolvedValue({ jobs: [] }), vi.fn()];
    const model = await aModel({ tagged: false, proposals: PROPOSED }, { submit }, write);
    model.setParam('lr', '0.5');
    await model.submit();
    expect(submit.mock.lastCall?.[0].params).toEqual({ lr: '0.5' });
    expect(write).not.toHaveBeenCalled();
  });

  it('writes the cell only when nothing is refused, before it submits', async () => {
    const calls: unknown[] = [];
    const submit = vi.fn(async ({ dry_run }: { dry_run?: boolean }) => {
      calls.push(dry_run ? 'check' : 'submit');
    });
    const parametersCell = vi.fn().mockResolvedValue(CELL);
    const answer = { tagged: false, proposals: PROPOSED };
    const model = await aModel(
      answer,
      { submit, parametersCell },
      vi.fn(cell => calls.push(cell))
    );
    model.setWrites(true);
    model.choose('solver', false);
    await model.submit();
    expect(calls).toEqual(['check', CELL, 'submit']);
    expect(parametersCell).toHaveBeenCalledWith('dir/train.ipynb', ['lr']);
  });

  it('writes what was given a value also where it was not picked', async () => {
    const model = await aModel({ tagged: false, proposals: PROPOSED });
    model.choose('solver', false);
    model.setParam('solver', 'adam');
    expect(model.chosen).toEqual(['lr', 'solver']);
  });

  it('leaves the notebook alone when the submission or the choice is refused', async () => {
    const write = vi.fn();
    const answer = { tagged: false, proposals: PROPOSED };
    const model = await aModel(answer, { submit: refused('lr=x: no') }, write);
    model.setWrites(true);
    expect(await model.submit()).toBeNull();
    model.choose('lr', false);
    model.choose('solver', false);
    expect(await model.submit()).toBeNull();
    expect(model.refusal?.message).toMatch(/at least one/);
    expect(write).not.toHaveBeenCalled();
  });
});

describe('a distribution', () => {
  it.each([
    'uniform(0, 1)',
    ' loguniform(1e-5,1e-1) ',
    'int(1, 8)',
    'logint(1,64)',
    'choice(a, b)'
  ])('is %s', text => expect(isDistribution(text)).toBe(true));
  it.each(['0.1, 0.01', 'int', 'print(1)', "'int(1, 8)'", '[int(1)]', ''])('is not %j', text =>
    expect(isDistribution(text)).toBe(false)
  );
});

describe('the field that a refusal is about', () => {
  it.each([
    ['lr=abc: lr is of type float (default 0.1), and this is of type str.', 'params.lr'],
    ["-p lr=1,: a value is missing between the commas of '1,'.", 'params.lr'],
    ['lr cannot be overridden: cell 2 changes it.', 'params.lr'],
    ['seed cannot be overridden: cell 2 changes it.', 'params.seed'],
    ["Not an amount of memory: 'lots'. Write it like 512M or 8G.", 'memory'],
    ["Not a duration: 'soon'. Write it like 90s, 30m, 2h, 1h30m or 1:30:00.", 'time'],
    ['The job wants 9 GPUs, and there are 2 here.', 'gpus'],
    ['The job wants 99 CPU cores, and there are 8 here.', 'cpus'],
    ['trials must be at least 1, not 0.', 'trials'],
    ["goal: 'acc' is none. Write maximize:METRIC or minimize:METRIC.", 'metric'],
    ["There is no sampler 'x'.", 'sampler'],
    ['The notebook has no code to run.', null]
  ])('%s', (message, field) => {
    expect(fieldOf(message, ['lr', 'seed'])).toBe(field);
  });
});

describe('the submit form', () => {
  it('has a field for each parameter, with the notebook’s value', async () => {
    const model = await aModel({ parameters: [LR] });
    render(<SubmitForm model={model} />);
    fireEvent.change(screen.getByLabelText('lr'), { target: { value: '0.2' } });
    expect(model.submission().params).toEqual({ lr: '0.2' });
    expect(screen.getByText('float · step size')).toBeTruthy();
    expect(screen.queryByRole('checkbox')).toBeNull();
  });

  it('says that a notebook without any literal runs as it is', async () => {
    render(<SubmitForm model={await aModel({ tagged: false })} />);
    expect(screen.getByText(/it runs as it is/)).toBeTruthy();
    expect(screen.queryByRole('checkbox')).toBeNull();
  });

  it('proposes literals with their cells, and writes them only if the user agrees', async () => {
    const model = await aModel({ tagged: false, proposals: PROPOSED });
    render(<SubmitForm model={model} />);
    expect(screen.getByText('float · step size · cell 2')).toBeTruthy();
    const [agree, ...others] = screen.getAllByRole<HTMLInputElement>('checkbox');
    expect([agree.checked, others]).toEqual([false, []]);
    fireEvent.click(agree);
    fireEvent.click(screen.getByLabelText('Write solver into the parameters cell'));
    expect([model.writes, model.chosen]).toEqual([true, ['lr']]);
  });

  it('asks for trials and goal once a value is searched for', async () => {
    const model = await aModel({ parameters: [LR] });
    render(<SubmitForm model={model} />);
    expect(screen.queryByLabelText('Trials')).toBeNull();
    fireEvent.change(screen.getByLabelText('lr'), { target: { value: 'uniform(0, 1)' } });
    fireEvent.change(screen.getByLabelText('Goal: the metric'), { target: { value: 'acc' } });
    fireEvent.change(screen.getByLabelText('Sampler'), { target: { value: 'random' } });
    expect(model.submission()).toMatchObject({
      goal: 'maximize:acc',
      sampler: 'random',
      trials: 20
    });
  });

  it.each([
    ['lr=abc: lr is of type float.', 'lr'],
    ["Not an amount of memory: 'x'.", 'Memory']
  ])('shows what the server said at the field: %s', async (message, label) => {
    const model = await aModel({ parameters: [LR] }, { submit: refused(message) });
    await model.submit();
    render(<SubmitForm model={model} />);
    const field = screen.getByLabelText(label);
    const [id] = (field.getAttribute('aria-describedby') ?? '').split(' ');
    expect([field.getAttribute('aria-invalid'), document.getElementById(id)?.textContent]).toEqual([
      'true',
      message
    ]);
  });

  it('does not repeat what was typed', async () => {
    const submit = refused('-p lr=1,: a value is missing.');
    const model = await aModel({ parameters: [LR] }, { submit });
    model.setParam('lr', '1,');
    await model.submit();
    render(<SubmitForm model={model} />);
    expect(screen.getByRole('alert').textContent).toBe('a value is missing.');
  });

  it('shows above all what is about no field', async () => {
    const model = await aModel({ parameters: [LR] }, { submit: refused('It has no code to run.') });
    await model.submit();
    render(<SubmitForm model={model} />);
    expect(screen.getByRole('alert').textContent).toBe('It has no code to run.');
  });
});
