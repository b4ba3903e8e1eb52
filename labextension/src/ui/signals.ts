import { ISignal } from '@lumino/signaling';
import React from 'react';

/** Render again whenever the model's state has changed. */
export function useModel(model: { stateChanged: ISignal<unknown, void> }): void {
  const [, setCount] = React.useState(0);
  React.useEffect(() => {
    const onChange = () => setCount(count => count + 1);
    model.stateChanged.connect(onChange);
    onChange(); // it may have changed between the render and now
    return () => {
      model.stateChanged.disconnect(onChange);
    };
  }, [model]);
}

/** Seconds since the epoch, anew every `everyMs`, for texts such as "5 s ago". */
export function useNow(everyMs: number): number {
  const [now, setNow] = React.useState(() => Date.now() / 1000);
  React.useEffect(() => {
    const timer = window.setInterval(() => setNow(Date.now() / 1000), everyMs);
    return () => window.clearInterval(timer);
  }, [everyMs]);
  return now;
}
