// A chair's controls of the session: prepare to reopen in the header, and everything rarer in a menu.

import { button, el, sendsText, setText, show, showSome } from './dom.js';
import { itemAfter, nameOf } from './meeting.js';
import { texts } from './texts.js';
import { openDialog } from './ui-dialog.js';
import { openSettings } from './ui-settings.js';

/** Which controls a session's state offers, the main one first. */
const SESSION_ACTIONS = {
  scheduled: ['open', 'prepare'],
  prepared: ['open', 'close'],
  live: ['pause', 'close'],
  paused: ['resume', 'close'],
  closed: ['reopen'],
};

/** Prepare, open, pause, resume, close, reopen, and the menu. */
export class SessionControls {
  #parts;

  constructor(parts) {
    this.#parts = parts;
    const control = (action) => button(() => texts.chair[action], {
      class: 'button', testid: `${action}-session`, once: 'session', on: { click: () => this.#do(action) },
    });
    this.buttons = Object.fromEntries(
      ['open', 'prepare', 'pause', 'resume', 'reopen', 'close'].map((action) => [action, control(action)]),
    );
    this.menu = button(() => texts.session.menu, {
      class: 'button', testid: 'session-menu', 'aria-haspopup': 'dialog', on: { click: () => openSessionMenu(parts) },
    });
    this.root = el('div', { class: 'session-controls', role: 'group', 'aria-label': () => texts.chair.session },
      ...Object.values(this.buttons), this.menu);
  }

  draw() {
    const { state } = this.#parts.meeting;
    const offered = SESSION_ACTIONS[state.session.state];
    showSome(Object.values(this.buttons), offered.map((action) => this.buttons[action]));
    for (const [action, element] of Object.entries(this.buttons)) {
      element.classList.toggle('button-primary', ['open', 'resume'].includes(action));
      element.classList.toggle('button-danger-quiet', action === 'close');
    }
  }

  async #do(action) {
    const { ui, undo } = this.#parts;
    if (action === 'close') {
      const sure = await ui.confirm({
        title: () => texts.chair.closeTitle, text: () => texts.chair.closeText, accept: () => texts.chair.close,
        cancel: () => texts.chair.cancel, danger: true,
      });
      if (!sure) return;
    }
    await undo.order(`session.${action}`);
  }
}

/** What waits for the end of the turns: do it now, or drop it. */
export class AwaitedCard {
  #parts;

  constructor(parts) {
    this.#parts = parts;
    const { ui } = parts;
    this.text = el('p', { class: 'awaited-text' });
    this.root = el('section', { class: 'card awaited-card', testid: 'awaited', role: 'status', hidden: true }, this.text);
    if (parts.visit.member.role === 'chair') {
      this.root.append(el('div', { class: 'button-row' },
        button(() => texts.session.force, {
          class: 'button button-small button-danger-quiet', testid: 'awaited-force', on: { click: () => this.#force() },
        }),
        button(() => texts.session.drop, {
          class: 'button button-small', testid: 'session.drop_change', on: { click: () => ui.order('session.drop_change') },
        })));
    }
  }

  draw() {
    const { session } = this.#parts.meeting.state;
    const { awaited } = session;
    show(this.root, Boolean(awaited));
    if (!awaited) return;
    const item = session.items.find(({ id }) => id === awaited.item);
    setText(this.text, awaited === 'close' ? texts.session.closeWaits : texts.session.itemWaits(item?.title ?? awaited.item));
  }

  async #force() {
    const { ui, meeting } = this.#parts;
    const { awaited } = meeting.state.session;
    if (awaited !== 'close') {
      await ui.order('agenda.start', { ...itemAfter(meeting.state.session, awaited.item), force: true });
      return;
    }
    const sure = await ui.confirm({
      title: () => texts.chair.closeTitle, text: () => texts.session.forceText, accept: () => texts.chair.close,
      cancel: () => texts.chair.cancel, danger: true,
    });
    // Meanwhile the turn may have ended, or another chair have dropped the change.
    if (sure && meeting.state?.session.awaited === 'close') await ui.order('session.close', { force: true });
  }
}

