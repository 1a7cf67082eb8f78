// A full page that says why one is not in the room and what to do next; also the page of goodbye.

import { button, el, icon, setText, show } from './dom.js';
import { refusalText, texts } from './texts.js';
import { languagePicker } from './ui-language.js';

const ICON_OF = { left: 'done', no_link: 'link', link_not_yet: 'clock' };

/** Endings of which the server's words, which are English, may tell more. */
const UNTOLD = ['refused', 'full', 'removed'];

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
    if (code !== this.#code) this.#build(code);
    document.title = `${this.#wording().title} – ${texts.product}`;
    const said = this.#saidBy(ending);
    setText(this.#said, said);
    show(this.#said, said !== '');
    show(this.#retrying, returning);
  }

  #wording() {
    return texts.endings[this.#code] ?? texts.endings.refused;
  }

  #saidBy(ending) {
    if (!UNTOLD.includes(this.#code)) return '';
    if (ending.refusal) return refusalText(ending.refusal);
    return texts.serverIsRead ? ending.message ?? '' : '';
  }

  #build(code) {
    this.#code = code;
    this.#retrying = el('p', { class: 'retrying', role: 'status' },
      el('span', { class: 'spinner', 'aria-hidden': 'true' }),
      el('span', { text: () => texts.endingRetrying }));
    this.#said = el('p', { class: 'end-said' });
    const heading = el('h1', { text: () => this.#wording().title, tabindex: '-1' });
    const again = this.#wording().again && button(() => this.#wording().againText ?? texts.endingTryAgain, {
      class: 'button button-primary button-large', testid: 'try-again',
      on: { click: () => this.#again() },
    });
    this.root.replaceChildren(el('section', {
      class: `card end-card ${code === 'left' ? 'end-good' : ''}`,
      testid: code === 'left' ? 'left' : 'fatal', 'data-code': code,
    },
    el('div', { class: 'screen-top' }, el('p', { class: 'product', text: () => texts.product }), languagePicker()),
    el('div', { class: 'end-icon' }, icon(ICON_OF[code] ?? 'warning')),
    heading,
    el('p', { class: 'end-text', text: () => this.#wording().text }),
    this.#said,
    el('h2', { text: () => texts.whatNext }),
    el('p', { text: () => this.#wording().next }),
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
