// The board's frame: what is shown, the banners, passing notices.
//
// It and the other `board-` views touch nothing but the DOM: they draw what `Watch` holds.

import { claimsOf, Problem } from './board-api.js';
import { ending, endingOf } from './board-end.js';
import { Links } from './board-links.js';
import { openRecord } from './board-record.js';
import { RosterCard } from './board-roster.js';
import { rowsOf, unattended } from './board-rows.js';
import { SessionsCard } from './board-sessions.js';
import { explain } from './board-words.js';
import { button, el, keyed, oncePerFrame, setButtonText, setText, show } from './dom.js';
import { day, timeToTheSecond, zoneName } from './format.js';
import { onLanguage, texts } from './texts.js';
import { board } from './texts-board.js';
import { languagePicker } from './ui-language.js';

/** How long a notice stays, in ms. */
const NOTICE_MS = 6000;
const NOTICES_MAX = 3;

/** Without news for so long the board says that it is old, in ms. */
const OLD_MS = 8000;

export class BoardPage {
  #app = document.getElementById('app');
  #notices = document.getElementById('notices');
  #parts;
  #token;
  #shown = null;
  /** Why there is no board: the ending's code and the server's words. */
  #end = null;
  #rows = [];

  constructor({ watch, token }) {
    this.#token = token;
    // What is chosen, which outlives the drawing.
    const view = { filter: 'all', session: '', words: '', key: 'delegation', up: true };
    this.#parts = { watch, view, page: this, rows: () => this.#rows, now: () => watch.now };
    this.#parts.links = new Links(this.#parts);
    const redraw = oncePerFrame(() => this.#draw());
    watch.subscribe(redraw);
    onLanguage(() => this.#rebuild());
    redraw();
  }

  /** Shows no board, but why. */
  refuse(code, said = '') {
    this.#end = { code, said };
    this.#shown = null;
    this.#draw();
  }

  notice(text, kind = 'info') {
    const notice = el('p', { class: `notice notice-${kind}`, testid: 'notice', text });
    this.#notices.append(notice);
    while (this.#notices.childElementCount > NOTICES_MAX) this.#notices.firstElementChild.remove();
    setTimeout(() => notice.remove(), NOTICE_MS);
  }

  /** Does what a button stands for, and says what went wrong; resolves with whether it was done. */
  async order(pressed, act) {
    // Not `disabled`, which would take the focus away.
    if (pressed.getAttribute('aria-busy')) return false;
    pressed.setAttribute('aria-busy', 'true');
    try {
      await act();
      return true;
    } catch (error) {
      this.notice(explain(error), 'problem');
      return false;
    } finally {
      pressed.removeAttribute('aria-busy');
    }
  }

  /** Shows those members. */
  choose(choice) {
    this.roster.choose(choice);
    this.roster.root.scrollIntoView({ block: 'start' });
    this.roster.search.focus({ preventScroll: true });
  }

  #draw() {
    const { watch } = this.#parts;
    if (watch.refusal && !this.#end) {
      const { status, message } = watch.refusal;
      this.#end = { code: endingOf(watch.refusal, claimsOf(this.#token)), said: status === 404 ? '' : message };
    }
    if (this.#end) {
      this.#drawEnd();
      return;
    }
    const wanted = watch.event ? 'board' : 'connecting';
    if (this.#shown !== wanted) {
      this.#shown = wanted;
      if (watch.event) this.#build();
      else this.#buildConnecting();
    }
    if (watch.event) this.#drawBoard();
    else setText(this.connecting, watch.troubles.has('event') ? explain(watch.troubles.get('event')) : board().connecting);
  }

  /** Draws all anew, in another language; the focus stays where that was chosen. */
  #rebuild() {
    this.#shown = null;
    this.#draw();
    this.#app.querySelector('[data-testid=language]')?.focus();
  }

  #drawEnd() {
    if (this.#shown === 'end') return;
    this.#shown = 'end';
    document.querySelectorAll('dialog').forEach((dialog) => dialog.close());
    this.#app.replaceChildren(ending(this.#end, this.#token));
    this.#app.querySelector('h1').focus();
  }

  #buildConnecting() {
    document.title = `${board().title} – ${texts.product}`;
    this.connecting = el('span');
    this.#app.replaceChildren(el('main', { class: 'board' }, el('div', { class: 'board-top' }, el('h1', { text: board().title }), languagePicker()),
      el('p', { class: 'connecting', role: 'status' }, el('span', { class: 'spinner', 'aria-hidden': 'true' }), this.connecting)));
  }

  #build() {
    const { watch } = this.#parts;
    const { title, days, zone } = watch.event;
    document.title = `${board().title}: ${title} – ${texts.product}`;
    this.updated = el('span', { class: 'muted', testid: 'updated' });
    this.pause = button('', {
      class: 'button button-small', testid: 'pause-updates', on: {
        click: () => {
          watch.paused = !watch.paused;
        },
      },
    });
    const record = button(board().record.open, {
      class: 'button button-small', testid: 'record-open', 'aria-haspopup': 'dialog', on: { click: () => openRecord(this.#parts) },
    });
    this.banners = el('div', { class: 'board-banners', role: 'status' });
    this.sessions = new SessionsCard(this.#parts);
    this.roster = new RosterCard(this.#parts);
    this.#app.replaceChildren(el('main', { class: 'board', testid: 'board' },
      el('header', { class: 'board-header' },
        el('div', { class: 'board-top' }, el('p', { class: 'product', text: `${texts.product} · ${board().title}` }),
          el('div', { class: 'board-status' }, this.updated, this.pause, record, languagePicker())),
        el('h1', { text: title, tabindex: '-1', 'data-home': true }),
        el('p', { class: 'muted', text: `${daysText(days)} (${board().inZone(zoneName(zone))})` })),
      this.banners, this.sessions.root, this.roster.root));
  }

  #drawBoard() {
    const { watch } = this.#parts;
    this.#rows = rowsOf(watch, watch.now);
    const words = board();
    const { zone } = watch.event;
    const time = watch.heardAt ? `${timeToTheSecond(watch.heardAt, zone, texts.language)} (${words.inZone(zoneName(zone))})` : '–';
    setText(this.updated, watch.paused ? words.pausedAt(time) : words.updated(time));
    setButtonText(this.pause, watch.paused ? words.resume : words.pause);
    this.#drawBanners(time);
    this.sessions.draw();
    this.roster.draw();
  }

  #drawBanners(time) {
    const { watch } = this.#parts;
    const words = board();
    const waiting = unattended(watch.live, this.#rows).map(({ id, waiting: count }) => {
      const chairs = this.#rows.filter(({ role }) => role === 'chair').map(({ name }) => name);
      return ['lobby', id, words.lobbyWaits(count, this.#titleOf(id), chairs.join(', '))];
    });
    const old = watch.heardAt && Date.now() - watch.heardAt > OLD_MS;
    const unreachable = [...watch.troubles].filter(([, error]) => !(error instanceof Problem));
    const refused = [...watch.troubles].filter(([, error]) => error instanceof Problem);
    const troubles = refused.map(([part, error]) => ['problem', part, words.problems.part(words.problems.parts[part], explain(error, { 409: words.problems.notServed }))]);
    if (unreachable.length > 0 && (old || !watch.heardAt)) {
      troubles.unshift(['problem', 'unreachable', watch.heardAt ? words.problems.stale(time) : words.problems.unreachable]);
    }
    keyed(this.banners, [...troubles, ...waiting], ([kind, what]) => `${kind} ${what}`,
      ([kind, what]) => el('p', { class: 'board-banner', testid: `banner-${kind}`, 'data-kind': kind, 'data-what': what }),
      (banner, [, , text]) => setText(banner, text));
    show(this.banners, this.banners.childElementCount > 0);
  }

  #titleOf(id) {
    return this.#parts.watch.sessions.find((session) => session.id === id)?.title ?? id;
  }
}

/** The days of an event, which are dates without a time. */
function daysText(days) {
  return days.map((date) => day(Date.parse(`${date}T12:00:00Z`), 'UTC', texts.language)).join('; ');
}
