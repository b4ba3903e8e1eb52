import { CommandRegistry } from '@lumino/commands';
import { describe, expect, it, vi } from 'vitest';
import { AccessModel } from '../../api/access';
import { registryThat } from '../../api/__tests__/registryFakes';
import { Role } from '../../api/types';
import { addSubmitting } from '../submitting';

const ID = 'submit';
const CAPTION = 'Run as batch job';

function added(role: Role) {
  const access = new AccessModel(registryThat({ access: async () => ({ user: 'ada', role }) }));
  const commands = new CommandRegistry();
  const execute = vi.fn();
  addSubmitting(commands, access, ID, { label: 'Run…', caption: CAPTION, execute });
  return { access, commands, execute };
}

describe('a command that submits', () => {
  it.each([
    ['viewer', 'ada may not: this needs the role contributor, yours is viewer.'],
    ['contributor', ''],
    ['approver', ''],
    ['admin', '']
  ] as const)('of a %s is refused with: “%s”', async (role, refused) => {
    const { access, commands } = added(role);
    await access.refresh();
    expect(commands.isEnabled(ID)).toBe(refused === '');
    expect(commands.caption(ID)).toBe(refused || CAPTION);
    expect(commands.label(ID)).toBe('Run…');
  });

  it('is left to the server while the role is not known, and buttons hear when it is', async () => {
    const { access, commands, execute } = added('viewer');
    expect([commands.isEnabled(ID), commands.caption(ID)]).toEqual([true, CAPTION]);
    await commands.execute(ID);
    expect(execute).toHaveBeenCalledOnce();
    const changed: unknown[] = [];
    commands.commandChanged.connect((_, { id, type }) => changed.push([id, type]));
    await access.refresh();
    expect(changed).toContainEqual([ID, 'changed']);
    expect(commands.isEnabled(ID)).toBe(false);
  });
});
