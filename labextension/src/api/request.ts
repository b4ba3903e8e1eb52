import { URLExt } from '@jupyterlab/coreutils';
import { ServerConnection } from '@jupyterlab/services';

const NAMESPACE = 'jupyter-mlops/api';

/** Why a request failed: the server's `{code, message}`, or `unreachable` where no server answered. */
export class RequestError extends Error {
  constructor(
    readonly code: string,
    message: string,
    readonly status = 0
  ) {
    super(message);
    this.name = 'RequestError';
  }

  /** Any thrown value as a RequestError, so that models keep one kind of error. */
  static of(thrown: unknown): RequestError {
    if (thrown instanceof RequestError) {
      return thrown;
    }
    return new RequestError('error', thrown instanceof Error ? thrown.message : String(thrown));
  }
}

type QueryValue = string | number | boolean | null | undefined;
/** A list is given value by value, under the same name. */
export type Query = Record<string, QueryValue | readonly QueryValue[]>;

/** The extension's address for a path such as `runs/ID`; empty query values are left out. */
export function apiUrl(
  settings: ServerConnection.ISettings,
  path: readonly string[],
  query: Query = {}
): string {
  const url = URLExt.join(settings.baseUrl, NAMESPACE, ...path.map(encodeURIComponent));
  const pairs = Object.entries(query)
    .flatMap(([key, value]) =>
      (Array.isArray(value) ? value : [value]).map(each => [key, each as QueryValue] as const)
    )
    .filter(([, value]) => value !== undefined && value !== null && value !== '');
  const text = pairs
    .map(([key, value]) => {
      const text = typeof value === 'boolean' ? Number(value) : value;
      return `${key}=${encodeURIComponent(String(text))}`;
    })
    .join('&');
  return text ? `${url}?${text}` : url;
}

/** The JSON that the server answers. Throws RequestError for everything else. */
export async function requestJson<T>(
  settings: ServerConnection.ISettings,
  url: string,
  init: RequestInit = {}
): Promise<T> {
  const text = await requestText(settings, url, init);
  try {
    return JSON.parse(text) as T;
  } catch {
    throw new RequestError('error', 'The server answered with something other than JSON.', 500);
  }
}

/** The text that the server answers. Throws RequestError where it refuses. */
export async function requestText(
  settings: ServerConnection.ISettings,
  url: string,
  init: RequestInit = {}
): Promise<string> {
  let response: Response;
  try {
    response = await ServerConnection.makeRequest(url, init, settings);
  } catch {
    throw new RequestError('unreachable', 'The Jupyter server does not answer. Is it running?');
  }
  const text = await response.text();
  if (!response.ok) {
    throw errorOf(response.status, text);
  }
  return text;
}

/** The server's own words where the body has them, else what the status means. */
function errorOf(status: number, body: string): RequestError {
  try {
    const { code, message } = JSON.parse(body);
    if (message) {
      return new RequestError(code || 'error', message, status);
    }
  } catch {
    // not JSON: a proxy's page or an old server
  }
  return new RequestError(codeOf(status), meaningOf(status), status);
}

function codeOf(status: number): string {
  return status === 404 ? 'not_found' : status === 403 ? 'forbidden' : 'error';
}

function meaningOf(status: number): string {
  if (status === 404) {
    return 'The server does not know this. Is the server extension enabled (jupyter mlops doctor)?';
  }
  if (status === 403) {
    return 'The server refuses this request: sign in again.';
  }
  return `The server failed to answer (HTTP ${status}).`;
}
