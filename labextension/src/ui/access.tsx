import React from 'react';
import { AccessModel, Action } from '../api/access';

/** What the reader may do, for views whose models do not know it. */
export const AccessContext = React.createContext<AccessModel | null>(null);

/** Why the reader may not do it; empty where they may. */
export function useRefusal(action: Action): string {
  const access = React.useContext(AccessContext);
  const [refused, setRefused] = React.useState(() => access?.refuses(action) ?? '');
  React.useEffect(() => {
    const onChange = () => setRefused(access?.refuses(action) ?? '');
    access?.stateChanged.connect(onChange);
    onChange();
    return () => {
      access?.stateChanged.disconnect(onChange);
    };
  }, [access, action]);
  return refused;
}
