/** A cell that the kernel had executed before a run, and whether the run's cell depended on it. */
export interface ExecutedCell {
  number: number;
  source: string;
  ok: boolean;
  cell_id: string | null;
  needed: boolean;
  why: string;
}
