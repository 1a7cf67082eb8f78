// The speakers' list: the hands in their order and why each is there; for chairs in their hands.

import { button, el, icon, keyed, setAttribute, setText, show } from './dom.js';
import { isPoint, nameOf } from './meeting.js';
import { texts } from './texts.js';
import { firstPlace, handActions } from './ui-actions.js';
import { ListControls } from './ui-chair.js';
import { Reorder } from './ui-drag.js';
import { drawBadge, drawWho, makeRow, scrolled } from './ui-rows.js';

export class QueueCard {
  #parts;
  #reorder = null;

  constructor(parts) {
    this.#parts = parts;
    this.chairs = parts.visit.member.role === 'chair';
    this.controls = this.chairs ? new ListControls(parts) : null;
    this.heading = el('h2', { id: 'queue-heading' });
    this.closed = el('p', { class: 'row-note', testid: 'queue-closed', hidden: true, text: () => texts.room.queueClosed });
    this.list = el('ol', { class: 'rows queue', role: 'list', testid: 'queue', ...scrolled('queue-heading') });
    this.empty = el('p', { class: 'muted empty', text: () => texts.room.queueEmpty });
    this.root = el('section', { class: 'card queue-card', 'aria-labelledby': 'queue-heading' },
      el('div', { class: 'floor-head' }, this.heading, this.controls?.root), this.closed, this.list, this.empty);
    if (!this.chairs) return;
    this.root.append(el('p', { id: 'queue-how', hidden: true, text: () => texts.reorder.how }));
    this.#reorder = new Reorder(this.list, {
      moves: ({ hand }) => hand.kind === 'speech' && parts.meeting.state?.queue.length > 1,
      first: ({ hand }) => firstPlace(parts.meeting.state, hand.member),
      drop: ({ hand }, place) => parts.undo.order('floor.move', { member: hand.member, place: place + 1, from_place: hand.place }),
      say: (what, { hand }, place, count) => parts.ui.announce(
        texts.reorder[what](nameOf(parts.meeting.state, hand.member), place + 1, count)),
    });
  }

  close() {
    this.#reorder?.close();
  }

  /** Takes the keyboard to the first hand. */
  focus() {
    (this.list.querySelector('.handle:not(.handle-fixed)') ?? this.list).focus();
  }

  draw() {
    const { state } = this.#parts.meeting;
    setText(this.heading, texts.room.queueCount(state.queue.length));
    show(this.empty, state.queue.length === 0);
    show(this.closed, Boolean(state.floor.queue_closed));
    this.controls?.draw();
    // A member may have a point of order beside another hand.
    const keyOf = ({ member, kind }) => (isPoint(kind) ? `${member} point` : member);
    keyed(this.list, state.queue.map((hand, index) => ({ ...hand, place: index + 1 })), keyOf,
      ({ member }) => this.#makeRow(member), (row, hand) => this.#drawRow(row, hand, state));
    this.#reorder?.drawn();
  }

  #makeRow(member) {
    const place = el('span', { class: 'place' });
    if (!this.chairs) {
      const row = makeRow(this.#parts, member, { testid: 'queue-item', chairs: false, before: [place] });
      row.place = place;
      return row;
    }
    const handle = el('button', {
      type: 'button', class: 'handle', testid: 'queue-handle', 'data-member': member, 'aria-pressed': 'false',
      'aria-describedby': 'queue-how', title: () => texts.reorder.hint,
    }, icon('handle'));
    const row = makeRow(this.#parts, member, { testid: 'queue-item', chairs: true, before: [handle, place] });
    row.place = place;
    this.#reorder.attach(row, handle);
    return row;
  }

  #drawRow(row, hand, state) {
    const { member, kind, why, place } = hand;
    const who = state.members.get(member);
    row.hand = hand;
    setText(row.place, String(place));
    // The kind says why a point or a reply is where it is.
    const reason = kind === 'speech' && texts.room.why[why === 'received' && place === 1 ? 'first' : why];
    drawWho(row, this.#parts, who, member, reason || '');
    drawBadge(row.badge, who?.lost ? [texts.room.lost, 'lost']
      : kind !== 'speech' ? [texts.kinds[kind], 'waiting'] : ['', null]);
    setAttribute(row, 'data-kind', kind);
    setAttribute(row, 'data-why', why);
    if (!this.chairs) return;
    row.actions.kind = kind;
    row.actions.draw(...handActions(state, hand));
    const fixed = kind !== 'speech';
    row.handle.classList.toggle('handle-fixed', fixed);
    row.handle.disabled = fixed;
    setAttribute(row.handle, 'aria-label', texts.reorder.handle(nameOf(state, member), place, state.queue.length));
  }
}
