// The page of speaking times: by delegation as a chart, which is a table with bars, and by member; turns
// that run included.

import { el, keyed, setAttribute, setText, show } from './dom.js';
import { clock } from './format.js';
import { nameOf, totals } from './meeting.js';
import { texts } from './texts.js';

export class TimesPage {
  #parts;

  constructor(parts) {
    this.#parts = parts;
    this.budget = el('p', { class: 'muted' });
    this.delegations = makeTable(() => texts.times.delegations, () => texts.times.delegation, 'times-delegations');
    this.members = makeTable(() => texts.times.members, () => texts.times.person, 'times-members');
    this.empty = el('p', { class: 'muted', text: () => texts.times.empty });
    this.byMember = el('section', { class: 'card' }, this.members.table);
    this.root = el('div', { class: 'panel-page page-scrolls', tabindex: '0' },
      el('section', { class: 'card' }, this.delegations.table, this.budget, this.empty),
      this.byMember);
  }

  draw(open) {
    if (open) this.drawClocks();
  }

  drawClocks() {
    const { visit, meeting } = this.#parts;
    const { state } = meeting;
    const { members, delegations } = totals(state, visit.now());
    const budget = state.profile.budget_ms;
    setText(this.budget, budget > 0 ? texts.times.budget(clock(budget)) : '');
    show(this.budget, budget > 0);
    show(this.empty, members.length === 0);
    show(this.byMember, members.length > 0);
    const holding = new Set(state.turns.map(({ member }) => member));
    const speaking = new Set([...holding].map((id) => state.members.get(id)?.delegation));
    drawTimes(this.delegations, delegations, (id) => visit.delegationName(id), speaking);
    drawTimes(this.members, members, (id) => nameOf(state, id), holding);
  }
}

/** A table whose caption is its heading: who, how long, which part of all, and that as a bar. */
function makeTable(caption, who, testid) {
  const head = [who, () => texts.times.time, () => texts.times.share].map((text) => el('th', { scope: 'col', text }));
  const body = el('tbody');
  const rows = el('thead', {}, el('tr', {}, ...head));
  return { table: el('table', { class: 'times', testid }, el('caption', { text: caption }), rows, body), head: rows, body };
}

/** A bar each, the longest the whole width; those who speak now are marked. */
function drawTimes({ body, head }, times, nameOfId, now) {
  const most = Math.max(1, ...times.map(({ ms }) => ms));
  const all = Math.max(1, times.reduce((sum, { ms }) => sum + ms, 0));
  show(head, times.length > 0);
  keyed(body, times, ({ id }) => id, ({ id }) => {
    const row = el('tr', { testid: 'times-row', 'data-id': id });
    row.nameText = el('th', { scope: 'row' });
    row.time = el('td', { class: 'times-time' });
    row.share = el('span', { class: 'times-share' });
    row.bar = el('div', { class: 'times-fill' });
    row.append(row.nameText, row.time, el('td', {}, el('div', { class: 'times-part' },
      el('div', { class: 'times-bar', 'aria-hidden': 'true' }, row.bar), row.share)));
    return row;
  }, (row, { id, ms }) => {
    setText(row.nameText, nameOfId(id));
    setText(row.time, clock(ms));
    setText(row.share, texts.times.percent(Math.round((100 * ms) / all)));
    setAttribute(row, 'data-now', now.has(id) ? 'yes' : null);
    row.bar.style.transform = `scaleX(${ms / most})`;
  });
}
