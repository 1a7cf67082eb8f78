// The member's own bar: the own state by colour and word, hand, microphone, camera, leave.

import { button, el, setAttribute, setButtonText, setIcon, setText, show } from './dom.js';
import { clock } from './format.js';
import { heardWithoutTurn, raisesHand, spentMs, standing } from './meeting.js';
import { texts } from './texts.js';
import { openDevices } from './ui-devices.js';

export class Bar {
  #parts;
  #busy = false;

  constructor(parts) {
    const { ui, desk, visit } = parts;
    this.#parts = parts;
    this.word = el('span', { class: 'own-word' });
    this.detail = el('span', { class: 'own-detail' });
    this.time = el('span', { class: 'own-time', 'aria-hidden': 'true' });
    this.state = el('section', { class: 'own-state', testid: 'own-state', 'aria-label': texts.own.label },
      el('span', { class: 'lamp', 'aria-hidden': 'true' }),
      el('p', { class: 'own-words' }, this.word, this.detail), this.time);
    const order = (type) => ({ click: () => this.#order(type) });
    this.raise = button(texts.bar.raise, { class: 'control control-main', iconName: 'hand', testid: 'raise-hand', on: order('floor.request') });
    this.lower = button(texts.bar.lower, { class: 'control control-main', iconName: 'hand', testid: 'lower-hand', on: order('floor.withdraw') });
    this.finish = button(texts.bar.finish, { class: 'control control-main', iconName: 'finish', testid: 'finish-speaking', on: order('floor.yield') });
    this.microphone = button('', { class: 'control', iconName: 'microphone', testid: 'mic-toggle', on: { click: () => this.#toggleMicrophone() } });
    this.camera = button('', { class: 'control', iconName: 'camera', testid: 'camera-toggle', on: { click: () => this.#toggleCamera() } });
    this.screen = button('', { class: 'control', iconName: 'screen', testid: 'screen-toggle', on: { click: () => this.#toggleScreen() } });
    this.devices = button(texts.bar.devices, {
      class: 'control', iconName: 'settings', testid: 'devices-button', on: { click: () => openDevices(parts) },
    });
    this.leave = button(texts.bar.leave, {
      class: 'control control-leave', iconName: 'leave', testid: 'leave-button',
      on: {
        click: async () => {
          const sure = await ui.confirm({
            title: texts.leave.title, text: texts.leave.text, accept: texts.leave.leave, cancel: texts.leave.stay,
          });
          if (sure) visit.leave();
        },
      },
    });
    this.root = el('footer', { class: 'bar' }, this.state,
      el('div', { class: 'controls', role: 'group', 'aria-label': texts.bar.label },
        this.raise, this.lower, this.finish,
        desk.sends ? this.microphone : null, desk.sends ? this.camera : null,
        desk.sends && navigator.mediaDevices?.getDisplayMedia ? this.screen : null, this.devices, this.leave));
  }

  draw() {
    const { visit, meeting, desk, devices } = this.#parts;
    const { state } = meeting;
    const own = standing(state, visit.member.id);
    this.#drawState(this.#ownState(state, own));
    this.#drawHand(state, own);
    const microphoneOpen = desk.microphoneOn && devices.microphone !== null;
    const shut = own.mute !== 'none';
    setIcon(this.microphone, microphoneOpen && !shut ? 'microphone' : 'microphoneOff');
    setButtonText(this.microphone, shut || (own.turn && !microphoneOpen) ? texts.bar.openMicrophone
      : microphoneOpen ? texts.bar.mute : texts.bar.unmute);
    setAttribute(this.microphone, 'data-on', microphoneOpen && !shut ? 'yes' : 'no');
    // Only a chair lifts a chair's mute unasked.
    this.microphone.disabled = own.mute === 'muted' && visit.member.role !== 'chair';
    this.microphone.classList.toggle('control-urgent',
      !this.microphone.disabled && Boolean(own.turn) && (!microphoneOpen || own.mute === 'asked'));
    setIcon(this.camera, devices.camera ? 'camera' : 'cameraOff');
    setButtonText(this.camera, devices.camera ? texts.bar.stopCamera : texts.bar.startCamera);
    setAttribute(this.camera, 'data-on', devices.camera ? 'yes' : 'no');
    setButtonText(this.screen, devices.screen ? texts.bar.stopScreen : texts.bar.shareScreen);
    setAttribute(this.screen, 'data-on', devices.screen ? 'yes' : null);
    this.drawClock();
  }

  drawClock() {
    const { visit, meeting } = this.#parts;
    const { turn } = standing(meeting.state, visit.member.id);
    show(this.time, Boolean(turn));
    if (!turn) return;
    const left = turn.limit_ms - spentMs(turn, visit.now());
    setText(this.time, left >= 0 ? clock(left + 999) : `+${clock(-left)}`);
    setAttribute(this.time, 'data-time', left < 0 ? 'over' : left <= meeting.state.floor.warning_ms ? 'warned' : 'good');
  }

  #drawState({ kind, words: [word, detail] }) {
    setAttribute(this.state, 'data-state', kind);
    setText(this.word, word);
    setText(this.detail, detail);
  }

  /** The lamp's colour (`kind`) and the words beside it. */
  #ownState(state, { turn, place, mute }) {
    const { visit, desk, devices, media } = this.#parts;
    const { role } = visit.member;
    const { own } = texts;
    const heard = turn !== null || heardWithoutTurn(role, state.session.state);
    if (!desk.sends) return { kind: 'listening', words: own.listening };
    if (mute === 'asked') return { kind: 'asked', words: own.asked };
    if (mute === 'muted') return { kind: 'muted', words: own.mutedByChair };
    const open = desk.microphoneOn && devices.microphone !== null;
    // Signalling alone may be gone without anybody hearing it.
    if (heard && media.status === 'connecting' && !visit.returning) return { kind: 'idle', words: own.connecting };
    if (heard && media.status !== 'connected') return { kind: 'lost', words: own.lost };
    if (turn) {
      if (state.session.state === 'paused') return { kind: 'muted', words: own.idlePaused };
      const silent = !devices.microphone ? own.noMicrophone
        : turn.phase === 'offered' ? own.openMicrophone : own.selfMuted;
      if (turn.phase === 'offered') return { kind: 'offered', words: open ? own.offered : silent };
      if (!open) return { kind: 'muted', words: silent };
      return { kind: 'speaking', words: turn.started ? own.speaking : own.speakingWaits };
    }
    if (heard) {
      return open ? { kind: 'speaking', words: own.open } : { kind: 'idle', words: own.closed };
    }
    if (place) return { kind: 'waiting', words: own.waiting(place) };
    return { kind: 'idle', words: this.#idleWords(state.session.state, role) };
  }

  #idleWords(sessionState, role) {
    const { own } = texts;
    switch (sessionState) {
      case 'live':
        return raisesHand(role) ? own.idle : own.closed;
      case 'paused':
        return own.idlePaused;
      case 'closed':
        return own.idleClosed;
      default:
        return own.idleNotOpen;
    }
  }

  #drawHand(state, { turn, place }) {
    const { visit } = this.#parts;
    const may = raisesHand(visit.member.role);
    const open = ['live', 'paused'].includes(state.session.state);
    show(this.raise, may && !turn && !place);
    show(this.lower, may && !turn && place !== null);
    show(this.finish, turn !== null);
    this.raise.disabled = this.#busy || !open;
    this.lower.disabled = this.finish.disabled = this.#busy;
  }

  async #order(type) {
    // A double press must not lower the hand that it has just raised.
    this.#busy = true;
    this.draw();
    await this.#parts.ui.order(type);
    this.#busy = false;
    if (this.#parts.meeting.state) this.draw();
  }

  async #toggleMicrophone() {
    const { desk, devices, meeting, visit, ui } = this.#parts;
    const open = desk.microphoneOn && devices.microphone !== null
      && standing(meeting.state, visit.member.id).mute === 'none';
    if (open) await desk.setMicrophone(false);
    else await desk.openMicrophone().catch((error) => ui.notice(error.message, 'problem'));
    if (!open) this.#reportProblem('microphone');
  }

  async #toggleCamera() {
    const { desk, devices } = this.#parts;
    await desk.setCamera(devices.camera === null);
    this.#reportProblem('camera');
  }

  async #toggleScreen() {
    const { devices } = this.#parts;
    if (devices.screen) devices.closeScreen();
    else await devices.openScreen();
  }

  #reportProblem(kind) {
    const { devices, desk, ui } = this.#parts;
    const reason = devices.problems[kind];
    if (!reason || !(kind === 'camera' ? desk.cameraOn : desk.microphoneOn)) return;
    const { title, next } = texts.check.devices[reason];
    ui.notice(`${typeof title === 'function' ? title(texts.check.deviceWords[kind]) : title} ${next}`, 'problem');
  }
}
