// A chair's orders that can be taken back: what was done, and “Undo” beside it for a while.

import { button, el, setAttribute, setButtonText, setText, show } from './dom.js';
import { nameOf } from './meeting.js';
import { texts } from './texts.js';
import { areKeysOn } from './ui-keys.js';
import { undoOf } from './undo.js';

/** How long an order can be taken back, in ms; the time stands while one points at it or is in it. */
const UNDO_MS = 8000;

export class Undo {
  #parts;
  #offer = null;
  #timer = null;

  constructor(parts) {
    this.#parts = parts;
    this.text = el('p', { class: 'undo-text', testid: 'undo-text' });
    this.button = button('', { class: 'button button-small undo-button', testid: 'undo', 'aria-keyshortcuts': 'U', on: { click: () => this.undo() } });
    this.time = el('div', { class: 'undo-time', 'aria-hidden': 'true' });
    this.root = el('div', {
      class: 'undo', role: 'group', 'aria-label': () => texts.undo.label, testid: 'undo-card', hidden: true,
      on: {
        pointerenter: () => this.#hold(), pointerleave: () => this.#run(),
        focusin: () => this.#hold(), focusout: () => this.#run(),
      },
    }, el('div', { class: 'undo-box' }, this.text, this.button, this.time));
  }

  /** Sends a request and, once it is done, offers to take it back where that can be. */
  async order(type, fields = {}) {
    const { ui, meeting } = this.#parts;
    const before = meeting.state;
    const pressed = document.activeElement;
    if (!await ui.order(type, fields)) return false;
    const after = meeting.state;
    const found = undoOf(type, fields, before, after);
    if (found) {
      const said = saidOf(type, fields, after);
      this.#show({ ...found, said, session: after.session.id, word: texts.undo.words[type] ?? texts.undo.undo, pressed });
    }
    return true;
  }

  /** Takes back what is offered, unless others have gone on; says which. */
  async undo() {
    const { ui, meeting } = this.#parts;
    const offer = this.#offer;
    if (!offer) return;
    this.#hide();
    const { state } = meeting;
    if (state?.session.id !== offer.session || !offer.holds(state)) {
      ui.notice(texts.undo.late);
      return;
    }
    for (const [type, fields] of offer.requests) {
      // What was refused says why by itself.
      if (!await ui.order(type, fields)) return;
    }
    ui.announce(texts.undo.done(offer.said));
  }

  /** Forgets the offer, as when the room is left. */
  close() {
    this.#hide();
  }

  #show(offer) {
    const { ui } = this.#parts;
    this.#offer = offer;
    setText(this.text, offer.said);
    setButtonText(this.button, offer.word);
    setAttribute(this.button, 'aria-label', texts.undo.of(offer.word, offer.said));
    show(this.root, true);
    ui.announce(areKeysOn() ? texts.undo.offered(offer.said, offer.word) : offer.said);
    this.#run();
  }

  #hold() {
    clearTimeout(this.#timer);
    this.root.classList.remove('undo-runs');
  }

  #run() {
    clearTimeout(this.#timer);
    if (!this.#offer || this.root.matches(':hover') || this.root.contains(document.activeElement)) return;
    // The bar begins anew.
    this.root.classList.remove('undo-runs');
    void this.root.offsetWidth;
    this.root.classList.add('undo-runs');
    this.#timer = setTimeout(() => this.#hide(), UNDO_MS);
  }

  #hide() {
    clearTimeout(this.#timer);
    const { pressed } = this.#offer ?? {};
    const focused = this.root.contains(document.activeElement);
    this.#offer = null;
    show(this.root, false);
    if (!focused) return;
    // Back to where it was pressed, or to the first control beside it.
    const shown = pressed?.isConnected && pressed.getClientRects().length > 0;
    (shown ? pressed : this.root.parentElement?.querySelector('button'))?.focus();
  }
}

function saidOf(type, fields, after) {
  const { said } = texts.undo;
  const member = 'member' in fields ? fields.member : after.turns.find(({ turn }) => turn === after.floor.last_turn)?.member;
  const name = member ? nameOf(after, member) : '';
  switch (type) {
    case 'agenda.start': {
      const title = after.session.items.find(({ id }) => id === fields.item)?.title ?? fields.item;
      return after.session.item === fields.item ? said[type](title) : said.waits(title);
    }
    case 'floor.move':
      return said[type](name, fields.place);
    case 'member.stop_picture':
    case 'member.allow_picture':
      return said[type][fields.source](name);
    case 'recommendation.set_status':
      return said[type](fields.number, texts.register.statuses[fields.status]);
    default:
      return said[type](name);
  }
}
