import { NumberValue } from '../api/types';

const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** The end of an id, which people read and type. */
export function shortId(id: string): string {
  return id.slice(-6);
}

/** A measured value in few significant digits: `0.9731`, `1.2e-7`, `NaN`. */
export function formatNumber(value: NumberValue | null | undefined, digits = 5): string {
  if (value === null || value === undefined) {
    return '–';
  }
  const number = Number(value);
  if (!Number.isFinite(number)) {
    return Number.isNaN(number) ? 'NaN' : number > 0 ? '∞' : '−∞';
  }
  if (Number.isInteger(number) && Math.abs(number) < 1e9) {
    return String(number);
  }
  const size = Math.abs(number);
  if (size !== 0 && (size < 1e-4 || size >= 1e9)) {
    return number.toExponential(3).replace(/\.?0+e/, 'e');
  }
  return String(Number(number.toPrecision(digits)));
}

/** Any value of a param, on one line. */
export function formatValue(value: unknown): string {
  if (typeof value === 'string') {
    return value;
  }
  if (typeof value === 'number') {
    return String(value);
  }
  if (value === null || value === undefined) {
    return 'None';
  }
  if (typeof value === 'boolean') {
    return value ? 'True' : 'False';
  }
  return JSON.stringify(value);
}

/** As `formatValue`, but numbers in few digits, for tables in which they stand beside each other. */
export function formatBriefly(value: unknown): string {
  return typeof value === 'number' ? formatNumber(value, 6) : formatValue(value);
}

/** Params on one line: `C=0.01, depth=3`; with `key` only that one. */
export function formatParams(params: Record<string, unknown>, key?: string): string {
  return Object.entries(params)
    .filter(([name]) => key === undefined || name === key)
    .map(([name, value]) => `${name}=${formatValue(value)}`)
    .join(', ');
}

/** `340 ms`, `12.3 s`, `4 min 5 s`, `2 h 3 min`, `3 d 4 h`. */
export function formatDuration(seconds: number | null | undefined): string {
  if (seconds === null || seconds === undefined) {
    return '–';
  }
  if (seconds < 1) {
    // the server's clock and the browser's may differ
    return `${Math.max(0, Math.round(seconds * 1000))} ms`;
  }
  if (seconds < MINUTE) {
    return `${seconds < 10 ? seconds.toFixed(1) : Math.round(seconds)} s`;
  }
  if (seconds < HOUR) {
    return twoUnits(seconds, MINUTE, 'min', 1, 's');
  }
  if (seconds < DAY) {
    return twoUnits(seconds, HOUR, 'h', MINUTE, 'min');
  }
  return twoUnits(seconds, DAY, 'd', HOUR, 'h');
}

function twoUnits(
  seconds: number,
  large: number,
  largeName: string,
  small: number,
  smallName: string
): string {
  const rest = Math.floor((seconds % large) / small);
  const text = `${Math.floor(seconds / large)} ${largeName}`;
  return rest ? `${text} ${rest} ${smallName}` : text;
}

/** How long ago: `just now`, `5 min ago`, `3 h ago`, `2 d ago`, then the date. */
export function formatAgo(time: number, now: number = Date.now() / 1000): string {
  const seconds = now - time;
  if (seconds < 10) {
    return 'just now';
  }
  if (seconds < MINUTE) {
    return `${Math.floor(seconds)} s ago`;
  }
  if (seconds < HOUR) {
    return `${Math.floor(seconds / MINUTE)} min ago`;
  }
  if (seconds < DAY) {
    return `${Math.floor(seconds / HOUR)} h ago`;
  }
  if (seconds < 30 * DAY) {
    return `${Math.floor(seconds / DAY)} d ago`;
  }
  return new Date(time * 1000).toLocaleDateString();
}

/** Date and time in the reader's own locale and zone. */
export function formatTime(time: number): string {
  return new Date(time * 1000).toLocaleString(undefined, {
    dateStyle: 'medium',
    timeStyle: 'medium'
  });
}

const DAY_S = 86_400;

/** A point on the line of times, in seconds since 1970, as its day; of a time of day, that. */
export function formatMoment(seconds: NumberValue | null | undefined): string {
  const value = Number(seconds ?? NaN);
  if (!Number.isFinite(value) || Math.abs(value) > 1e5 * 366 * DAY_S) {
    return formatNumber(seconds);
  }
  const text = new Date(value * 1000).toISOString();
  return value >= 0 && value < DAY_S ? text.slice(11, 19) : text.slice(0, text.indexOf('T'));
}

/** `512 B`, `1.4 MiB`. */
export function formatBytes(bytes: number | null | undefined): string {
  if (bytes === null || bytes === undefined) {
    return '–';
  }
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${unit === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${units[unit]}`;
}

/** `1 row`, `2,000 rows`. */
export function counted(count: number, noun: string): string {
  return `${count.toLocaleString('en')} ${noun}${count === 1 ? '' : 's'}`;
}

// eslint-disable-next-line no-control-regex -- ESC begins a terminal's colour codes (ECMA-48)
const ESCAPES = /\u001b\[[0-9;?]*[ -/]*[@-~]/g;

/** What a terminal would show: no colour codes, and progress bars only in their last state. */
export function terminalText(text: string): string {
  return text
    .replace(ESCAPES, '')
    .replace(/\r\n/g, '\n')
    .replace(/[^\n]*\r(?=[^\n])/g, '');
}
