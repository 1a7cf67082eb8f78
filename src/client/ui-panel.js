// The panel beside the stage: who has the floor and the clock, the speakers' list, the people.

import { button, el, keyed, setAttribute, setText, show } from './dom.js';
import { clock } from './format.js';
import { heardWithoutTurn, raisesHand, spentMs, standing } from './meeting.js';
import { texts } from './texts.js';
import { FloorControls, memberActions } from './ui-chair.js';

const ROLE_ORDER = ['chair', 'podium', 'delegate', 'organiser', 'interpreter', 'technician', 'observer'];

export class Panel {
  #parts;

  constructor(parts) {
    this.#parts = parts;
    this.chairs = parts.visit.member.role === 'chair';
    this.turns = el('ul', { class: 'turns' });
    this.nobody = el('div', { class: 'nobody' },
      el('p', { class: 'nobody-title', text: texts.room.nobody }), this.nobodyHint = el('p', { class: 'muted' }));
    this.microphones = el('p', { class: 'muted microphones' });
    this.floorControls = this.chairs ? new FloorControls(parts) : null;
    this.floorHeading = el('h2', { id: 'floor-heading' });
    this.queue = el('ol', { class: 'rows queue', role: 'list', testid: 'queue', ...scrolled('queue-heading') });
    this.queueEmpty = el('p', { class: 'muted empty', text: texts.room.queueEmpty });
    this.queueHeading = el('h2', { id: 'queue-heading' });
    this.people = el('ul', { class: 'rows people', role: 'list', testid: 'people', ...scrolled('people-heading') });
    this.peopleHeading = el('h2', { id: 'people-heading' });
    this.root = el('aside', { class: `panel ${this.chairs ? 'panel-chair' : ''}`, 'aria-label': texts.room.floor },
      el('section', { class: 'card floor-card', 'aria-labelledby': 'floor-heading', testid: 'floor' },
        el('div', { class: 'floor-head' }, this.floorHeading, this.floorControls?.settings), this.turns, this.nobody, this.microphones, this.floorControls?.next),
      el('section', { class: 'card queue-card', 'aria-labelledby': 'queue-heading' },
        this.queueHeading, this.queue, this.queueEmpty),
      el('section', { class: 'card people-card', 'aria-labelledby': 'people-heading' },
        this.peopleHeading, this.people));
  }

  draw() {
    const { state } = this.#parts.meeting;
    this.#drawFloor(state);
    this.#drawQueue(state);
    this.#drawPeople(state);
    this.floorControls?.draw();
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

  #drawFloor(state) {
    const { visit } = this.#parts;
    setText(this.floorHeading, [texts.room.floor, texts.room.hasFloor][state.turns.length] ?? texts.room.haveFloor);
    show(this.floorHeading, state.turns.length > 0 || this.chairs);
    setAttribute(this.floorHeading, 'data-taken', state.turns.length > 0 ? 'yes' : 'no');
    show(this.nobody, state.turns.length === 0);
    const { role } = visit.member;
    setText(this.nobodyHint, state.session.state !== 'live' ? texts.room.empty[state.session.state]
      : texts.room.nobodyHint[role] ?? texts.room.nobodyHint.other);
    const { microphones } = state.floor;
    setText(this.microphones, texts.room.free(Math.max(0, microphones - state.turns.length), microphones));
    show(this.microphones, microphones > 1);
    keyed(this.turns, state.turns, ({ turn }) => turn,
      (turn) => this.#makeTurn(turn), (row, turn) => this.#drawTurn(row, turn, state));
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
      row.actions = el('div', { class: 'turn-actions' });
      row.append(row.actions);
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
    const notes = [
      member?.lost ? texts.room.lostSpeaker
        : turn.phase === 'offered' ? texts.room.offered
          : mute === 'muted' ? texts.room.mutedByChair
            : mute === 'asked' ? texts.room.askedToUnmute : '',
      turn.held ? this.#heldText(turn, state) : '',
    ];
    setText(row.note, notes.filter(Boolean).join(' '));
    if (!row.actions) return;
    const clock = turn.held ? ['resumeClock'] : turn.running ? ['pauseClock'] : [];
    this.#drawActions(row.actions, turn.member, ['stop', mute === 'none' ? 'mute' : 'askUnmute', ...clock]);
  }

  /** Why a clock is stopped; after a snapshot nobody has said by whom. */
  #heldText({ heldBy }, state) {
    if (heldBy === null) return texts.room.heldByRestart;
    if (heldBy === undefined) return texts.room.held;
    if (heldBy === this.#parts.visit.member.id) return texts.room.heldByYou;
    return texts.room.heldBy(state.members.get(heldBy)?.name ?? heldBy);
  }

  #drawQueue(state) {
    const { visit } = this.#parts;
    setText(this.queueHeading, texts.room.queueCount(state.queue.length));
    show(this.queueEmpty, state.queue.length === 0);
    keyed(this.queue, state.queue.map((hand, index) => ({ ...hand, place: index + 1 })), ({ member }) => member,
      ({ member }) => this.#makeRow(member, 'queue-item'),
      (row, { member, place }) => {
        const who = state.members.get(member);
        setText(row.place, String(place));
        this.#drawWho(row, who, member);
        drawBadge(row.badge, who?.lost ? [texts.room.lost, 'lost'] : ['', null]);
        row.classList.toggle('row-own', member === visit.member.id);
        if (this.chairs) this.#drawActions(row.actions, member, ['grant'], ['removeHand']);
      });
  }

