/** The filter language's own fields, and what they are. */
export const FIELDS: Record<string, string> = {
  status: 'running, finished, failed, cancelled, lost',
  name: 'the run’s name',
  experiment: 'its experiment',
  started: 'when it began: a date, or 7d',
  duration: 'how long it took, in seconds',
  code: 'words in its code',
  output: 'words in what it printed',
  kind: 'cell, notebook, script, job',
  notebook: 'the notebook’s path',
  user: 'who ran it',
  host: 'where it ran',
  note: 'its note',
  id: 'its id',
  ended: 'when it ended',
  parent: 'the run that it belongs to',
  job: 'the job that ran it',
  sweep: 'the sweep that it belongs to'
};

const VALUES: Record<string, readonly string[]> = {
  status: ['running', 'finished', 'failed', 'cancelled', 'lost'],
  kind: ['cell', 'notebook', 'script', 'job']
};
const OPERATORS = ['=', '!=', '>', '>=', '<', '<=', 'like', 'in (', 'is null', 'is not null'];
const JOINTS = ['and', 'or'];

export const EXAMPLES: readonly string[] = [
  'metrics.acc > 0.9 and params.lr < 0.01',
  "status = 'failed' or tags.team = 'a'",
  "name like 'digits%' and duration > 60",
  "code = 'GradientBoosting'",
  "output = 'did not converge'",
  'metrics.loss.min < 0.1 and tags.team is not null'
];

export interface Completion {
  /** What is replaced. */
  from: number;
  to: number;
  options: readonly string[];
}

const TOKEN = /'[^']*'?|"[^"]*"?|`[^`]*`?|<=|>=|!=|[=<>(),]|(?:[^\s()<>=!,'"`]|`[^`]*`?)+/g;
const MOST = 12;

/** What can stand where the cursor is; `known` are the fields of the runs in view. */
export function complete(text: string, cursor: number, known: readonly string[]): Completion {
  const before = text.slice(0, cursor);
  const tokens = before.match(TOKEN) ?? [];
  const open = /[^\s(),=<>!]$/.test(before) ? (tokens.pop() ?? '') : '';
  const from = cursor - open.length;
  const options = candidates(tokens, known).filter(
    option => option !== open && option.toLowerCase().includes(open.toLowerCase())
  );
  const starts = (option: string) => Number(option.toLowerCase().startsWith(open.toLowerCase()));
  options.sort((a, b) => starts(b) - starts(a));
  return { from, to: cursor, options: options.slice(0, MOST) };
}

function candidates(tokens: readonly string[], known: readonly string[]): string[] {
  const last = tokens[tokens.length - 1]?.toLowerCase();
  if (!last || ['and', 'or', 'not', '('].includes(last)) {
    return [...Object.keys(FIELDS), ...known];
  }
  if (['=', '!=', 'like', 'in', ',', '(', '<', '<=', '>', '>='].includes(last)) {
    const field = [...tokens].reverse().find(token => token.toLowerCase() in FIELDS) ?? '';
    return (VALUES[field.toLowerCase()] ?? []).map(value => `'${value}'`);
  }
  const isField = last in FIELDS || /^(params|metrics|tags)\./.test(last);
  return isField ? OPERATORS : JOINTS;
}

/** The column that the server's message names, from 0; null where it names none. */
export function columnIn(message: string): number | null {
  const found = /\bcolumn (\d+)/.exec(message);
  return found ? Number(found[1]) - 1 : null;
}

/** Text around a column in which it can be marked. */
export function around(
  text: string,
  column: number
): { before: string; at: string; after: string } {
  const start = Math.max(0, column - 24);
  const at = text.slice(column, column + 1) || ' ';
  return {
    before: (start > 0 ? '…' : '') + text.slice(start, column),
    at,
    after: text.slice(column + 1, column + 20)
  };
}
