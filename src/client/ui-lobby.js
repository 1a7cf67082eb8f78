// The lobby: a full page for who waits to be let in, and for who was not.

import { button, el, icon, setAttribute, setText, show } from './dom.js';
import { texts } from './texts.js';
import { languagePicker } from './ui-language.js';

export class LobbyScreen {
  static label = 'end';
  #visit;

  constructor({ visit }) {
    this.#visit = visit;
    this.heading = el('h1', { tabindex: '-1' });
    this.text = el('p', { class: 'end-text' });
    this.returning = el('p', { class: 'retrying', role: 'status' },
      el('span', { class: 'spinner', 'aria-hidden': 'true' }), el('span', { text: () => texts.room.returning }));
    this.again = button(() => texts.lobby.again, {
      class: 'button button-primary button-large', testid: 'lobby-ask-again', on: { click: () => visit.askAgain() },
    });
    this.cancel = button(() => texts.lobby.cancel, {
      class: 'button button-large', testid: 'lobby-cancel', on: { click: () => visit.leaveLobby() },
    });
    this.session = el('p', { class: 'product' });
    this.card = el('section', { class: 'card end-card', testid: 'lobby', 'aria-live': 'polite' },
      el('div', { class: 'screen-top' }, this.session, languagePicker()), el('div', { class: 'end-icon' }, icon('clock')),
      this.heading, this.text, this.returning,
      el('div', { class: 'end-buttons' }, this.again, this.cancel));
    this.root = el('main', { class: 'end-screen' }, this.card);
  }

  opened() {
    this.heading.focus();
  }

  draw() {
    const { lobbyRefusal, returning, session } = this.#visit;
    const refused = lobbyRefusal !== null;
    const { title, text } = refused ? texts.lobby.refused : texts.lobby.waiting;
    document.title = `${title} – ${texts.product}`;
    setAttribute(this.card, 'data-state', refused ? 'refused' : 'waiting');
    setText(this.session, session?.title ?? texts.product);
    setText(this.heading, title);
    setText(this.text, text);
    show(this.again, refused);
    show(this.returning, returning);
  }
}