  #drawPeople(state) {
    const members = [...state.members.values()].sort((a, b) => this.#rank(a) - this.#rank(b)
      || this.#sortName(a).localeCompare(this.#sortName(b), texts.language));
    setText(this.peopleHeading, texts.room.peopleCount(members.length));
    keyed(this.people, members, ({ id }) => id,
      ({ id }) => this.#makeRow(id, 'member-row'),
      (row, member) => this.#drawMember(row, member, state));
  }

  #rank({ role }) {
    const rank = ROLE_ORDER.indexOf(role);
    return rank < 0 ? ROLE_ORDER.indexOf('delegate') : rank;
  }

  #sortName(member) {
    return `${this.#parts.visit.delegationName(member.delegation)} ${member.name}`;
  }

  #makeRow(id, testid) {
    const row = el('li', { class: 'row', testid, 'data-member': id });
    row.place = testid === 'queue-item' ? el('span', { class: 'place' }) : null;
    row.nameText = el('span', { class: 'row-name' });
    row.delegation = el('span', { class: 'row-delegation muted' });
    row.badge = el('span', { class: 'badge', hidden: true });
    row.append(...[row.place, el('div', { class: 'row-who' }, row.nameText,
      el('span', { class: 'row-second' }, row.delegation, row.badge))].filter(Boolean));
    if (this.chairs) {
      row.actions = el('div', { class: 'row-actions' });
      row.append(row.actions);
    }
    return row;
  }

  #drawWho(row, member, id) {
    const { visit } = this.#parts;
    const name = member?.name ?? id;
    setText(row.nameText, id === visit.member.id ? texts.room.selfName(name) : name);
    const delegation = visit.delegationName(member?.delegation);
    const plain = !member?.role || member.role === 'delegate';
    setText(row.delegation, plain ? delegation
      : [texts.roles[member.role], delegation].filter(Boolean).join(', '));
  }

  #drawMember(row, member, state) {
    const { visit } = this.#parts;
    const { turn, place } = standing(state, member.id);
    this.#drawWho(row, member, member.id);
    const own = member.id === visit.member.id;
    row.classList.toggle('row-own', own);
    const audible = visit.speaking.includes(member.id);
    drawBadge(row.badge, member.lost ? [texts.room.lost, 'lost']
      : member.mute === 'muted' ? [texts.room.muted, 'muted']
        : member.mute === 'asked' ? [texts.room.asked, 'muted']
          : turn?.phase === 'speaking' || (audible && !turn) ? [texts.room.speaking, 'speaking']
            : turn ? [texts.room.offeredShort, 'offered']
              : place ? [texts.room.waitingShort(place), 'waiting'] : ['', null]);
    if (!this.chairs || own) return;
    const hasRight = raisesHand(member.role) && !turn;
    const muting = member.mute === 'none' ? 'mute' : 'askUnmute';
    const hasVoice = turn !== null || heardWithoutTurn(member.role, state.session.state) || member.mute !== 'none';
    this.#drawActions(row.actions, member.id, hasRight ? ['grant'] : turn ? ['stop'] : [],
      [...(hasVoice ? [muting] : []), 'remove']);
  }

  /** Buttons of a row; those in `more` appear below it once “More” is pressed. */
  #drawActions(container, id, actions, more = []) {
    const { state } = this.#parts.meeting;
    const wanted = [...actions, ...(more.length ? ['more'] : []), ...(container.expanded ? more : [])];
    const { name = id, lost = false } = state.members.get(id) ?? {};
    const mayHaveFloor = state.session.state === 'live' && !lost;
    keyed(container, wanted, (action) => action,
      (action) => (action === 'more' ? this.#makeMore(container, name)
        : memberActions(this.#parts, action, id)),
      (element, action) => {
        const below = Boolean(container.expanded) && more.includes(action);
        element.classList.toggle('action-below', below);
        if (action === 'grant') element.disabled = !mayHaveFloor;
        if (action === 'more') setAttribute(element, 'aria-expanded', container.expanded ? 'true' : 'false');
        else setAttribute(element, 'aria-label', texts.chair.of(texts.chair[action], name));
      });
  }

  #makeMore(container, name) {
    return button(texts.chair.more, {
      class: 'button button-small', testid: 'more', 'aria-label': texts.chair.moreOf(name),
      on: {
        click: () => {
          container.expanded = !container.expanded;
          this.draw();
        },
      },
    });
  }
}

/** A list that scrolls must be reached by the keyboard. */
const scrolled = (heading) => ({ tabindex: '0', 'aria-labelledby': heading });

function drawBadge(badge, [word, kind]) {
  setText(badge, word);
  setAttribute(badge, 'data-kind', kind);
  show(badge, word !== '');
}

function drawClock(row, turn, now, state) {
  const spent = spentMs(turn, now);
  const left = turn.limit_ms - spent;
  setText(row.time, left >= 0 ? clock(left + 999) : `+${clock(-left)}`);
  const waits = !turn.held && (turn.phase === 'offered' || !turn.started);
  setText(row.of, left < 0 ? texts.room.over
    : `${texts.room.left} ${texts.room.of(clock(turn.limit_ms))}${!waits && !turn.running && !turn.held ? ` · ${texts.room.clockHeld}` : ''}`);
  setAttribute(row.clock, 'data-time', left < 0 ? 'over' : left <= state.floor.warning_ms ? 'warned' : 'good');
  setAttribute(row.clock, 'title', waits ? texts.room.clockWaits : null);
  row.bar.style.transform = `scaleX(${Math.min(1, Math.max(0, spent / turn.limit_ms))})`;
}
