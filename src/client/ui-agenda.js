// The page of the agenda: the one that is on and how late it runs, the next, all of them; notices and notes.

import { button, el, keyed, setAttribute, setDisabled, setText, show } from './dom.js';
import { sameWallClock, timeInBoth, zoneName } from './format.js';
import { itemAfter, lateness, nameOf, nextItem } from './meeting.js';
import { texts } from './texts.js';
import { writing } from './ui-session.js';

/** How late the agenda runs, in words; empty where it does not. */
export function lateText(session, now) {
  const minutes = Math.floor(lateness(session, now) / 60_000);
  return session.state === 'live' && minutes > 0 ? texts.agenda.late(minutes) : '';
}

export class AgendaPage {
  #parts;

  constructor(parts) {
    const { ui, visit, meeting } = parts;
    this.#parts = parts;
    this.chairs = visit.member.role === 'chair';
    this.late = el('p', { class: 'late', testid: 'lateness' });
    this.items = el('ol', { class: 'rows', role: 'list', testid: 'agenda' });
    this.empty = el('p', { class: 'muted', text: () => texts.agenda.empty });
    this.zones = el('p', { class: 'hint', testid: 'zones', text: () => texts.agenda.zones(zoneName(visit.event.time_zone)) });
    this.next = button('', {
      class: 'button button-primary next-button', iconName: 'next', testid: 'agenda.next', once: 'item', 'aria-keyshortcuts': 'I',
      on: { click: () => this.#start(nextItem(meeting.state.session)?.id) },
    });
    this.nextWord = el('span', { class: 'next-word', text: () => texts.agenda.nextItem });
    this.nextTitle = el('span', { class: 'next-who' });
    this.nextLength = el('span', { class: 'next-why' });
    this.next.querySelector('.button-text').replaceChildren(this.nextWord, ' ', this.nextTitle, ' ', this.nextLength);
    this.notices = el('ul', { class: 'rows', testid: 'notices' });
    this.noticesCard = el('section', { class: 'card' }, el('h2', { text: () => texts.agenda.notices }), this.notices);
    this.notes = el('ul', { class: 'rows', testid: 'notes' });
    this.notesCard = el('section', { class: 'card' }, el('h2', { text: () => texts.agenda.notes }), this.notes);
    this.root = el('div', { class: 'panel-page page-scrolls', tabindex: '0' },
      el('section', { class: 'card agenda-card' }, el('div', { class: 'floor-head' }, el('h2', { text: () => texts.panel.tabs.agenda }), this.late),
        this.chairs ? this.next : null, this.items, this.empty, this.zones),
      this.chairs ? el('section', { class: 'card agenda-card' },
        writing(ui, () => texts.session.notice, () => texts.session.sendNotice, 'session.notice'),
        writing(ui, () => texts.session.note, () => texts.session.sendNote, 'minutes.note')) : null,
      this.noticesCard, this.notesCard);
  }

  draw() {
    const { visit, meeting } = this.#parts;
    const { session, notices, notes } = meeting.state;
    const { items = [] } = session;
    show(this.zones, !sameWallClock(visit.now(), visit.event.time_zone, texts.language));
    show(this.empty, items.length === 0);
    keyed(this.items, items, ({ id }) => id, ({ id }) => this.#makeItem(id), (row, item) => this.#drawItem(row, item, session));
    const next = nextItem(session);
    show(this.next, items.length > 0);
    show(this.nextWord, next !== null);
    setText(this.nextTitle, next?.title ?? texts.agenda.last);
    setText(this.nextLength, next ? texts.agenda.minutes(next.minutes) : '');
    setDisabled(this.next, !next || !['live', 'paused'].includes(session.state));
    this.#drawWritten(this.noticesCard, this.notices, notices);
    this.#drawWritten(this.notesCard, this.notes, notes);
    this.drawClocks();
  }

  drawClocks() {
    const { visit, meeting } = this.#parts;
    setText(this.late, lateText(meeting.state.session, visit.now()));
  }

  #makeItem(id) {
    const row = el('li', { class: 'row', testid: 'agenda-item', 'data-item': id });
    row.title_ = el('span', { class: 'row-name' });
    row.detail = el('span', { class: 'muted row-delegation' });
    row.badge = el('span', { class: 'badge', 'data-kind': 'speaking', text: () => texts.agenda.on });
    row.append(el('div', { class: 'row-who' }, row.title_, el('span', { class: 'row-second' }, row.detail, row.badge)));
    if (this.chairs) {
      row.start = button(() => texts.agenda.start, {
        class: 'button button-small', testid: 'agenda.start', once: 'item', 'data-item': id,
        on: { click: () => this.#start(id) },
      });
      row.append(row.start);
    }
    return row;
  }

  #start(id) {
    const { undo, meeting } = this.#parts;
    return undo.order('agenda.start', itemAfter(meeting.state.session, id));
  }

  #drawItem(row, { id, title, minutes }, session) {
    const { visit } = this.#parts;
    const on = session.item === id;
    setText(row.title_, title);
    setText(row.detail, on && session.item_since
      ? texts.agenda.since(timeInBoth(session.item_since, visit.event.time_zone, texts.language), minutes)
      : texts.agenda.minutes(minutes));
    show(row.badge, on);
    setAttribute(row, 'aria-current', on ? 'step' : null);
    row.classList.toggle('row-own', on);
    if (!row.start) return;
    show(row.start, !on);
    setDisabled(row.start, !['live', 'paused'].includes(session.state));
    setAttribute(row.start, 'aria-label', texts.chair.of(texts.agenda.start, title));
  }

  /** The latest first. */
  #drawWritten(card, list, written) {
    const { visit, meeting } = this.#parts;
    show(card, written.length > 0);
    keyed(list, [...written].reverse(), ({ at, text }) => `${at} ${text}`, ({ at, text }) => {
      const row = el('li', { class: 'row row-text' });
      row.nameText = el('span');
      row.append(el('p', { class: 'muted said-by' },
        el('span', { text: () => `${timeInBoth(at, visit.event.time_zone, texts.language)} · ` }), row.nameText),
      el('p', { class: 'said', text }));
      return row;
    }, (row, { by }) => setText(row.nameText, nameOf(meeting.state, by)));
  }
}
