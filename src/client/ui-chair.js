// What only a chair sees: the session's controls, “next”, the floor's settings, a member's actions.

import { button, el, setAttribute, setButtonText, setText, show } from './dom.js';
import { texts } from './texts.js';

/** Which controls a session's state offers, the main one first. */
const SESSION_ACTIONS = {
  scheduled: ['open', 'prepare'],
  prepared: ['open', 'close'],
  live: ['pause', 'close'],
  paused: ['resume', 'close'],
  closed: ['reopen'],
};

const MICROPHONES_MAX = 25;

/** Prepare, open, pause, resume, close, reopen. */
export class SessionControls {
  #parts;

  constructor(parts) {
    this.#parts = parts;
    const control = (action) => button(texts.chair[action], {
      class: 'button', testid: `${action}-session`, on: { click: () => this.#do(action) },
    });
    this.buttons = Object.fromEntries(
      ['open', 'prepare', 'pause', 'resume', 'reopen', 'close'].map((action) => [action, control(action)]),
    );
    this.root = el('div', { class: 'session-controls', role: 'group', 'aria-label': texts.chair.session },
      ...Object.values(this.buttons));
  }

  draw() {
    const { state } = this.#parts.meeting;
    const offered = SESSION_ACTIONS[state.session.state];
    for (const [action, element] of Object.entries(this.buttons)) {
      show(element, offered.includes(action));
      element.classList.toggle('button-primary', ['open', 'resume'].includes(action));
      element.classList.toggle('button-danger-quiet', action === 'close');
    }
  }

  async #do(action) {
    const { ui } = this.#parts;
    if (action === 'close') {
      const sure = await ui.confirm({
        title: texts.chair.closeTitle, text: texts.chair.closeText, accept: texts.chair.close,
        cancel: texts.chair.cancel, danger: true,
      });
      if (!sure) return;
    }
    await ui.order(`session.${action}`);
  }
}

/** “Next”, and how the floor is given. */
export class FloorControls {
  #parts;

  constructor(parts) {
    this.#parts = parts;
    this.next = button('', {
      class: 'button button-primary button-large', iconName: 'next', testid: 'next-speaker',
      on: { click: () => this.#next() },
    });
    this.mode = el('select', { id: 'floor-mode', testid: 'floor-mode' },
      ...Object.entries(texts.chair.modes).map(([value, text]) => el('option', { value, text })));
    this.microphones = el('input', {
      id: 'floor-microphones', type: 'number', min: '1', max: String(MICROPHONES_MAX), testid: 'floor-microphones',
    });
    this.settings = el('details', { class: 'floor-settings' },
      this.summary = el('summary', { testid: 'floor-settings' }),
      el('form', { class: 'settings-form', on: { submit: (event) => this.#configure(event) } },
        el('label', { for: 'floor-mode', text: texts.chair.mode }), this.mode,
        el('label', { for: 'floor-microphones', text: texts.chair.microphones }), this.microphones,
        button(texts.chair.apply, { type: 'submit', class: 'button', testid: 'floor-apply' })));
    this.root = el('div', { class: 'floor-controls' }, this.next, this.settings);
  }

  draw() {
    const { state } = this.#parts.meeting;
    const [head] = state.queue;
    setButtonText(this.next, head
      ? texts.chair.nextIs(state.members.get(head.member)?.name ?? head.member) : texts.chair.nextNone);
    this.next.disabled = !head || state.session.state !== 'live';
    const { mode, microphones } = state.floor;
    setText(this.summary, `${texts.chair.settings}: ${texts.chair.modes[mode].split(':')[0].toLowerCase()}, `
      + `${microphones} ${texts.chair.microphones.toLowerCase()}`);
    // What is being typed is not overwritten; what another chair has set is shown.
    const written = `${mode} ${microphones}`;
    if (this.settings.dataset.shown === written) return;
    this.settings.dataset.shown = written;
    this.mode.value = mode;
    this.microphones.value = String(microphones);
  }

  #next() {
    const { ui, meeting } = this.#parts;
    return ui.order('floor.next', { after_turn: meeting.state.floor.last_turn });
  }

  async #configure(event) {
    event.preventDefault();
    const done = await this.#parts.ui.order('floor.configure', {
      mode: this.mode.value, microphones: Number(this.microphones.value),
    });
    if (done) this.settings.open = false;
  }
}

/** The button of an action on a member: `grant`, `stop`, `mute`, `askUnmute`, `remove`, `removeHand`. */
export function memberActions({ ui, meeting }, action, id) {
  const nameOf = () => meeting.state.members.get(id)?.name ?? id;
  const [testid, kind, act] = {
    grant: ['grant', '', () => ui.order('floor.grant', { member: id, after_turn: meeting.state.floor.last_turn })],
    stop: ['stop', 'button-danger', () => ui.order('floor.stop', { member: id })],
    mute: ['mute', '', () => ui.order('member.mute', { member: id })],
    askUnmute: ['ask-unmute', '', () => ui.order('member.ask_unmute', { member: id })],
    removeHand: ['remove-hand', '', () => ui.order('floor.remove', { member: id })],
    remove: ['remove', 'button-danger-quiet', async () => {
      const sure = await ui.confirm({
        title: texts.chair.removeTitle(nameOf()), text: texts.chair.removeText,
        accept: texts.chair.remove, cancel: texts.chair.cancel, danger: true,
      });
      if (sure) await ui.order('member.remove', { member: id });
    }],
  }[action];
  const element = button(texts.chair[action], {
    class: `button button-small ${kind}`, testid, on: { click: act },
  });
  setAttribute(element, 'data-member', id);
  return element;
}
