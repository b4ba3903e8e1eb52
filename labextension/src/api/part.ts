import { RequestError } from './request';

/**
 * A part of what a page shows, asked for on its own; the page's model tells of its changes.
 *
 * Only the newest request counts: an answer that comes after a later one was asked for is dropped.
 */
export class Part<T> {
  data: T | null = null;
  error: RequestError | null = null;
  loading = false;

  constructor(private _notify: () => void) {}

  /** Ask; what is shown stays until the answer. Never rejects. */
  async read(request: () => Promise<T>): Promise<void> {
    const turn = ++this._turn;
    this._request = request;
    this.loading = true;
    try {
      const data = await request();
      if (turn === this._turn) {
        this.data = data;
        this.error = null;
      }
    } catch (thrown) {
      if (turn === this._turn) {
        this.data = null;
        this.error = RequestError.of(thrown);
      }
    }
    if (turn === this._turn) {
      this.loading = false;
      this._notify();
    }
  }

  /** Ask the same again. */
  refresh = (): Promise<void> => (this._request ? this.read(this._request) : Promise.resolve());

  /** Forget it, and what is under way. */
  clear(): void {
    this._turn++;
    this._request = null;
    this.data = null;
    this.error = null;
    this.loading = false;
  }

  private _request: (() => Promise<T>) | null = null;
  private _turn = 0;
}
