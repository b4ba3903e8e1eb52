/** A line of one side of a diff; `changed` where the other side has not the same. */
export interface DiffCell {
  number: number;
  text: string;
  changed: boolean;
}

/** What stands beside each other; null on the side that has nothing there. A gap leaves lines out. */
export type DiffRow = { gap: true } | { gap?: undefined; a: DiffCell | null; b: DiffCell | null };

/** A unified diff side by side: removed lines beside the added ones that stand in their place. */
export function sideBySide(diff: string): DiffRow[] {
  const rows: DiffRow[] = [];
  let [left, right] = [0, 0];
  let [removed, added]: [DiffCell[], DiffCell[]] = [[], []];
  const flush = () => {
    for (let i = 0; i < Math.max(removed.length, added.length); i++) {
      rows.push({ a: removed[i] ?? null, b: added[i] ?? null });
    }
    [removed, added] = [[], []];
  };
  // the first two lines name the sides
  for (const line of diff.split('\n').slice(2)) {
    const text = line.slice(1);
    const hunk = /^@@ -(\d+)(?:,\d+)? \+(\d+)(?:,\d+)? @@/.exec(line);
    if (hunk) {
      flush();
      if (rows.length || Number(hunk[1]) > 1) {
        rows.push({ gap: true });
      }
      [left, right] = [Number(hunk[1]), Number(hunk[2])];
    } else if (line.startsWith('-')) {
      removed.push({ number: left++, text, changed: true });
    } else if (line.startsWith('+')) {
      added.push({ number: right++, text, changed: true });
    } else {
      flush();
      rows.push({
        a: { number: left++, text, changed: false },
        b: { number: right++, text, changed: false }
      });
    }
  }
  flush();
  return rows;
}
