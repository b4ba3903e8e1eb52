import { describe, expect, it } from 'vitest';
import {
  formatAgo,
  formatBytes,
  formatDuration,
  formatMoment,
  formatNumber,
  formatValue,
  terminalText
} from '../format';

describe('formats', () => {
  it.each([
    [0, '0'],
    [200, '200'],
    [0.971234567, '0.97123'],
    [-0.5, '-0.5'],
    [1.23456e-7, '1.235e-7'],
    [1e-10, '1e-10'],
    [12345.678, '12346'],
    ['NaN', 'NaN'],
    ['Infinity', '∞'],
    ['-Infinity', '−∞'],
    [null, '–']
  ] as const)('number %s as %s', (value, text) => {
    expect(formatNumber(value)).toBe(text);
  });

  it.each([
    [0.34, '340 ms'],
    [9.87, '9.9 s'],
    [42, '42 s'],
    [245, '4 min 5 s'],
    [7380, '2 h 3 min'],
    [7200, '2 h'],
    [273_600, '3 d 4 h'],
    [null, '–']
  ] as const)('duration %s as %s', (seconds, text) => {
    expect(formatDuration(seconds)).toBe(text);
  });

  it.each([
    [3, 'just now'],
    [45, '45 s ago'],
    [300, '5 min ago'],
    [10_000, '2 h ago'],
    [200_000, '2 d ago']
  ])('%s seconds as %s', (seconds, text) => {
    expect(formatAgo(1_000_000, 1_000_000 + seconds)).toBe(text);
  });

  it.each([
    [512, '512 B'],
    [1536, '1.5 KiB'],
    [123 * 1024 * 1024, '123 MiB']
  ])('%s bytes as %s', (bytes, text) => {
    expect(formatBytes(bytes)).toBe(text);
  });

  it('params as Python would write them', () => {
    expect([true, null, 'a', 0.1, [1]].map(formatValue)).toEqual([
      'True',
      'None',
      'a',
      '0.1',
      '[1]'
    ]);
  });

  it.each([
    [1_776_000_000, '2026-04-12'],
    [-86_400, '1969-12-31'],
    [3_661, '01:01:01'],
    ['NaN', 'NaN'],
    [null, '–']
  ] as const)('the moment %s as %s', (seconds, text) => {
    expect(formatMoment(seconds)).toBe(text);
  });

  it('text as a terminal would show it', () => {
    expect(terminalText('\u001b[1mbold\u001b[0m\r\n10%\r50%\r100%\nend\r')).toBe(
      'bold\n100%\nend\r'
    );
  });
});
