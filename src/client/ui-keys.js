// A chair's shortcuts: single keys for what is done in a hurry, the page that lists them, and a switch,
// since such keys are in the way of who dictates (WCAG 2.1.4).

import { button, el } from './dom.js';
import { texts } from './texts.js';
import { openDialog } from './ui-dialog.js';

/** Where a key is text. */
const FIELDS = 'input, textarea, select, [contenteditable]';

const KEPT = 'keys';

/** Kept with the tab, as everything is; a browser that keeps nothing has them on. */
export function areKeysOn() {
  try {
    return sessionStorage.getItem(KEPT) !== 'off';
  } catch {
    return true;
  }
}

function switchTo(on) {
  try {
    sessionStorage.setItem(KEPT, on ? 'on' : 'off');
  } catch {
    // A browser that lets pages keep nothing.
  }
}

export class Keys {
  #acts;

  /** `acts`: what each key does, by its letter; the words are `texts.keys.acts`. */
  constructor(acts) {
    this.#acts = acts;
    document.addEventListener('keydown', this.#handle);
  }

  close() {
    document.removeEventListener('keydown', this.#handle);
  }

  /** Lists the keys. */
  open() {
    const rows = Object.keys(this.#acts).map((key) => el('tr', {},
      el('th', { scope: 'row' }, el('kbd', { text: key.toUpperCase() })), el('td', { text: () => texts.keys.acts[key] })));
    const others = texts.keys.others.map((_, index) => el('tr', {}, ...['th', 'td'].map((tag, part) => (
      part === 0 ? el(tag, { scope: 'row' }, el('kbd', { text: () => texts.keys.others[index][part] }))
        : el(tag, { text: () => texts.keys.others[index][part] })))));
    const on = el('input', { type: 'checkbox', testid: 'keys-on', checked: areKeysOn(), on: { change: ({ target }) => switchTo(target.checked) } });
    const dialog = openDialog({
      title: () => texts.keys.title, testid: 'keys-dialog',
      content: el('div', { class: 'settings-form' },
        el('table', { class: 'keys' }, el('tbody', {}, ...rows, ...others)),
        el('label', { class: 'choice' }, on, el('span', {}, el('strong', { text: () => texts.keys.on }), el('span', { class: 'muted', text: () => texts.keys.onHint })))),
      buttons: [button(() => texts.session.doneMenu, { class: 'button button-primary', testid: 'keys-close', on: { click: () => dialog.close() } })],
    });
  }

  #handle = (event) => {
    const { target, ctrlKey, altKey, metaKey, repeat, defaultPrevented } = event;
    if (defaultPrevented || repeat || ctrlKey || altKey || metaKey || !areKeysOn()) return;
    if (target.closest?.(FIELDS) || document.querySelector('dialog[open]')) return;
    const key = letterOf(event);
    const act = key === '?' ? () => this.open() : this.#acts[key];
    if (!act) return;
    event.preventDefault();
    act();
  };
}

/** The letter on the key; where the keyboard writes another alphabet, the one at its place on a Latin one. */
function letterOf({ key, code }) {
  if (key === '?') return key;
  if (/^[a-z]$/i.test(key)) return key.toLowerCase();
  return key.length === 1 && /^Key[A-Z]$/.test(code) ? code.at(-1).toLowerCase() : '';
}
