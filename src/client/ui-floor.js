// Who has the floor and the clock: a card at the head of a chair's panel; for members the first page,
// with the speakers' list and the people below it.

import { el, keyed, setAttribute, setText, show } from './dom.js';
import { clock, timeLeft } from './format.js';
import { nameOf, pauseReason, spentMs } from './meeting.js';
import { texts } from './texts.js';
import { Actions } from './ui-actions.js';
import { FloorControls } from './ui-chair.js';
import { PeopleCard } from './ui-people.js';
import { QueueCard } from './ui-queue.js';

export class FloorCard {
  #parts;

  constructor(parts) {
    this.#parts = parts;
    this.chairs = parts.visit.member.role === 'chair';
    this.turns = el('ul', { class: 'turns' });
    this.nobody = el('div', { class: 'nobody' },
      el('p', { class: 'nobody-title', text: () => texts.room.nobody }), this.nobodyHint = el('p', { class: 'muted' }));
    this.microphones = el('p', { class: 'muted microphones' });
    this.controls = this.chairs ? new FloorControls(parts) : null;
    this.heading = el('h2', { id: 'floor-heading' });
    this.root = el('section', { class: 'card floor-card', 'aria-labelledby': 'floor-heading', testid: 'floor' },
      el('div', { class: 'floor-head' }, this.heading, this.controls?.head),
      this.turns, this.nobody, this.microphones, this.controls?.main, this.controls?.rare);
  }

  draw() {
    const { visit, meeting } = this.#parts;
    const { state } = meeting;
    setText(this.heading, [texts.room.floor, texts.room.hasFloor][state.turns.length] ?? texts.room.haveFloor);
    show(this.heading, state.turns.length > 0 || this.chairs);
    setAttribute(this.heading, 'data-taken', state.turns.length > 0 ? 'yes' : 'no');
    show(this.nobody, state.turns.length === 0);
    const { role } = visit.member;
    setText(this.nobodyHint, state.session.state !== 'live' ? texts.room.empty[state.session.state]
      : role === 'delegate' && state.profile.mode === 'operator' ? texts.room.nobodyHint.other
        : texts.room.nobodyHint[role] ?? texts.room.nobodyHint.other);
    const { microphones } = state.profile;
    setText(this.microphones, texts.room.free(Math.max(0, microphones - state.turns.length), microphones));
    show(this.microphones, microphones > 1);
    keyed(this.turns, state.turns, ({ turn }) => turn,
      (turn) => this.#makeTurn(turn), (row, turn) => this.#drawTurn(row, turn, state));
    this.controls?.draw();
    this.drawClocks();
  }

  /** The clocks alone, several times a second. */
  drawClocks() {
    const { visit, meeting } = this.#parts;
    const now = visit.now();
    for (const turn of meeting.state.turns) {
      const row = this.turns.keyedElements?.get(turn.turn);
      if (row) drawClock(row, turn, now, meeting.state);
    }
  }

  #makeTurn({ member }) {
    const row = el('li', { class: 'turn', 'data-member': member, testid: 'turn' });
    row.nameText = el('p', { class: 'turn-name' });
    row.delegation = el('p', { class: 'muted' });
    row.note = el('p', { class: 'turn-note' });
    row.time = el('span', { class: 'turn-time' });
    row.of = el('span', { class: 'turn-of' });
    row.bar = el('div', { class: 'turn-bar-fill' });
    row.clock = el('div', { class: 'turn-clock', role: 'timer', 'aria-live': 'off', testid: 'turn-clock', 'data-member': member },
      row.time, row.of);
    row.append(el('div', { class: 'turn-who' }, row.nameText, row.delegation), row.clock, row.note,
      el('div', { class: 'turn-bar', 'aria-hidden': 'true' }, row.bar));
    if (this.chairs) {
      row.actions = new Actions(this.#parts, member);
      row.actions.root.className = 'turn-actions';
      row.append(row.actions.root);
    }
    return row;
  }

  #drawTurn(row, turn, state) {
    const { visit } = this.#parts;
    const member = state.members.get(turn.member);
    const name = member?.name ?? turn.member;
    const mute = member?.mute ?? 'none';
    setText(row.nameText, turn.member === visit.member.id ? texts.room.selfName(name) : name);
    setText(row.delegation, visit.delegationName(member?.delegation));
    setAttribute(row, 'data-phase', turn.phase);
    setAttribute(row, 'data-mute', mute);
    const paused = pauseReason(state, turn);
    setAttribute(row, 'data-paused', paused);
    const notes = [
      turn.kind === 'speech' ? '' : `${texts.kinds[turn.kind]}.`,
      paused && paused !== 'paused' ? texts.room.pausedBy[paused] : '',
      turn.fading ? texts.room.fading : '',
      member?.lost ? texts.room.lostSpeaker
        : turn.phase === 'offered' ? texts.room.offered
          : mute === 'muted' ? texts.room.mutedByChair
            : mute === 'asked' ? texts.room.askedToUnmute : '',
      turn.held ? this.#heldText(turn, state) : '',
    ];
    setText(row.note, notes.filter(Boolean).join(' '));
    row.actions?.draw(['stop', mute === 'none' ? 'mute' : 'askUnmute', turn.held ? 'resumeClock' : 'pauseClock', 'extend1', 'extend2', 'extend5']);
  }

