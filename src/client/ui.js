// The face's frame: which screen is shown, announcements, notices, dialogs.
//
// It and the other `ui-` files touch nothing but the DOM: they draw what the other modules hold
// and hand presses to them.

import { button, el, oncePerFrame } from './dom.js';
import { openDialog, sayInDialog, topDialog } from './ui-dialog.js';
import { CheckScreen } from './ui-check.js';
import { EndScreen } from './ui-end.js';
import { LobbyScreen } from './ui-lobby.js';
import { RoomScreen } from './ui-room.js';
import { onLanguage, refusalText } from './texts.js';

/** How long a notice stays, in ms: long enough to be read twice. */
const NOTICE_MS = 8000;
const NOTICES_MAX = 3;

/** An announcement waits so long, in ms, that a dialog which closes or opens with it does not swallow it. */
const ANNOUNCE_MS = 100;
const ANNOUNCEMENTS_MAX = 5;

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
    setTimeout(() => {
      // Beside an open dialog nothing is spoken.
      const place = topDialog()?.querySelector('.dialog-said') ?? this.#announcements;
      // A line each: one that came in the place of another would cut it short.
      const line = el('p', { text });
      place.append(line);
      while (place.childElementCount > ANNOUNCEMENTS_MAX) place.firstElementChild.remove();
      setTimeout(() => line.remove(), NOTICE_MS);
    }, ANNOUNCE_MS);
  }

  /** Shows a passing notice. */
  notice(text, kind = 'info') {
    if (kind === 'problem' && sayInDialog(text)) return;
    if (topDialog()) this.announce(text);
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
   * Asks before something that is hard to take back; resolves with whether to do it. Where it is a
   * `danger`, Enter alone does not. The texts are functions, as `el` takes them.
   */
  confirm({ title, text, accept, cancel, danger = false }) {
    return new Promise((resolve) => {
      const refuse = button(cancel, { class: 'button', testid: 'confirm-cancel', on: { click: () => dialog.close() } });
      const dialog = openDialog({
        title, text, focused: danger ? refuse : null,
        buttons: [
          refuse,
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
