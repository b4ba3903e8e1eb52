import { IDisposable } from '@lumino/disposable';
import { ISignal, Signal } from '@lumino/signaling';
import { Change, Changes, Kind } from './changes';
import { RequestError } from './request';

/** How soon a server that did not answer is asked again. */
export const RETRY_MS = 5_000;

/**
 * Something that is read from the server and read again when it changes.
 *
 * Requests never overlap: a change that arrives while one is under way causes exactly one more.
 * A failure keeps the last data, so that a view can go on showing it beside the error; while the
 * server cannot be reached it is asked again by itself.
 */
export abstract class Resource<T> implements IDisposable {
  data: T | null = null;
  error: RequestError | null = null;
  loading = false;

  /** Emitted whenever anything that a view shows has changed. */
  get stateChanged(): ISignal<this, void> {
    return this._stateChanged;
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  dispose(): void {
    this._isDisposed = true;
    window.clearTimeout(this._retry);
    window.clearTimeout(this._rest);
    Signal.clearData(this);
  }

  /** Read again. Resolves when what it shows is at least as new as this call; never rejects. */
  refresh(): Promise<void> {
    if (this._pending) {
      this._again = true;
      return this._pending;
    }
    this._pending = this._run().finally(() => {
      this._pending = null;
    });
    return this._pending;
  }

  /** Read again on changes of `kind`; with `concerns`, only when one of the changed ids does. */
  follow(changes: Changes, kind: Kind, concerns?: (id: string) => boolean): this {
    changes.changed.connect((_: Changes, change: Change) => {
      if (this._isDisposed || change.kind !== kind) {
        return;
      }
      if (!concerns || change.ids === null || change.ids.some(concerns)) {
        this._refreshAfterRest();
      }
    }, this);
    return this;
  }

  /** Called while nobody can see it: changes are kept in mind until `watch`. */
  unwatch(): void {
    this._unseen = true;
  }

  watch(): void {
    this._unseen = false;
    if (this._stale) {
      this._refreshAfterRest();
    }
  }

  /** For how long changes are gathered after a reading that took so long. */
  protected restMs: (tookMs: number) => number = () => 0;

  protected abstract load(): Promise<T>;

  protected notify(): void {
    if (!this._isDisposed) {
      this._stateChanged.emit();
    }
  }

  private _refreshAfterRest(): void {
    this._stale = true;
    const wait = this._restUntil - Date.now();
    if (this._unseen || this._rest) {
      return;
    }
    if (wait <= 0) {
      void this.refresh();
      return;
    }
    this._rest = window.setTimeout(() => {
      this._rest = 0;
      if (!this._unseen) {
        void this.refresh();
      }
    }, wait);
  }

  private async _run(): Promise<void> {
    const began = Date.now();
    do {
      this._stale = false;
      this._again = false;
      this.loading = true;
      this.notify();
      try {
        this.data = await this.load();
        this.error = null;
      } catch (thrown) {
        this.error = RequestError.of(thrown);
      }
    } while (this._again && !this._isDisposed);
    window.clearTimeout(this._retry);
    if (this.error?.code === 'unreachable' && !this._isDisposed) {
      this._retry = window.setTimeout(() => void this.refresh(), RETRY_MS);
    }
    this.loading = false;
    this._restUntil = Date.now() + this.restMs(Date.now() - began);
    this.notify();
  }

  private _again = false;
  private _isDisposed = false;
  private _pending: Promise<void> | null = null;
  private _rest = 0;
  private _restUntil = 0;
  private _retry = 0;
  private _stale = false;
  private _unseen = false;
  private _stateChanged = new Signal<this, void>(this);
}
