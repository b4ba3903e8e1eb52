import { Dialog, InputDialog, Notification, showDialog } from '@jupyterlab/apputils';
import { Widget } from '@lumino/widgets';
import { RequestError } from '../api/request';
import { Decision } from '../ui/decisions';

/** Whether the user agrees to something that cannot be undone. */
export async function confirm(question: string, action: string): Promise<boolean> {
  const { button } = await showDialog({
    title: `${action}?`,
    body: question,
    buttons: [Dialog.cancelButton({ label: 'Back' }), Dialog.warnButton({ label: action })],
    defaultButton: 0
  });
  return button.accept;
}

/** Ask for a decision and its reason: maybe empty, or null where the user goes back. */
export async function decide({ title, question, action, warn }: Decision): Promise<string | null> {
  const { button, value } = await showDialog({
    title: `${title}?`,
    body: new ReasonBody(question),
    buttons: [
      Dialog.cancelButton({ label: 'Back' }),
      (warn ? Dialog.warnButton : Dialog.okButton)({ label: action })
    ],
    focusNodeSelector: 'input'
  });
  return button.accept ? (value ?? '') : null;
}

/** A question, and a field for the reason of the answer. */
class ReasonBody extends Widget implements Dialog.IBodyWidget<string> {
  constructor(question: string) {
    super();
    this.addClass('jp-mlops-Reason');
    const said = document.createElement('p');
    said.textContent = question;
    const label = document.createElement('label');
    label.textContent = 'Reason, which the audit trail keeps';
    this._field.type = 'text';
    this._field.className = 'jp-mod-styled';
    this._field.setAttribute('aria-label', 'Reason');
    label.append(this._field);
    this.node.append(said, label);
  }

  getValue(): string {
    return this._field.value.trim();
  }

  private _field = document.createElement('input');
}

/** An id that the user types, or null. */
export async function askId(title: string): Promise<string | null> {
  const { button, value } = await InputDialog.getText({
    title,
    label: 'Its id, or the last characters of it (four or more)'
  });
  return button.accept && value?.trim() ? value.trim() : null;
}

/** Show why something could not be done. */
export function tell(thrown: unknown): void {
  Notification.error(RequestError.of(thrown).message, { autoClose: 10_000 });
}
