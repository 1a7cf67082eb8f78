// The members as a table that can be searched, filtered and sorted; what it comes to in a line.

import { COLUMNS, drawRow, makeRow } from './board-row.js';
import { countsOf, FILTERS, filtered, SORTS, sorted } from './board-rows.js';
import { button, el, keyed, setAttribute, setButtonText, setText, show } from './dom.js';
import { texts } from './texts.js';
import { board } from './texts-board.js';

/** Filters that are offered only where there is something to find. */
const RARE = ['relay', 'failed', 'lobby'];

/** So long after the last movement over the table its rows keep their places, in ms: none slides away under a press. */
const STILL_MS = 8000;

export class RosterCard {
  #parts;
  #touchedAt = -Infinity;
  #order = [];

  constructor(parts) {
    this.#parts = parts;
    const words = board().roster;
    const { view } = parts;
    this.checked = el('p', { class: 'summary-checked', testid: 'summary-checked' });
    this.here = el('p', { class: 'summary-here muted', testid: 'summary-here' });
    this.shown = el('p', { class: 'muted shown', role: 'status', testid: 'shown' });
    this.search = el('input', {
      type: 'text', id: 'search', testid: 'search', placeholder: words.search, 'aria-label': words.search, autocomplete: 'off',
      spellcheck: 'false', enterkeyhint: 'search', on: { input: ({ target }) => this.#choose({ words: target.value }) },
    });
    this.search.value = view.words;
    this.session = el('select', { testid: 'session-filter', 'aria-label': words.session, on: { change: ({ target }) => this.#choose({ session: target.value }) } });
    this.sort = el('select', { class: 'sort-select', testid: 'sort', 'aria-label': words.sort, on: { change: ({ target }) => this.#choose({ key: target.value, up: true }) } },
      ...SORTS.map((key) => el('option', { value: key, text: `${words.sort}: ${words.columns[key]}` })));
    this.filters = Object.keys(FILTERS).map((filter) => button('', {
      class: 'filter', testid: `filter-${filter}`, on: { click: () => this.#choose({ filter }) },
    }));
    this.all = button(board().link.all, { class: 'button', testid: 'links-csv', 'aria-haspopup': 'dialog', on: { click: () => parts.links.saveAll() } });
    this.#buildTable(words);
    this.nobody = el('div', { class: 'nobody' }, el('p', { text: words.nobody }),
      button(words.showAll, { class: 'button', on: { click: () => this.choose({ filter: 'all', session: '', words: '' }) } }));
    this.root = el('section', { class: 'card board-card roster', 'aria-labelledby': 'roster-title' },
      el('div', { class: 'board-line' },
        el('div', { class: 'board-line-words' }, el('h2', { id: 'roster-title', text: words.title }), this.checked, this.here),
        this.all),
      el('div', { class: 'tools' }, this.search, this.session, this.sort),
      el('div', { class: 'filters', role: 'group', 'aria-label': words.filter }, ...this.filters, this.shown),
      this.table, this.nobody);
  }

  #buildTable(words) {
    this.heads = COLUMNS.map((key) => {
      const head = el('th', { scope: 'col', role: 'columnheader', class: `head-${key}` },
        button(words.columns[key], { class: 'sort', testid: `sort-${key}`, on: { click: () => this.#turn(key) } }));
      head.key = key;
      return head;
    });
    this.body = el('tbody', { role: 'rowgroup' });
    this.table = el('table', { class: 'members', role: 'table', testid: 'board-members', 'aria-labelledby': 'roster-title' },
      el('thead', { role: 'rowgroup' }, el('tr', { role: 'row' }, ...this.heads)), this.body);
    const touched = () => {
      this.#touchedAt = performance.now();
    };
    for (const kind of ['pointermove', 'pointerdown', 'keydown', 'focusin']) this.body.addEventListener(kind, touched);
  }

  /** Shows other rows than before. */
  choose(choice) {
    this.#choose(choice);
    this.search.value = this.#parts.view.words;
  }

  #choose(choice) {
    Object.assign(this.#parts.view, choice);
    this.#touchedAt = -Infinity;
    this.#order = [];
    this.draw();
  }

  #turn(key) {
    const { view } = this.#parts;
    this.#choose({ key, up: view.key === key ? !view.up : true });
  }

  draw() {
    const { view, rows } = this.#parts;
    const all = rows();
    const words = board();
    const counts = countsOf(all);
    setText(this.checked, words.summary.checked(counts));
    setText(this.here, words.summary.here(counts));
    this.#drawTools(counts);
    const shown = this.#inOrder(all);
    setText(this.shown, words.roster.shown(shown.length, all.length));
    show(this.table, shown.length > 0);
    show(this.nobody, shown.length === 0 && all.length > 0);
    for (const head of this.heads) setAttribute(head, 'aria-sort', head.key === view.key ? (view.up ? 'ascending' : 'descending') : null);
    keyed(this.body, shown, ({ member }) => member,
      (row) => makeRow(row, this.#parts), (element, row) => drawRow(element, row, this.#parts));
  }

  #drawTools(counts) {
    const { view, watch } = this.#parts;
    const words = board().roster;
    for (const [index, filter] of Object.keys(FILTERS).entries()) {
      setButtonText(this.filters[index], `${words.filters[filter]} ${counts[filter]}`);
      setAttribute(this.filters[index], 'aria-pressed', String(view.filter === filter));
      show(this.filters[index], counts[filter] > 0 || view.filter === filter || !RARE.includes(filter));
    }
    keyed(this.session, [{ id: '', title: words.everywhere }, ...watch.sessions], ({ id }) => id,
      ({ id }) => el('option', { value: id }), (option, { title }) => setText(option, title));
    if (this.session.value !== view.session) this.session.value = view.session;
    if (this.sort.value !== view.key) this.sort.value = view.key;
  }

  /** The rows to show; while somebody is at work in them, those of before, where they were. */
  #inOrder(all) {
    const { view } = this.#parts;
    if (this.#isInUse() && this.#order.length > 0) {
      const rows = new Map(all.map((row) => [row.member, row]));
      return this.#order.filter((member) => rows.has(member)).map((member) => rows.get(member));
    }
    const rows = sorted(filtered(all, view), view, texts.language);
    this.#order = rows.map(({ member }) => member);
    return rows;
  }

  #isInUse() {
    const selection = getSelection();
    const selects = !selection.isCollapsed && this.body.contains(selection.anchorNode);
    return selects || performance.now() - this.#touchedAt < STILL_MS || document.querySelector('dialog[open]') !== null;
  }
}
