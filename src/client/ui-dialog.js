// Modal dialogs: the browser's own <dialog>, which keeps the focus and closes by Escape.

import { el } from './dom.js';

/** Numbers the dialogs: one may lie over another, and each is called by its own heading. */
let made = 0;

/**
 * A modal dialog; `onClose` gets its return value ('' when it was only closed). The focus is on `focused`,
 * else on the last button.
 */
export function openDialog({ title, text, content, buttons, focused, onClose, testid }) {
  made += 1;
  const [named, described] = [`dialog-${made}-title`, `dialog-${made}-text`];
  const heading = el('h2', { id: named, text: title });
  const dialog = el('dialog', { class: 'dialog', 'aria-labelledby': named, 'aria-describedby': content ? null : described, testid },
    heading, content ?? el('p', { id: described, text }),
    el('div', { class: 'dialog-end' }, el('p', { class: 'dialog-problem', role: 'alert' }),
      el('div', { class: 'dialog-said visually-hidden', 'aria-live': 'polite' }), el('div', { class: 'dialog-buttons' }, ...buttons)));
  dialog.addEventListener('close', () => {
    dialog.remove();
    onClose?.(dialog.returnValue);
  });
  document.body.append(dialog);
  dialog.showModal();
  (focused ?? buttons.at(-1)).focus();
  return dialog;
}

/** The dialog that is open, the uppermost of several; null: none is. */
export const topDialog = () => [...document.querySelectorAll('dialog[open]')].at(-1) ?? null;

/** Says in the dialog that is open what went wrong, since it covers all else; whether there is one. */
export function sayInDialog(text) {
  const dialog = topDialog();
  if (!dialog) return false;
  dialog.querySelector('.dialog-problem').textContent = text;
  return true;
}