/** Settings, keys, technical stop, lock, other sessions, other chairs, who was removed. */
function openSessionMenu(parts) {
  const { ui, meeting, visit, undo, keys } = parts;
  const { state } = meeting;
  const done = async (asked) => {
    if (await asked) dialog.close();
  };
  const press = (text, testid, act, kind = '') => button(text, { class: `button ${kind}`, testid, on: { click: act } });
  const order = (text, type, fields) => press(text, type, () => done(undo.order(type, fields)));
  const stop = state.floor.technical_stop
    ? order(() => texts.session.endTechnicalStop, 'session.end_technical_stop')
    : order(() => texts.session.technicalStop, 'session.technical_stop');
  const lock = state.session.locked ? order(() => texts.session.unlock, 'session.unlock') : order(() => texts.session.lock, 'session.lock');
  const settings = press(() => texts.settings.title, 'session-settings', () => {
    dialog.close();
    openSettings(parts);
  });

  const shortcuts = press(() => texts.keys.title, 'session-keys', () => {
    dialog.close();
    keys.open();
  });
  const others = visit.sessions.filter(({ id }) => id !== state.session.id);
  const chairs = [...state.members.values()].filter(({ id, role }) => role === 'chair' && id !== visit.member.id);
  const banned = (state.banned ?? []).map((id) => el('li', { class: 'row' },
    el('span', { class: 'row-who', text: nameOf(state, id) }),
    button(() => texts.session.unban, {
      class: 'button button-small', testid: 'member.unban', 'data-member': id,
      'aria-label': () => texts.chair.of(texts.session.unban, nameOf(state, id)),
      on: { click: () => done(ui.order('member.unban', { member: id })) },
    })));
  const content = el('div', { class: 'settings-form session-menu' },
    el('div', { class: 'button-row' }, settings, lock, stop, shortcuts),
    others.length === 0 ? null : choosing(() => texts.session.moveOn, () => texts.session.moveOnSend, 'session.move_on',
      others.map(({ id, title }) => [id, title]), async (session) => {
        const title = others.find(({ id }) => id === session)?.title ?? session;
        const sure = await ui.confirm({
          title: () => texts.session.moveOnTitle(title), text: () => texts.session.moveOnText, accept: () => texts.session.moveOnSend, cancel: () => texts.chair.cancel,
        });
        if (sure) await done(ui.order('session.move_on', { session }));
      }),
    chairs.length === 0 ? null : choosing(() => texts.session.handOver, () => texts.session.handOverSend, 'chair.hand_over',
      chairs.map(({ id, name }) => [id, name]), (member) => done(undo.order('chair.hand_over', { member }))),
    banned.length === 0 ? null : el('div', {}, el('h3', { text: () => texts.session.banned }), el('ul', { class: 'rows' }, ...banned)));
  const dialog = openDialog({
    title: () => texts.session.menuTitle, content, testid: 'session-dialog',
    buttons: [button(() => texts.session.doneMenu, { class: 'button button-primary', testid: 'session-dialog-close', on: { click: () => dialog.close() } })],
  });
}

/** A field for a text and a button that sends it. */
export function writing(ui, label, send, type) {
  const id = `write-${type}`;
  const field = el('textarea', { id, rows: '2', testid: `${type}-text` });
  const form = el('form', { class: 'writing' }, el('label', { for: id, text: label }), field,
    button(send, { type: 'submit', class: 'button', testid: type }));
  sendsText(form, field, async (text) => {
    const sent = await ui.order(type, { text });
    // A notice is seen by itself.
    if (sent && type === 'minutes.note') ui.notice(texts.session.noted);
    return sent;
  });
  return form;
}

/** A list to choose from and a button that sends what is chosen. */
function choosing(label, send, type, choices, act) {
  const id = `choose-${type}`;
  const field = el('select', { id, testid: `${type}-choice` }, ...choices.map(([value, text]) => el('option', { value, text })));
  return el('div', { class: 'writing' }, el('label', { for: id, text: label }), field,
    button(send, { class: 'button', testid: type, on: { click: () => act(field.value) } }));
}
