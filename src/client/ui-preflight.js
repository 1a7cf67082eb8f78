// The check days before: what was found, and that the organiser has it.

import { button, el, icon, keyed, setAttribute, setIcon, setText, show } from './dom.js';
import { timeInBoth } from './format.js';
import { texts } from './texts.js';
import { gradeOf, verdictOf } from './ui-path.js';

/** So long before its start the check is offered in place of waiting, in ms. */
const EARLY_MS = 60 * 60 * 1000;

const ICON_OF = { good: 'done', fair: 'warning', bad: 'warning', open: 'clock' };

/** Whether the session has not begun and is not about to. */
export function isEarly(visit) {
  const { session } = visit;
  return session !== null && ['scheduled', 'prepared'].includes(session.state)
    && session.start - visit.now() > EARLY_MS;
}

/** The same page at another path, with the same link. */
export const addressOf = (path) => `${path}${location.search}${location.hash}`;

/** Asks whether the test sound was heard, once it was played. */
export class HeardQuestion {
  #preflight;
  #asked = false;

  constructor({ preflight, visit }, test) {
    this.#preflight = preflight;
    this.#asked = visit.checkOnly;
    const answer = (heard, text, testid) => button(text, {
      class: 'button button-small', testid, on: { click: () => preflight.sayHeard(heard) },
    });
    this.yes = answer(true, () => texts.check.heardYes, 'heard-yes');
    this.no = answer(false, () => texts.check.heardNo, 'heard-no');
    this.advice = el('p', { class: 'hint heard-advice', role: 'status' });
    this.root = el('div', { class: 'heard', role: 'group', 'aria-labelledby': 'heard-question' },
      el('p', { id: 'heard-question', text: () => texts.check.heard }), this.yes, this.no, this.advice);
    test.addEventListener('click', () => {
      this.#asked = true;
      this.draw();
    });
  }

  draw() {
    const { heardSound } = this.#preflight;
    show(this.root, this.#asked);
    setAttribute(this.yes, 'aria-pressed', String(heardSound === true));
    setAttribute(this.no, 'aria-pressed', String(heardSound === false));
    setText(this.advice, heardSound === false ? texts.check.heardAdvice : '');
  }
}

/** What was found, and what comes next. */
export class PreflightCard {
  #parts;

  constructor(parts) {
    this.#parts = parts;
    this.list = el('ul', { class: 'findings', role: 'list' });
    this.sent = el('p', { class: 'preflight-sent', role: 'status', testid: 'preflight-sent' });
    this.join = el('a', { class: 'button button-primary button-large', testid: 'open-join', href: addressOf('/join') },
      el('span', { class: 'button-text', text: () => texts.preflight.join }));
    this.next = el('p', { class: 'hint', text: () => texts.preflight.next });
    this.root = el('section', { class: 'card preflight-card', testid: 'preflight', 'aria-labelledby': 'preflight-heading' },
      el('h2', { id: 'preflight-heading', text: () => texts.preflight.heading }),
      this.list, this.sent, this.next, this.join);
  }

  draw() {
    const { desk, path, preflight, visit } = this.#parts;
    const { found } = preflight;
    const kinds = desk.sends ? ['microphone', 'camera', 'speaker'] : ['speaker'];
    const device = (kind) => ({
      kind, grade: { true: 'good', false: 'bad', null: 'open' }[found[kind]],
      words: texts.preflight[kind][{ true: 'yes', false: 'no', null: 'open' }[found[kind]]],
    });
    const findings = [...kinds.map(device), { kind: 'path', grade: gradeOf(path), words: verdictOf(path) }];
    keyed(this.list, findings, ({ kind }) => kind,
      ({ kind }) => {
        const row = el('li', { class: 'finding', testid: 'finding', 'data-kind': kind });
        row.mark = el('span', { class: 'path-icon' }, icon('clock'));
        row.words = el('span');
        row.append(row.mark, el('div', {},
          el('span', { class: 'finding-name', text: () => texts.preflight.names[kind] }), row.words));
        return row;
      },
      (row, { grade, words }) => {
        setAttribute(row, 'data-grade', grade);
        setIcon(row.mark, ICON_OF[grade]);
        setText(row.words, words);
      });
    this.#drawSent();
    const early = isEarly(visit);
    show(this.join, !early);
    show(this.next, early);
  }

  #drawSent() {
    const { path, preflight, visit } = this.#parts;
    const { sentAt, unsent } = preflight;
    const state = unsent ? 'sending' : sentAt === null ? 'waiting' : 'sent';
    setAttribute(this.sent, 'data-state', path.phase === 'done' || sentAt !== null ? state : 'waiting');
    setText(this.sent, state === 'sent'
      ? texts.preflight.sent(timeInBoth(sentAt, visit.event.time_zone, texts.language))
      : texts.preflight[state]);
  }
}