  /** Why a clock is stopped; after a snapshot nobody has said by whom. */
  #heldText({ heldBy }, state) {
    if (heldBy === null) return texts.room.heldByRestart;
    if (heldBy === undefined) return texts.room.held;
    if (heldBy === this.#parts.visit.member.id) return texts.room.heldByYou;
    return texts.room.heldBy(nameOf(state, heldBy));
  }
}

function drawClock(row, turn, now, state) {
  const spent = spentMs(turn, now);
  const left = timeLeft(turn.limit_ms - spent, state.profile.warning_ms);
  setText(row.time, left.text);
  const waits = !turn.held && (turn.phase === 'offered' || !turn.started);
  setText(row.of, left.state === 'over' ? texts.room.over
    : `${texts.room.left} ${texts.room.of(clock(turn.limit_ms))}${!waits && !turn.running && !turn.held ? ` · ${texts.room.clockHeld}` : ''}`);
  setAttribute(row, 'data-time', left.state);
  setAttribute(row.clock, 'data-time', row.dataset.time);
  setAttribute(row.clock, 'title', waits ? texts.room.clockWaits : null);
  row.bar.style.transform = `scaleX(${Math.min(1, Math.max(0, spent / turn.limit_ms))})`;
}

/** The members' first page. */
export class FloorPage {
  constructor(parts) {
    this.card = new FloorCard(parts);
    this.queue = new QueueCard(parts);
    this.people = new PeopleCard(parts);
    this.root = el('div', { class: 'panel-page floor-page' }, this.card.root, this.queue.root, this.people.root);
  }

  draw() {
    this.card.draw();
    this.queue.draw();
    this.people.draw();
  }

  drawClocks() {
    this.card.drawClocks();
  }
}

/** A chair's pages of the list and of the people, each with all the room that there is. */
export class ListPage {
  #parts;
  count = 0;

  constructor(parts) {
    this.#parts = parts;
    this.queue = new QueueCard(parts);
    this.root = el('div', { class: 'panel-page list-page' }, this.queue.root);
  }

  close() {
    this.queue.close();
  }

  focus() {
    this.queue.focus();
  }

  draw(open) {
    // Where the list is not seen, its tab says how long it is.
    this.count = open ? 0 : this.#parts.meeting.state.queue.length;
    this.queue.draw();
  }
}

export class PeoplePage {
  #language = null;

  constructor(parts) {
    this.people = new PeopleCard(parts);
    this.root = el('div', { class: 'panel-page list-page' }, this.people.root);
  }

  focus() {
    this.people.focus();
  }

  /** Fifty rows are not drawn for nobody, but in another language. */
  draw(open) {
    if (open || this.#language !== texts.language) this.people.draw();
    this.#language = texts.language;
  }
}
