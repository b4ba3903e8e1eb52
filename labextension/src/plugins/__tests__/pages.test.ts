import { describe, expect, it } from 'vitest';
import { commandOf, contentsPath } from '../pages';

describe('a path on the host, as the contents API names it', () => {
  it.each([
    ['/srv/lab/a/b.ipynb', '/srv/lab', 'a/b.ipynb'],
    ['/srv/lab/b.ipynb', '/srv/lab/', 'b.ipynb'],
    ['/home/ada/work/b.ipynb', '~/work', 'b.ipynb'],
    ['/Users/ada/b.ipynb', '~', 'b.ipynb'],
    ['a/b.ipynb', '/srv/lab', 'a/b.ipynb'],
    ['/srv/laboratory/b.ipynb', '/srv/lab', null],
    ['/elsewhere/b.ipynb', '/srv/lab', null],
    ['/srv/lab/.hidden/b.ipynb', '/srv/lab', null],
    ['/srv/lab/b.ipynb', '', null]
  ])('%s below %s is %s', (path, root, expected) => {
    expect(contentsPath(path, root)).toBe(expected);
  });
});

describe('the command that opens a node', () => {
  const open = (id: string) => commandOf({ id, kind: id.split(':')[0], label: '', status: '' });

  it.each([
    ['run:01h', 'open-run', { id: '01h' }],
    ['job:01h', 'open-job', { id: '01h' }],
    ['dataset:train@2', 'open-dataset', { name: 'train', version: '2' }],
    ['dataset:train', 'open-dataset', { name: 'train', version: '' }],
    ['dataset:a:b@c@2', 'open-dataset', { name: 'a:b@c', version: '2' }],
    ['model:digits@champion', 'open-model', { name: 'digits', alias: 'champion' }],
    ['alias:digits@champion', 'open-model', { name: 'digits', alias: 'champion' }],
    ['alias:dataset:train@gold', 'open-dataset', { name: 'train', alias: 'gold' }],
    ['view:stats@1', 'open-feature', { name: 'stats', version: '1' }]
  ])('%s: %s %j', (id, command, args) => {
    expect(open(id)).toEqual([`jupyter-mlops:${command}`, args]);
  });

  it('is none for a notebook, which is no page of ours', () => {
    expect(open('notebook:/a/b.ipynb')).toBeUndefined();
  });
});
