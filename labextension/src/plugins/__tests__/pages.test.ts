import { describe, expect, it } from 'vitest';
import { contentsPath } from '../pages';

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
