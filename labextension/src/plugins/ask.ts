import { Dialog, InputDialog, Notification, showDialog } from '@jupyterlab/apputils';
import { RequestError } from '../api/request';

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
