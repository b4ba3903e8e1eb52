import { CommandRegistry } from '@lumino/commands';
import { AccessModel } from '../api/access';

/** Add a command that submits: for who may not, it is disabled, and its caption says why. */
export function addSubmitting(
  commands: CommandRegistry,
  access: AccessModel,
  id: string,
  options: CommandRegistry.ICommandOptions & { caption: string }
): void {
  commands.addCommand(id, {
    ...options,
    caption: () => access.refuses('submit') || options.caption,
    isEnabled: () => access.refuses('submit') === ''
  });
  access.stateChanged.connect(() => commands.notifyCommandChanged(id));
}
