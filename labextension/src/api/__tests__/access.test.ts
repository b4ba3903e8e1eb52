import { describe, expect, it } from 'vitest';
import { AccessModel } from '../access';
import { accessOf, registryThat } from './registryFakes';

describe('what a user may do', () => {
  it('grows with the role', async () => {
    const actions = ['describe', 'move', 'check', 'submit', 'cancel', 'approve', 'gate'] as const;
    const allowed = async (role: 'viewer' | 'contributor' | 'approver' | 'admin') => {
      const access = await accessOf(role);
      return actions.filter(action => access.refuses(action) === '');
    };
    expect(await allowed('viewer')).toEqual([]);
    expect(await allowed('contributor')).toEqual(actions.slice(0, 5));
    expect(await allowed('approver')).toEqual([...actions]);
    expect(await allowed('admin')).toEqual([...actions]);
  });

  it('is refused in words', async () => {
    expect((await accessOf('contributor')).refuses('approve')).toBe(
      'ada may not: this needs the role approver, yours is contributor.'
    );
  });

  it('is left to the server while it is not known', () => {
    expect(new AccessModel(registryThat({})).refuses('gate')).toBe('');
  });
});
