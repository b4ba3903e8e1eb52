import { Event } from '@jupyterlab/services';
import { IDisposable } from '@lumino/disposable';
import { ISignal, Signal } from '@lumino/signaling';

export const CHANGED_SCHEMA = 'https://schemas.jupyter-mlops.org/changed/v1';

export type Kind = 'runs' | 'jobs' | 'sweeps' | 'schedules' | 'datasets' | 'models' | 'features';

/** What changed; `ids` is null where anything of that kind may have. */
export interface Change {
  kind: Kind;
  ids: readonly string[] | null;
}

const KINDS: readonly Kind[] = [
  'runs',
  'jobs',
  'sweeps',
  'schedules',
  'datasets',
  'models',
  'features'
];

/** How often everything is read again while the page is visible, in case events were missed. */
const RESYNC_MS = 30_000;
/** Focus events come in bursts (every click from a dialog): read again at most this often. */
const FOCUS_PAUSE_MS = 5_000;

/**
 * The server's "this changed" events as one signal.
 *
 * The events service replays nothing after a reconnect and browsers pause hidden pages, so a focus,
 * a return of the network and a slow clock also say "anything may have changed".
 */
export class Changes implements IDisposable {
  constructor(stream: ISignal<unknown, Event.Emission>) {
    this._stream = stream;
    stream.connect(this._onEvent, this);
    window.addEventListener('focus', this._onFocus);
    window.addEventListener('online', this.resync);
    document.addEventListener('visibilitychange', this._onFocus);
    this._timer = window.setInterval(this._onClock, RESYNC_MS);
  }

  get changed(): ISignal<this, Change> {
    return this._changed;
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  dispose(): void {
    this._isDisposed = true;
    this._stream.disconnect(this._onEvent, this);
    window.removeEventListener('focus', this._onFocus);
    window.removeEventListener('online', this.resync);
    document.removeEventListener('visibilitychange', this._onFocus);
    window.clearInterval(this._timer);
    Signal.clearData(this);
  }

  /** Say that one kind changed, by an action of this page: its views need not wait for the event. */
  announce(kind: Kind, ids: readonly string[] | null): void {
    this._changed.emit({ kind, ids });
  }

  /** Say that anything may have changed. */
  resync = (): void => {
    this._lastResync = Date.now();
    for (const kind of KINDS) {
      this._changed.emit({ kind, ids: null });
    }
  };

  private _onEvent(_: unknown, emission: Event.Emission): void {
    if (emission.schema_id !== CHANGED_SCHEMA) {
      return;
    }
    const kind = emission['kind'] as Kind;
    if (KINDS.includes(kind)) {
      this._changed.emit({ kind, ids: (emission['ids'] as string[] | undefined) ?? null });
    }
  }

  private _onFocus = (): void => {
    if (!document.hidden && Date.now() - this._lastResync > FOCUS_PAUSE_MS) {
      this.resync();
    }
  };

  private _onClock = (): void => {
    if (!document.hidden) {
      this.resync();
    }
  };

  private _changed = new Signal<this, Change>(this);
  private _isDisposed = false;
  private _lastResync = 0;
  private _stream: ISignal<unknown, Event.Emission>;
  private _timer: number;
}
