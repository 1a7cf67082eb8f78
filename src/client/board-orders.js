// What the board's dialogs share: an order whose failure is said in the dialog, a file handed over.

import { explain } from './board-words.js';
import { el } from './dom.js';
import { sayInDialog } from './ui-dialog.js';

/** Does what a dialog's button stands for; resolves with whether it was done. `own`: problems that mean more here. */
export async function inDialog(pressed, act, own) {
  // Not `disabled`, which would take the focus away.
  if (pressed.getAttribute('aria-busy')) return false;
  pressed.setAttribute('aria-busy', 'true');
  sayInDialog('');
  try {
    await act();
    return true;
  } catch (error) {
    sayInDialog(explain(error, own));
    return false;
  } finally {
    pressed.removeAttribute('aria-busy');
  }
}

/** Hands a blob to the browser as a file. */
export function save(blob, name) {
  const url = URL.createObjectURL(blob);
  el('a', { href: url, download: name }).click();
  // Firefox begins to read after the click's own task.
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}
