import { ServerConnection } from '@jupyterlab/services';
import { apiUrl, Query, requestJson } from './request';

/** Sends JSON to the server extension and reads its answers. Every method throws RequestError. */
export abstract class Connection {
  constructor(readonly settings: ServerConnection.ISettings = ServerConnection.makeSettings()) {}

  protected _get<T>(path: readonly string[], query: Query = {}): Promise<T> {
    return requestJson<T>(this.settings, apiUrl(this.settings, path, query), { cache: 'no-store' });
  }

  protected _send<T>(
    method: string,
    path: readonly string[],
    body?: object,
    query: Query = {}
  ): Promise<T> {
    return requestJson<T>(this.settings, apiUrl(this.settings, path, query), {
      method,
      ...(body ? { body: JSON.stringify(body) } : {})
    });
  }
}
