import { describe, expect, it } from 'vitest';
import { literal } from '../literals';

describe('a default in the grammar of -p', () => {
  it.each([
    [null, 'None'],
    [true, 'True'],
    [0.1, '0.1'],
    ['lbfgs', 'lbfgs'],
    ['data/train.csv', 'data/train.csv'],
    ['a, b', '"a, b"'],
    ['True', '"True"'],
    ['1e5', '"1e5"'],
    ['', '""'],
    [[1, 'x', null], '[1, "x", None]'],
    [{ a: [true] }, '{"a": [True]}']
  ])('writes %j as %s', (value, text) => {
    expect(literal(value)).toBe(text);
  });
});
