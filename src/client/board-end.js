// A full page that says why there is no board, and what to do next.

import { button, el, icon } from './dom.js';
import { texts } from './texts.js';
import { board } from './texts-board.js';
import { languagePicker } from './ui-language.js';

/** A page for `code`, one of the texts' endings; `said` are the server's own words, if any. */
export function ending({ code, said }, token) {
  const { endings } = board();
  const { title, text, next, enter } = endings[code];
  document.title = `${title} – ${texts.product}`;
  const heading = el('h1', { text: title, tabindex: '-1' });
  return el('main', { class: 'end-screen' }, el('section', { class: 'card end-card', testid: 'board-refusal', 'data-code': code },
    el('div', { class: 'screen-top' }, el('p', { class: 'product', text: texts.product }), languagePicker()),
    el('div', { class: 'end-icon' }, icon(code === 'no_link' ? 'link' : 'warning')),
    heading,
    el('p', { class: 'end-text', text }),
    said && texts.serverIsRead && code !== 'not_organiser' ? el('p', { class: 'end-said', text: said }) : null,
    el('h2', { text: endings.whatNext }),
    el('p', { text: next }),
    el('div', { class: 'end-buttons' },
      enter ? el('a', { class: 'button button-primary button-large', href: `/join#${token}`, text: enter }) : null,
      code === 'no_link' ? null : button(endings.tryAgain, {
        class: 'button button-large', testid: 'try-again', on: { click: () => location.reload() },
      }))));
}

/** Which ending a refusal is; `claims` are those of the token, or null. */
export function endingOf({ status }, claims) {
  if (claims?.role && claims.role !== 'organiser') return 'not_organiser';
  if (status === 403) return 'no_scope';
  return status === 404 ? 'no_event' : 'refused';
}
