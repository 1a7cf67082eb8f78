// The sessions: planned when, in which state, how late, who has the floor, how many are there.

import { weekday } from './board-words.js';
import { button, el, keyed, setAttribute, setButtonText, setText, show } from './dom.js';
import { timeOfDay } from './format.js';
import { texts } from './texts.js';
import { board } from './texts-board.js';

export class SessionsCard {
  #parts;

  constructor(parts) {
    this.#parts = parts;
    const words = board().sessions;
    this.list = el('ul', { class: 'sessions', role: 'list', testid: 'board-sessions' });
    this.none = el('p', { class: 'muted', text: words.none });
    this.root = el('section', { 'aria-labelledby': 'sessions-title' },
      el('h2', { id: 'sessions-title', class: 'visually-hidden', text: words.title }), this.list, this.none);
  }

  draw() {
    const { watch } = this.#parts;
    const now = new Map((watch.live?.sessions ?? []).map((session) => [session.id, session]));
    // What is told more often is newer.
    const sessions = watch.sessions.map((session) => ({ ...session, live: now.get(session.id), ...now.get(session.id) }));
    show(this.none, sessions.length === 0 && !watch.troubles.has('sessions'));
    keyed(this.list, sessions, ({ id }) => id, ({ id }) => this.#make(id), (card, session) => this.#drawSession(card, session));
  }

  #make(id) {
    const card = el('li', { class: 'card session-card', testid: 'board-session', 'data-session': id });
    card.title_ = el('h3', { class: 'session-name' });
    card.planned = el('p', { class: 'muted' });
    card.state = el('span', { class: 'chip' });
    card.late = el('span', { class: 'session-late' });
    card.item = el('p', { class: 'session-item' });
    card.floor = el('p', { class: 'session-floor' });
    card.present = button('', {
      class: 'button button-small', testid: 'session-present', on: { click: () => this.#parts.page.choose({ session: id, filter: 'here' }) },
    });
    card.lobby = button('', {
      class: 'button button-small session-lobby', testid: 'session-lobby', on: { click: () => this.#parts.page.choose({ session: id, filter: 'lobby' }) },
    });
    card.append(el('div', { class: 'session-head' }, card.title_, card.planned),
      el('div', { class: 'session-state' }, card.state, card.present, card.lobby, card.late), card.item, card.floor);
    return card;
  }

  #drawSession(card, { title, starts, minutes, state, late_s: late, item, items = [], live }) {
    const { watch } = this.#parts;
    const words = board().sessions;
    const { zone } = watch.event;
    const start = Date.parse(starts);
    const open = ['prepared', 'live', 'paused'].includes(state);
    setText(card.title_, title);
    setText(card.planned, words.planned(weekday(start, zone), timeOfDay(start, zone, texts.language), minutes));
    setText(card.state, texts.sessionStates[state] ?? '');
    show(card.state, state !== null);
    setAttribute(card.state, 'data-state', state);
    const lateMinutes = Math.floor((late ?? 0) / 60);
    setText(card.late, open && lateMinutes > 0 ? words.late(lateMinutes) : '');
    const itemTitle = items.find(({ id }) => id === item)?.title ?? item;
    setText(card.item, open && item ? words.item(itemTitle) : '');
    const present = (live?.present ?? []).filter(({ lost, in_lobby: waits }) => !lost && !waits);
    const names = new Map((live?.present ?? []).map(({ member, name }) => [member, name]));
    const speaking = (live?.floor?.speaking ?? []).map((who) => names.get(who.member ?? who) ?? who.member ?? who);
    const queue = live?.floor?.queue?.length ?? 0;
    setText(card.floor, [speaking.length > 0 ? words.speaking(speaking.join(', ')) : '', queue > 0 ? words.queue(queue) : ''].filter(Boolean).join('. '));
    setButtonText(card.present, words.present(present.length));
    setAttribute(card.present, 'aria-label', words.presentLabel(present.length, title));
    show(card.present, open || present.length > 0);
    const waiting = (live?.present ?? []).filter(({ lost, in_lobby: waits }) => !lost && waits).length;
    setButtonText(card.lobby, words.lobby(waiting));
    setAttribute(card.lobby, 'aria-label', words.lobbyLabel(waiting, title));
    show(card.lobby, waiting > 0);
    for (const line of [card.late, card.item, card.floor]) show(line, line.textContent !== '');
  }
}
