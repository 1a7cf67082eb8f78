// The chair's card of the lobby: who waits, to be let in or not. It lies over the stage, so that
// nothing moves under the chair's hand when somebody comes.

import { button, el, keyed, setAttribute, setText, show } from './dom.js';
import { timeInBoth } from './format.js';
import { texts } from './texts.js';

/** Where the card would cover the lists it begins closed. */
const NARROW = matchMedia('(max-width: 62.5em)');

export class LobbyCard {
  #parts;
  #open = !NARROW.matches;

  constructor(parts) {
    this.#parts = parts;
    const { ui } = parts;
    this.list = el('ul', { class: 'rows lobby-list', role: 'list', testid: 'lobby-list' });
    this.count = el('span', { class: 'count', testid: 'count-lobby' });
    this.toggle = button(() => texts.admit.title, {
      class: 'button button-small button-quiet', testid: 'lobby-toggle',
      on: {
        click: () => {
          this.#open = !this.#open;
          this.draw();
        },
      },
    });
    this.toggle.append(this.count);
    this.all = button(() => texts.admit.all, {
      class: 'button button-small button-primary', testid: 'lobby.admit_all', 'aria-keyshortcuts': 'A', on: { click: () => ui.order('lobby.admit_all') },
    });
    this.root = el('section', { class: 'card lobby-card', testid: 'lobby-card', 'aria-label': () => texts.admit.title, hidden: true },
      el('div', { class: 'lobby-head' }, this.toggle, this.all), this.list);
  }

  /** Lets everybody in by a key, which may have been meant for a text: it is asked about. */
  async admitAll() {
    const { ui, meeting } = this.#parts;
    const sure = await ui.confirm({
      title: () => texts.admit.allTitle, text: () => texts.admit.allText(meeting.state?.lobby?.length ?? 0),
      accept: () => texts.admit.all, cancel: () => texts.chair.cancel, danger: true,
    });
    if (sure) await ui.order('lobby.admit_all');
  }

  draw() {
    const waiting = this.#parts.meeting.state.lobby ?? [];
    show(this.root, waiting.length > 0);
    setText(this.count, String(waiting.length));
    setAttribute(this.toggle, 'aria-expanded', this.#open ? 'true' : 'false');
    show(this.list, this.#open);
    keyed(this.list, waiting, ({ member }) => member, ({ member }) => this.#makeRow(member), (row, each) => this.#drawRow(row, each));
  }

  #makeRow(member) {
    const { undo } = this.#parts;
    const row = el('li', { class: 'row', testid: 'lobby-row', 'data-member': member });
    const small = (text, testid, look) => button(text, {
      class: `button button-small ${look}`, testid, once: testid, 'data-member': member, on: { click: () => undo.order(testid, { member }) },
    });
    row.nameText = el('span', { class: 'row-name' });
    row.detail = el('span', { class: 'row-delegation muted' });
    row.admit = small(() => texts.admit.admit, 'lobby.admit', 'button-primary');
    row.refuse = small(() => texts.admit.refuse, 'lobby.refuse', 'button-danger-quiet');
    row.append(el('div', { class: 'row-who' }, row.nameText, row.detail), el('div', { class: 'row-actions' }, row.admit, row.refuse));
    return row;
  }

  #drawRow(row, { name, role, delegation, since }) {
    const { visit } = this.#parts;
    setText(row.nameText, name);
    setText(row.detail, [role === 'delegate' ? '' : texts.roles[role], visit.delegationName(delegation),
      texts.admit.since(timeInBoth(since, visit.event.time_zone, texts.language))].filter(Boolean).join(', '));
    setAttribute(row.admit, 'aria-label', texts.chair.of(texts.admit.admit, name));
    setAttribute(row.refuse, 'aria-label', texts.chair.of(texts.admit.refuse, name));
  }
}
