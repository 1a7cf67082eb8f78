// What only a chair sees of the floor: “next” and who that is, priority, the rarer orders, the list's switches.

import { button, el, icon, setAttribute, setButtonText, setDisabled, setText, show, showSome } from './dom.js';
import { nameOf, nextHand, whyNoPlace } from './meeting.js';
import { texts } from './texts.js';
import { openSettings } from './ui-settings.js';

/** A button for an order; those that end more than one thing are asked about first. */
function orders({ ui, undo }) {
  const small = (text, testid, act, kind = '', once = null) => button(text, { class: `button button-small ${kind}`, testid, once, on: { click: act } });
  const sure = async (title, text, accept, type, fields) => {
    if (await ui.confirm({ title, text, accept, cancel: () => texts.chair.cancel, danger: true })) await ui.order(type, fields);
  };
  return { small, sure, order: (text, type, kind, once) => small(text, type, () => undo.order(type), kind, once) };
}

/** The floor's buttons, which the card of the floor places: `head`, `main`, `rare`. */
export class FloorControls {
  #parts;

  constructor(parts) {
    const { small, sure, order } = orders(parts);
    this.#parts = parts;
    this.nextWord = el('span', { class: 'next-word' });
    this.nextWho = el('span', { class: 'next-who', testid: 'next-who' });
    this.nextWhy = el('span', { class: 'next-why' });
    this.next = button('', {
      class: 'button button-primary next-button', iconName: 'next', testid: 'next-speaker', once: 'next', 'data-home': true, 'aria-keyshortcuts': 'N',
      on: { click: () => this.giveNext() },
    });
    this.next.querySelector('.button-text').replaceChildren(this.nextWord, ' ', this.nextWho, ' ', this.nextWhy);
    this.priority = order(() => texts.chair.priority, 'floor.priority', '', 'priority');
    this.release = order(() => texts.chair.releasePriority, 'floor.release_priority', 'button-primary', 'priority');
    for (const element of [this.priority, this.release]) {
      element.classList.add('priority-button');
      setAttribute(element, 'aria-keyshortcuts', 'P');
    }
    this.main = el('div', { class: 'next-line' }, this.next, this.priority, this.release);

    this.settings = button('', {
      class: 'button button-quiet', testid: 'floor-settings', on: { click: () => openSettings(parts) },
    });
    this.more = el('button', {
      type: 'button', class: 'button button-small button-more', testid: 'floor-more', 'aria-expanded': 'false',
      'aria-controls': 'floor-rare', 'aria-label': () => texts.chair.moreOrders, title: () => texts.chair.moreOrders,
      on: { click: () => this.#expand(this.rare.hidden) },
    }, icon('more'));
    this.head = el('div', { class: 'floor-tools' }, this.settings, this.more);
    this.stopAll = order(() => texts.chair.stopAll, 'floor.stop_all', 'button-danger-quiet');
    this.priorityClear = small(() => texts.chair.priorityClear, 'floor.priority-clear', () => sure(() => texts.chair.priorityClearTitle,
      () => texts.chair.priorityClearText, () => texts.chair.priorityClear, 'floor.priority', { clear: true }), 'button-danger-quiet');
    this.rare = el('div', { id: 'floor-rare', class: 'button-row floor-orders', role: 'group', 'aria-label': () => texts.chair.moreOrders, hidden: true },
      this.stopAll, this.priorityClear);
  }

  /** Gives the floor to whom this page shows as next, and to nobody where others were faster. */
  giveNext() {
    const { undo, meeting } = this.#parts;
    return undo.order('floor.next', { after_turn: meeting.state.floor.last_turn });
  }

  /** Takes priority, or releases it. */
  switchPriority() {
    const { meeting } = this.#parts;
    (meeting.state.floor.priority ? this.release : this.priority).click();
  }

  draw() {
    const { visit, meeting } = this.#parts;
    const { state } = meeting;
    const hand = nextHand(state);
    const reason = this.#whyNot(state, hand);
    const kind = hand?.kind ?? 'speech';
    setText(this.nextWord, reason || kind === 'speech' ? texts.chair.next : texts.chair.nextKind(texts.kinds[kind]));
    setText(this.nextWho, reason ?? nameOf(state, hand.member));
    const why = reason ? '' : texts.room.why[hand.why === 'received' ? 'first' : hand.why];
    setText(this.nextWhy, reason ? '' : [visit.delegationName(state.members.get(hand.member)?.delegation), why].filter(Boolean).join(' · '));
    setDisabled(this.next, reason !== null);
    const { mode, microphones } = state.profile;
    setButtonText(this.settings, `${texts.chair.modes[mode].name}, ${texts.chair.microphoneCount(microphones)} · ${texts.chair.change}`);
    const { priority = null } = state.floor;
    const live = state.session.state === 'live';
    showSome([this.priority, this.release], live ? [priority ? this.release : this.priority] : []);
    show(this.more, live);
    if (!live) this.#expand(false);
    setDisabled(this.stopAll, state.turns.length === 0);
    setDisabled(this.priorityClear, Boolean(priority) && state.turns.length + state.queue.length === 0);
  }

  #expand(expanded) {
    show(this.rare, expanded);
    setAttribute(this.more, 'aria-expanded', expanded ? 'true' : 'false');
  }

  /** Why nobody can be next now; null: somebody can. */
  #whyNot(state, hand) {
    const { nextNot } = texts.chair;
    if (state.session.state !== 'live') return nextNot[state.session.state];
    if (state.session.awaited) return nextNot.awaited;
    if (hand) return nextNot[whyNoPlace(state, hand.kind)] ?? null;
    if (state.queue.length === 0) return nextNot.none;
    return state.queue.some(({ member }) => state.members.get(member)?.lost) ? nextNot.lost : nextNot.speaking;
  }
}

/** The list's switches: clear, close, open. */
export class ListControls {
  #parts;

  constructor(parts) {
    const { small, sure, order } = orders(parts);
    this.#parts = parts;
    this.close = order(() => texts.chair.closeQueue, 'floor.close_queue', '', 'queue');
    this.open = order(() => texts.chair.openQueue, 'floor.open_queue', '', 'queue');
    this.clear = small(() => texts.chair.clearQueue, 'floor.clear', () => sure(() => texts.chair.clearTitle,
      () => texts.chair.clearText, () => texts.chair.clearQueue, 'floor.clear'));
    this.root = el('div', { class: 'button-row' }, this.clear, this.close, this.open);
  }

  draw() {
    const { state } = this.#parts.meeting;
    const open = ['live', 'paused'].includes(state.session.state);
    show(this.root, open);
    showSome([this.clear, this.close, this.open],
      [state.floor.queue_closed ? this.open : this.close, ...(state.queue.length > 0 ? [this.clear] : [])]);
  }
}
