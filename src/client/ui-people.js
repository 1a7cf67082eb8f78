// The people in the room: their state, for chairs a way to find one and what can be done to each.

import { el, keyed, setText, show } from './dom.js';
import { actingChair, pauseReason, standing } from './meeting.js';
import { texts } from './texts.js';
import { memberActions } from './ui-actions.js';
import { drawBadge, drawWho, makeRow, scrolled } from './ui-rows.js';

const ROLE_ORDER = ['chair', 'podium', 'delegate', 'organiser', 'interpreter', 'technician', 'observer'];

/** From so many on, one is looked for rather than seen. */
const FIND_FROM = 10;

export class PeopleCard {
  #parts;
  #collator = null;

  constructor(parts) {
    this.#parts = parts;
    this.chairs = parts.visit.member.role === 'chair';
    this.heading = el('h2', { id: 'people-heading' });
    this.find = el('input', {
      type: 'text', class: 'find', testid: 'people-find', placeholder: () => texts.room.find, 'aria-label': () => texts.room.find,
      autocomplete: 'off', spellcheck: 'false', on: { input: () => this.draw() },
    });
    this.list = el('ul', { class: 'rows people', role: 'list', testid: 'people', ...scrolled('people-heading') });
    this.nobody = el('p', { class: 'muted empty', text: () => texts.room.foundNobody });
    this.root = el('section', { class: 'card people-card', 'aria-labelledby': 'people-heading' },
      el('div', { class: 'floor-head' }, this.heading, this.chairs ? this.find : null), this.list, this.nobody);
  }

  /** Takes the keyboard to the field that finds somebody, or to the list. */
  focus() {
    (this.find.hidden ? this.list : this.find).focus();
  }

  draw() {
    const { state } = this.#parts.meeting;
    const members = [...state.members.values()];
    setText(this.heading, texts.room.peopleCount(members.length));
    show(this.find, members.length >= FIND_FROM || this.find.value !== '');
    if (this.#collator?.language !== texts.language) {
      this.#collator = { language: texts.language, compare: new Intl.Collator(texts.language).compare };
    }
    const wanted = this.find.value.trim().toLocaleLowerCase(texts.language);
    const found = members.map((member) => ({ ...member, sort: this.#sortName(member) }))
      .filter(({ sort }) => sort.toLocaleLowerCase(texts.language).includes(wanted))
      .sort((a, b) => rankOf(a) - rankOf(b) || this.#collator.compare(a.sort, b.sort));
    show(this.nobody, found.length === 0);
    keyed(this.list, found, ({ id }) => id,
      ({ id }) => makeRow(this.#parts, id, { testid: 'member-row', chairs: this.chairs }),
      (row, member) => this.#drawRow(row, member, state));
  }

  #sortName(member) {
    return `${this.#parts.visit.delegationName(member.delegation)} ${member.name}`;
  }

  #drawRow(row, member, state) {
    const { visit } = this.#parts;
    const { turn, place } = standing(state, member.id);
    drawWho(row, this.#parts, member, member.id);
    const audible = visit.speaking.includes(member.id);
    drawBadge(row.badge, member.lost ? [texts.room.lost, 'lost']
      : member.mute === 'muted' ? [texts.room.muted, 'muted']
        : member.mute === 'asked' ? [texts.room.asked, 'muted']
          : turn && pauseReason(state, turn) ? [texts.room.pausedShort, 'muted']
            : turn?.phase === 'speaking' || (audible && !turn) ? [texts.room.speaking, 'speaking']
              : turn ? [texts.room.offeredShort, 'offered']
                : place ? [texts.room.waitingShort(place), 'waiting']
                  : member.blocked ? [texts.room.blocked, 'muted']
                    : actingChair(state) === member.id ? [texts.room.presides, null] : ['', null]);
    if (!this.chairs) return;
    if (member.id !== visit.member.id) row.actions.draw(...memberActions(state, member));
    else row.actions.draw(actingChair(state) === member.id ? [] : ['takeChair']);
  }
}

function rankOf({ role }) {
  const rank = ROLE_ORDER.indexOf(role);
  return rank < 0 ? ROLE_ORDER.indexOf('delegate') : rank;
}
