// The members' links: copied, made anew, withdrawn, all as a table.

import { inDialog, save } from './board-orders.js';
import { shortDay } from './board-words.js';
import { button, el, setText } from './dom.js';
import { board } from './texts-board.js';
import { openDialog } from './ui-dialog.js';

const DAY_MS = 24 * 60 * 60 * 1000;
const USES = [0, 1, 2, 3, 5];

const words = () => board().link;

export class Links {
  #parts;

  constructor(parts) {
    this.#parts = parts;
  }

  /** The day on which a link ends, in the event's zone. */
  lastDay({ expires }) {
    return shortDay(Date.parse(expires), this.#parts.watch.event.zone);
  }

  /** On how many devices it was used; of a link without limit nobody counts. */
  used({ used, uses }) {
    return uses ? words().used(used ?? 0, uses) : '';
  }

  /**
   * Copies the member's link as it is made by default (the same validity gives the same link), or shows it
   * where the browser does not let us; resolves with whether it is copied.
   */
  async copy(row, pressed) {
    const { page, watch } = this.#parts;
    let done = false;
    await page.order(pressed, async () => {
      const { link } = watch.minted.get(row.member) ?? (await watch.mint([row.member]))[0];
      done = await copied(link);
      if (done) page.notice(words().copiedOf(row.name));
      else this.#showLink(row, link);
    });
    return done;
  }

  /** Asks how long and how often a new link is to open, makes it and shows it. */
  renew(row) {
    const choice = (id, name, options) => el('div', { class: 'writing' }, el('label', { for: id, text: name }),
      el('select', { id, testid: id }, ...options.map(([value, text]) => el('option', { value: String(value), text }))));
    // Numbers come first among an object's keys, whatever the order they were written in.
    const expiries = ['event', ...Object.keys(words().expiry).filter((key) => key !== 'event')];
    const form = el('form', { class: 'settings-form', id: 'new-link-form' }, el('p', { text: () => words().newText }),
      choice('link-expiry', () => words().expires, expiries.map((key) => [key, () => words().expiry[key]])),
      choice('link-uses', () => words().uses, USES.map((count) => [count, () => words().useCounts(count)])));
    const make = button(() => words().make, { type: 'submit', form: 'new-link-form', class: 'button button-primary', testid: 'link-make' });
    const dialog = openDialog({
      title: () => words().newTitle(row.name), content: form, testid: 'link-dialog',
      buttons: [button(() => words().cancel, { class: 'button', on: { click: () => dialog.close() } }), make],
    });
    form.addEventListener('submit', async (submitted) => {
      submitted.preventDefault();
      const [expiry, uses] = [...form.querySelectorAll('select')].map(({ value }) => value);
      const validity = {};
      if (expiry !== 'event') validity.expires = new Date(Date.now() + Number(expiry) * DAY_MS).toISOString();
      if (uses !== '0') validity.uses = Number(uses);
      await inDialog(make, async () => {
        const [{ link }] = await this.#parts.watch.mint([row.member], validity);
        dialog.close();
        this.#showLink(row, link);
      });
    });
  }

  /** Asks which of the member's links, and withdraws them. */
  withdraw(row) {
    const option = (value, text) => el('label', { class: 'choice' },
      el('input', { type: 'radio', name: 'jti', value, checked: value === '' }), el('span', { text }));
    const options = row.invites.length > 1 ? el('fieldset', {}, option('', () => words().withdrawAll(row.invites.length)),
      ...row.invites.map((invite) => option(invite.jti, () => [words().withdrawOne(this.lastDay(invite)), this.used(invite)].filter(Boolean).join(', ')))) : null;
    const content = el('div', { class: 'settings-form' }, el('p', { text: () => words().withdrawText }), options);
    const accept = button(() => words().withdrawAccept, {
      class: 'button button-danger', testid: 'confirm-accept',
      on: {
        click: () => inDialog(accept, async () => {
          const jti = content.querySelector('input:checked')?.value;
          await this.#parts.watch.withdraw(row.member, jti);
          dialog.close();
          this.#parts.page.notice(words().withdrawn(row.name));
        }),
      },
    });
    const cancel = button(() => words().cancel, { class: 'button', testid: 'confirm-cancel', on: { click: () => dialog.close() } });
    const dialog = openDialog({ title: () => words().withdrawTitle(row.name), content, testid: 'withdraw-dialog', buttons: [cancel, accept] });
    // What cannot be undone is not what Enter does.
    cancel.focus();
  }

  /** Everybody's links as a file, for a mail merge. */
  saveAll() {
    const { watch } = this.#parts;
    const accept = button(() => words().allAccept, {
      class: 'button button-primary', testid: 'confirm-accept',
      on: {
        click: () => inDialog(accept, async () => {
          save(await watch.allLinks(), `${watch.event.id}-links.csv`);
          watch.look('invites');
          dialog.close();
          this.#parts.page.notice(board().record.saved(`${watch.event.id}-links.csv`));
        }),
      },
    });
    const dialog = openDialog({
      title: () => words().allTitle, text: () => words().allText, testid: 'all-links-dialog',
      buttons: [button(() => words().cancel, { class: 'button', on: { click: () => dialog.close() } }), accept],
    });
  }

  #showLink(row, link) {
    const field = el('input', { type: 'text', readonly: true, value: link, testid: 'link-text', 'aria-label': () => words().madeTitle(row.name) });
    const said = el('p', { class: 'hint', role: 'status' });
    const copy = button(() => words().copyLink, {
      class: 'button button-primary', testid: 'link-copy',
      on: {
        click: async () => {
          const done = await copied(link);
          setText(said, done ? words().copied : words().byHand);
          if (!done) field.select();
        },
      },
    });
    const dialog = openDialog({
      title: () => words().madeTitle(row.name), testid: 'link-made-dialog',
      content: el('div', { class: 'settings-form' }, el('p', { text: () => words().madeText }), field, said),
      buttons: [button(() => words().close, { class: 'button', on: { click: () => dialog.close() } }), copy],
    });
  }
}

/** Puts a text on the clipboard; whether the browser let us. It has none on plain http. */
async function copied(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false;
  }
}
