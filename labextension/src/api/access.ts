import { Access, RegistryClient } from './registryClient';
import { Resource } from './resource';
import { Role } from './types';

const ROLES: readonly Role[] = ['viewer', 'contributor', 'approver', 'admin'];

/** What can be done to what is registered, and the least role that may. */
const NEEDED = {
  describe: 'contributor',
  move: 'contributor',
  check: 'contributor',
  submit: 'contributor',
  cancel: 'contributor',
  approve: 'approver',
  gate: 'approver'
} as const;

export type Action = keyof typeof NEEDED;

/**
 * Who looks at this page and what they may do.
 *
 * The server decides; this only says beforehand what it would refuse. While it is not known, nothing is
 * taken to be refused.
 */
export class AccessModel extends Resource<Access> {
  constructor(private _client: RegistryClient) {
    super();
  }

  /** Why the user may not do it; empty where they may. */
  refuses(action: Action): string {
    if (this.data === null) {
      return '';
    }
    const { user, role } = this.data;
    const needed = NEEDED[action];
    return ROLES.indexOf(role) >= ROLES.indexOf(needed)
      ? ''
      : `${user || 'You'} may not: this needs the role ${needed}, yours is ${role}.`;
  }

  protected load(): Promise<Access> {
    return this._client.access();
  }
}
