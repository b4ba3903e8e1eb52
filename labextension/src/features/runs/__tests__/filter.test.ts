import { describe, expect, it } from 'vitest';
import { around, columnIn, complete } from '../filter';

const KNOWN = ['metrics.acc', 'metrics.val/loss', 'params.lr'];

function options(text: string, cursor = text.length): readonly string[] {
  return complete(text, cursor, KNOWN).options;
}

describe('a filter is completed', () => {
  it('by fields, those that begin so first', () => {
    expect(options('metrics.')).toEqual(['metrics.acc', 'metrics.val/loss']);
    expect(options('dur')).toEqual(['duration']);
    expect(options('loss')).toEqual(['metrics.val/loss']);
  });

  it('by comparisons after a field', () => {
    expect(options('metrics.acc ')).toContain('>=');
  });

  it('by the values of a field that has few', () => {
    expect(options('status = ')).toContain("'failed'");
    expect(options("status = 'f")).toEqual(["'finished'", "'failed'"]);
  });

  it('by what joins comparisons after a value', () => {
    expect(options('metrics.acc > 0.9 ')).toEqual(['and', 'or']);
  });

  it('by fields again after that, in the place of what stands before the cursor', () => {
    const text = 'metrics.acc > 0.9 and pa';
    expect(complete(text, text.length, KNOWN)).toEqual({
      from: 22,
      to: 24,
      options: ['parent', 'params.lr']
    });
  });
});

it('the place of a mistake is found in the words of the server', () => {
  expect(columnIn("expected a value after '>' at column 14")).toBe(13);
  expect(columnIn('the disk is full')).toBeNull();
  expect(around('lr >> 3', 4)).toEqual({ before: 'lr >', at: '>', after: ' 3' });
});
