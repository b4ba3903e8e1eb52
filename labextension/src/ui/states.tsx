import React from 'react';
import { RequestError } from '../api/request';

/** What went wrong, in the server's words, with a way to try again, or to put it out of sight. */
export function ErrorBox(props: {
  error: RequestError;
  retry?: () => void;
  close?: () => void;
}): JSX.Element {
  return (
    <div className="jp-mlops-Error" role="alert">
      <span>{props.error.message}</span>
      {props.retry && (
        <button className="jp-mlops-Button" onClick={props.retry}>
          Retry
        </button>
      )}
      {props.close && (
        <button
          className="jp-mlops-Icon-button"
          aria-label="Close this message"
          title="Close this message"
          onClick={props.close}
        >
          ×
        </button>
      )}
    </div>
  );
}

/** An empty list that says how it gets filled. */
export function EmptyState(props: {
  title: string;
  code?: string;
  children?: React.ReactNode;
}): JSX.Element {
  return (
    <div className="jp-mlops-Empty">
      <div className="jp-mlops-Empty-title">{props.title}</div>
      {props.children && <div>{props.children}</div>}
      {props.code && <pre>{props.code}</pre>}
    </div>
  );
}

export function Loading(): JSX.Element {
  return (
    <div className="jp-mlops-Loading" role="status">
      Loading…
    </div>
  );
}

/** The content once there is data; before that its absence, and always the error. */
export function Loaded<T>(props: {
  of: { data: T | null; error: RequestError | null; refresh(): Promise<unknown> };
  children: (data: T) => React.ReactNode;
}): JSX.Element {
  const { data, error, refresh } = props.of;
  return (
    <>
      {error && <ErrorBox error={error} retry={() => void refresh.call(props.of)} />}
      {data === null ? !error && <Loading /> : props.children(data)}
    </>
  );
}
