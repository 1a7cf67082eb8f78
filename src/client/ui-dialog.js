// Modal dialogs: the browser's own <dialog>, which keeps the focus and closes by Escape.

import { el } from './dom.js';

/** A modal dialog; `onClose` gets its return value ('' when it was only closed). */
export function openDialog({ title, text, content, buttons, onClose, testid }) {
  const heading = el('h2', { id: 'dialog-title', text: title });
  const dialog = el('dialog', { class: 'dialog', 'aria-labelledby': 'dialog-title', testid },
    heading, content ?? el('p', { text }), el('div', { class: 'dialog-buttons' }, ...buttons));
  dialog.addEventListener('close', () => {
    dialog.remove();
    onClose?.(dialog.returnValue);
  });
  document.body.append(dialog);
  dialog.showModal();
  buttons.at(-1).focus();
  return dialog;
}
