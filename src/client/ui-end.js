// A full page that says why one is not in the room and what to do next; also the page of goodbye.

import { button, el, icon, setText, show } from './dom.js';
import { texts } from './texts.js';

const ICON_OF = { left: 'done', no_link: 'link', link_not_yet: 'clock' };

/** Endings whose reason only the server's words tell. */
const UNTOLD = ['refused', 'full'];

export class EndScreen {
  static label = 'end';
  #visit;
  #code = null;
  #said = null;
  #retrying = null;

  root = el('main', { class: 'end-screen' });

  constructor({ visit }) {
    this.#visit = visit;
  }

  draw() {
    const { phase, ending, returning } = this.#visit;
    const code = phase === 'left' ? 'left' : ending.code;
    if (code !== this.#code) this.#build(code, ending?.message);
    show(this.#retrying, returning);
  }

  #build(code, message) {
    this.#code = code;
    const wording = texts.endings[code] ?? texts.endings.refused;
    this.#retrying = el('p', { class: 'retrying', role: 'status' },
      el('span', { class: 'spinner', 'aria-hidden': 'true' }),
      el('span', { text: texts.endingRetrying }));
    this.#said = el('p', { class: 'end-said' });
    setText(this.#said, message ?? '');
    show(this.#said, Boolean(message) && UNTOLD.includes(code));
    const heading = el('h1', { text: wording.title, tabindex: '-1' });
    const again = wording.again && button(wording.againText ?? texts.endingTryAgain, {
      class: 'button button-primary button-large', testid: 'try-again',
      on: { click: () => this.#again() },
    });
    document.title = `${wording.title} – ${texts.product}`;
    this.root.replaceChildren(el('section', {
      class: `card end-card ${code === 'left' ? 'end-good' : ''}`,
      testid: code === 'left' ? 'left' : 'fatal', 'data-code': code,
    },
    el('p', { class: 'product', text: texts.product }),
    el('div', { class: 'end-icon' }, icon(ICON_OF[code] ?? 'warning')),
    heading,
    el('p', { class: 'end-text', text: wording.text }),
    this.#said,
    el('h2', { text: texts.whatNext }),
    el('p', { text: wording.next }),
    this.#retrying,
    again || null));
    heading.focus();
  }

  /** While the visit goes on trying, a press only hurries it. */
  #again() {
    if (this.#visit.returning) this.#visit.retryNow();
    else location.reload();
  }
}
