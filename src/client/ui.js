// The face's frame: which screen is shown, announcements, notices, dialogs.
//
// It and the other `ui-` files touch nothing but the DOM: they draw what the other modules hold
// and hand presses to them.

import { button, el, oncePerFrame } from './dom.js';
import { openDialog, sayInDialog } from './ui-dialog.js';
import { CheckScreen } from './ui-check.js';
import { EndScreen } from './ui-end.js';
import { LobbyScreen } from './ui-lobby.js';
import { RoomScreen } from './ui-room.js';
import { onLanguage, refusalText } from './texts.js';

/** How long a notice stays, in ms: long enough to be read twice. */
const NOTICE_MS = 8000;
const NOTICES_MAX = 3;

export class Ui {
  #app = document.getElementById('app');
  #announcements = document.getElementById('announcements');
  #notices = document.getElementById('notices');
  #parts;
  #screen = null;

  /** `parts`: `{visit, meeting, media, desk, devices, path, preflight, request}`, the modules that it draws. */
  constructor(parts) {
    this.#parts = { ...parts, ui: this };
    const redraw = oncePerFrame(() => this.#draw());
    for (const part of ['visit', 'media', 'desk', 'devices', 'path', 'preflight']) parts[part].subscribe(redraw);
    parts.meeting.subscribe((state, event) => {
      if (event) this.#screen?.handleEvent?.(event);
      redraw();
    });
    onLanguage(redraw);
    redraw();
  }

  /** Says something to those who listen to the page rather than look at it. */
  announce(text) {
    // A repeated text is spoken again only if it differs.
    const same = this.#announcements.textContent === text;
    this.#announcements.textContent = same ? `${text}\u00a0` : text;
  }

  /** Shows a passing notice. */
  notice(text, kind = 'info') {
    if (kind === 'problem' && sayInDialog(text)) return;
    const notice = el('p', { class: `notice notice-${kind}`, text });
    this.#notices.append(notice);
    while (this.#notices.childElementCount > NOTICES_MAX) this.#notices.firstElementChild.remove();
    setTimeout(() => notice.remove(), NOTICE_MS);
  }

  /** Sends a request and shows why it was refused, if it was. Resolves with whether it was done. */
  async order(type, fields) {
    try {
      await this.#parts.request(type, fields);
      return true;
    } catch (error) {
      this.notice(refusalText(error), 'problem');
      return false;
    }
  }

  /**
   * Asks before something that is hard to take back; resolves with whether to do it. The texts are
   * functions, as `el` takes them.
   */
  confirm({ title, text, accept, cancel, danger = false }) {
    return new Promise((resolve) => {
      const dialog = openDialog({
        title, text,
        buttons: [
          button(cancel, { class: 'button', testid: 'confirm-cancel', on: { click: () => dialog.close() } }),
          button(accept, {
            class: danger ? 'button button-danger' : 'button button-primary', testid: 'confirm-accept',
            on: { click: () => dialog.close('yes') },
          }),
        ],
        onClose: (answer) => resolve(answer === 'yes'),
      });
    });
  }

  #draw() {
    const { visit } = this.#parts;
    const Screen = screenOf(visit.phase);
    if (!(this.#screen instanceof Screen)) {
      this.#screen?.close?.();
      document.querySelectorAll('dialog').forEach((dialog) => dialog.close());
      this.#screen = new Screen(this.#parts);
      this.#app.replaceChildren(this.#screen.root);
      document.body.dataset.screen = Screen.label;
      this.#screen.opened?.();
    }
    this.#screen.draw();
  }
}

function screenOf(phase) {
  switch (phase) {
    case 'room':
      return RoomScreen;
    case 'lobby':
      return LobbyScreen;
    case 'left':
    case 'ended':
      return EndScreen;
    case 'connecting':
    case 'check':
    case 'entering':
    case 'waiting':
      return CheckScreen;
    default:
      throw new Error(`no screen for ${phase}`);
  }
}
