// The page of the recommendations: the register, support, status, signatures, and a new one.

import { button, el, keyed, sendsText, setAttribute, setText, show, showSome } from './dom.js';
import { nameOf } from './meeting.js';
import { texts } from './texts.js';
import { openDialog } from './ui-dialog.js';

/** The roles that fill the register, and those that sign for their institute. */
const WRITERS = ['chair', 'delegate', 'podium', 'organiser'];
const SIGNERS = ['chair', 'organiser'];

export class RegisterPage {
  #parts;

  constructor(parts) {
    this.#parts = parts;
    const { role } = parts.visit.member;
    this.chairs = role === 'chair';
    this.writes = WRITERS.includes(role);
    this.list = el('ol', { class: 'rows', role: 'list', testid: 'register' });
    this.empty = el('p', { class: 'muted', text: () => texts.register.empty });
    this.text = el('textarea', { id: 'register-text', rows: '3', testid: 'recommendation-text' });
    this.form = el('form', { class: 'writing' }, el('label', { for: 'register-text', text: () => texts.register.newLabel }), this.text,
      button(() => texts.register.propose, { type: 'submit', class: 'button button-primary', testid: 'recommendation.propose' }));
    sendsText(this.form, this.text, (text) => parts.ui.order('recommendation.propose', { text }));
    this.root = el('div', { class: 'panel-page page-scrolls', tabindex: '0' },
      el('section', { class: 'card' }, el('h2', { text: () => texts.register.title }), this.list, this.empty),
      this.writes ? el('section', { class: 'card' }, this.form) : null);
  }

  draw() {
    const { recommendations } = this.#parts.meeting.state;
    show(this.empty, recommendations.length === 0);
    keyed(this.list, recommendations, ({ number }) => number, ({ number }) => this.#makeRow(number), (row, each) => this.#drawRow(row, each));
  }

  #makeRow(number) {
    const { ui } = this.#parts;
    const row = el('li', { class: 'row row-text', testid: 'recommendation', 'data-number': String(number) });
    const small = (text, testid, act) => button(text, {
      class: 'button button-small', testid, 'data-number': String(number), on: { click: act },
    });
    row.place = el('span', { class: 'place', text: String(number) });
    row.status = el('span', { class: 'badge' });
    row.by = el('span', { class: 'muted' });
    row.said = el('p', { class: 'said' });
    row.supporters = el('p', { class: 'muted said-by' });
    row.signed = el('p', { class: 'muted said-by' });
    row.append(el('div', { class: 'register-head' }, row.place, row.by, row.status), row.said, row.supporters, row.signed);
    if (!this.writes) return row;
    row.support = small(() => texts.register.support, 'recommendation.support', () => ui.order('recommendation.support', { number }));
    row.unsupport = small(() => texts.register.unsupport, 'recommendation.unsupport', () => ui.order('recommendation.unsupport', { number }));
    row.edit = small(() => texts.register.edit, 'recommendation.edit', () => this.#edit(number));
    row.sign = small(() => texts.register.sign, 'recommendation.sign', () => ui.order('recommendation.sign', { number }));
    row.setStatus = el('select', {
      class: 'select-small', testid: 'recommendation.set_status', 'data-number': String(number), 'aria-label': () => texts.register.statusOf(number),
      on: {
        change: async ({ target }) => {
          // What was refused is not shown.
          await this.#setStatus(number, target.value);
          this.draw();
        },
      },
    }, ...Object.keys(texts.register.statuses).map((value) => el('option', { value, text: () => texts.register.statuses[value] })));
    row.append(el('div', { class: 'button-row' }, row.support, row.unsupport, row.edit, row.sign, this.chairs ? row.setStatus : null));
    return row;
  }

  #drawRow(row, { number, proposer, text, supporters, status, signed }) {
    const { visit, meeting } = this.#parts;
    const { state } = meeting;
    const me = visit.member;
    const own = proposer === me.id;
    setText(row.by, texts.register.by(own ? texts.room.selfName(nameOf(state, proposer)) : nameOf(state, proposer)));
    setText(row.status, texts.register.statuses[status]);
    setAttribute(row, 'data-status', status);
    setText(row.said, text);
    setText(row.supporters, supporters.length === 0 ? texts.register.noSupport
      : texts.register.supporters(supporters.length, supporters.map((id) => nameOf(state, id)).join(', ')));
    setText(row.signed, signed.length === 0 ? '' : texts.register.signed(signed.map((id) => visit.delegationName(id)).join(', ')));
    show(row.signed, signed.length > 0);
    if (!this.writes) return;
    const supports = supporters.includes(me.id);
    const signs = SIGNERS.includes(me.role) && status === 'agreed' && !signed.includes(me.delegation);
    showSome([row.support, row.unsupport, row.edit, row.sign], [
      ...(own ? [] : [supports ? row.unsupport : row.support]),
      ...(this.chairs || (own && status === 'proposed') ? [row.edit] : []),
      ...(signs ? [row.sign] : []),
    ]);
    if (row.setStatus.value !== status) row.setStatus.value = status;
    for (const element of [row.support, row.unsupport, row.edit, row.sign]) {
      setAttribute(element, 'aria-label', texts.register.of(element.textContent, number));
    }
  }

  /** With the status the signatures go, which nobody puts back: that is asked about. */
  async #setStatus(number, status) {
    const { ui, undo, meeting } = this.#parts;
    const known = meeting.state.recommendations.find((each) => each.number === number);
    if (status !== 'agreed' && known.signed.length > 0 && !await ui.confirm({
      title: () => texts.register.unsignTitle(number), text: () => texts.register.unsignText,
      accept: () => texts.register.statuses[status], cancel: () => texts.chair.cancel, danger: true,
    })) return;
    await undo.order('recommendation.set_status', { number, status });
  }

  #edit(number) {
    const { ui, meeting } = this.#parts;
    const known = meeting.state.recommendations.find((each) => each.number === number);
    const field = el('textarea', { id: 'edit-text', rows: '5', testid: 'recommendation-edit-text' });
    field.value = known.text;
    const form = el('form', { class: 'writing', id: 'edit-form' }, el('label', { for: 'edit-text', text: () => texts.register.editLabel }), field,
      el('p', { class: 'hint', text: () => texts.register.editHint }));
    form.addEventListener('submit', async (event) => {
      event.preventDefault();
      if (await ui.order('recommendation.edit', { number, text: field.value })) dialog.close();
    });
    const dialog = openDialog({
      title: () => texts.register.editTitle(number), content: form, testid: 'recommendation-dialog',
      buttons: [
        button(() => texts.chair.cancel, { class: 'button', on: { click: () => dialog.close() } }),
        button(() => texts.chair.apply, { type: 'submit', form: 'edit-form', class: 'button button-primary', testid: 'recommendation-apply' }),
      ],
    });
  }
}
