// Modal dialogs: the browser's own <dialog>, which keeps the focus and closes by Escape.

import { el } from './dom.js';

/** A modal dialog; `onClose` gets its return value ('' when it was only closed). */
export function openDialog({ title, text, content, buttons, onClose, testid }) {
  const heading = el('h2', { id: 'dialog-title', text: title });
  const dialog = el('dialog', { class: 'dialog', 'aria-labelledby': 'dialog-title', testid },
    heading, content ?? el('p', { text }),
    el('div', { class: 'dialog-end' }, el('p', { class: 'dialog-problem', role: 'alert' }), el('div', { class: 'dialog-buttons' }, ...buttons)));
  dialog.addEventListener('close', () => {
    dialog.remove();
    onClose?.(dialog.returnValue);
  });
  document.body.append(dialog);
  dialog.showModal();
  buttons.at(-1).focus();
  return dialog;
}

/** Says in the dialog that is open what went wrong, since it covers all else; whether there is one. */
export function sayInDialog(text) {
  const dialog = [...document.querySelectorAll('dialog[open]')].at(-1);
  if (!dialog) return false;
  dialog.querySelector('.dialog-problem').textContent = text;
  return true;
}
