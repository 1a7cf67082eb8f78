// What only a chair sees: the session's controls, “next”, the floor's settings, a member's actions.

import { button, el, setAttribute, setButtonText, show } from './dom.js';
import { nextInLine } from './meeting.js';
import { texts } from './texts.js';
import { openDialog } from './ui-dialog.js';

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

/** “Next”, and how the floor is given: two buttons that the panel places. */
export class FloorControls {
  #parts;

  constructor(parts) {
    this.#parts = parts;
    this.next = button('', {
      class: 'button button-primary button-large next-button', iconName: 'next', testid: 'next-speaker',
      on: { click: () => this.#next() },
    });
    this.settings = button('', {
      class: 'button button-quiet', testid: 'floor-settings', on: { click: () => this.#openSettings() },
    });
  }

  draw() {
    const { state } = this.#parts.meeting;
    const next = nextInLine(state);
    setButtonText(this.next, next
      ? texts.chair.nextIs(state.members.get(next)?.name ?? next)
      : state.queue.length > 0 ? texts.chair.nextLost : texts.chair.nextNone);
    this.next.disabled = !next || state.session.state !== 'live';
    const { mode, microphones } = state.floor;
    setButtonText(this.settings,
      `${texts.chair.modes[mode].name}, ${texts.chair.microphoneCount(microphones)} · ${texts.chair.change}`);
  }

  #next() {
    const { ui, meeting } = this.#parts;
    return ui.order('floor.next', { after_turn: meeting.state.floor.last_turn });
  }

  /** Mode and microphones, as they are now; another chair's change meanwhile is overwritten. */
  #openSettings() {
    const { ui, meeting } = this.#parts;
    const { floor } = meeting.state;
    const modes = Object.entries(texts.chair.modes).map(([value, { name, text }]) => el('label', { class: 'choice' },
      el('input', { type: 'radio', name: 'mode', value, checked: value === floor.mode, testid: `mode-${value}` }),
      el('span', {}, el('strong', { text: name }), el('span', { class: 'muted', text }))));
    const microphones = el('input', {
      id: 'floor-microphones', type: 'number', min: '1', max: String(MICROPHONES_MAX), required: true,
      value: String(floor.microphones), testid: 'floor-microphones',
    });
    const form = el('form', { class: 'settings-form', id: 'floor-form' },
      el('fieldset', {}, el('legend', { text: texts.chair.mode }), ...modes),
      el('div', { class: 'field' }, el('label', { for: 'floor-microphones', text: texts.chair.microphones }), microphones));
    form.addEventListener('submit', async (event) => {
      event.preventDefault();
      const done = await ui.order('floor.configure', {
        mode: new FormData(form).get('mode'), microphones: Number(microphones.value),
      });
      if (done) dialog.close();
    });
    const dialog = openDialog({
      title: texts.chair.settings, content: form, testid: 'floor-dialog',
      buttons: [
        button(texts.chair.cancel, { class: 'button', on: { click: () => dialog.close() } }),
        button(texts.chair.apply, { type: 'submit', form: 'floor-form', class: 'button button-primary', testid: 'floor-apply' }),
      ],
    });
  }
}

/**
 * The button of an action on a member: `grant`, `stop`, `pauseClock`, `resumeClock`, `mute`,
 * `askUnmute`, `remove`, `removeHand`.
 */
export function memberActions({ ui, meeting }, action, id) {
  const nameOf = () => meeting.state.members.get(id)?.name ?? id;
  const [testid, kind, act] = {
    grant: ['grant', '', () => ui.order('floor.grant', { member: id, after_turn: meeting.state.floor.last_turn })],
    stop: ['stop', 'button-danger', () => ui.order('floor.stop', { member: id })],
    pauseClock: ['pause-clock', '', () => ui.order('floor.pause_clock', { member: id })],
    resumeClock: ['resume-clock', 'button-primary', () => ui.order('floor.resume_clock', { member: id })],
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
