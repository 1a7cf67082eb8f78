// The member's own bar: the own state by colour, word and sign; hand, microphone, camera, leave.

import { button, el, icon, setAttribute, setButtonText, setDisabled, setIcon, setText, show } from './dom.js';
import { timeLeft } from './format.js';
import { heardWithoutTurn, mayShare, pauseReason, raisesHand, spentMs, standing, whyNoHand } from './meeting.js';
import { refusalText, texts } from './texts.js';
import { openDevices } from './ui-devices.js';
import { openHandMenu } from './ui-hand.js';
import { expectedWaitMs } from './wait.js';

/** The sign of each state, by the name of its drawing; any other is that of one who is not heard. */
const SIGNS = {
  speaking: 'microphone', offered: 'microphone', waiting: 'hand', lost: 'warning', listening: 'sound',
};

export class Bar {
  #parts;
  #busy = false;

  constructor(parts) {
    const { ui, desk, visit } = parts;
    this.#parts = parts;
    this.word = el('span', { class: 'own-word' });
    this.detail = el('span', { class: 'own-detail' });
    this.time = el('span', { class: 'own-time', 'aria-hidden': 'true' });
    this.sign = el('span', { class: 'own-sign', 'aria-hidden': 'true', 'data-icon': 'sound' }, icon('sound'));
    this.state = el('section', { class: 'own-state', testid: 'own-state', 'aria-label': () => texts.own.label }, this.sign,
      el('p', { class: 'own-words' }, this.word, this.detail), this.time);
    // The second press of a double one must not lower the hand that the first has raised.
    const once = (act) => ({ click: ({ detail }) => detail > 1 || act() });
    const order = (type) => once(() => this.#order(type));
    this.raise = button(() => texts.bar.raise, { class: 'control control-main', iconName: 'hand', testid: 'raise-hand', on: order('floor.request') });
    this.lower = button(() => texts.bar.lower, { class: 'control control-main', iconName: 'hand', testid: 'lower-hand', on: once(() => this.#lower()) });
    this.finish = button(() => texts.bar.finish, { class: 'control control-main', iconName: 'finish', testid: 'finish-speaking', on: order('floor.yield') });
    this.handMenu = button(() => texts.bar.handMenu, {
      class: 'control control-hand', iconName: 'reply', testid: 'hand-menu', 'aria-haspopup': 'dialog',
      on: { click: () => openHandMenu(parts, (type, fields) => this.#order(type, fields)) },
    });
    this.microphone = button('', { class: 'control', iconName: 'microphone', testid: 'mic-toggle', on: { click: () => this.#toggleMicrophone() } });
    this.camera = button('', { class: 'control', iconName: 'camera', testid: 'camera-toggle', on: { click: () => this.#toggleCamera() } });
    this.screen = button('', { class: 'control', iconName: 'screen', testid: 'screen-toggle', on: { click: () => this.#toggleScreen() } });
    this.devices = button(() => texts.bar.devices, {
      class: 'control', iconName: 'settings', testid: 'devices-button', on: { click: () => openDevices(parts) },
    });
    this.leave = button(() => texts.bar.leave, {
      class: 'control control-leave', iconName: 'leave', testid: 'leave-button',
      on: {
        click: async () => {
          const sure = await ui.confirm({
            title: () => texts.leave.title, text: () => texts.leave.text, accept: () => texts.leave.leave, cancel: () => texts.leave.stay,
          });
          if (sure) visit.leave();
        },
      },
    });
    this.root = el('footer', { class: 'bar' }, this.state,
      el('div', { class: 'controls', role: 'group', 'aria-label': () => texts.bar.label },
        this.raise, this.lower, this.finish, raisesHand(visit.member.role) ? this.handMenu : null,
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
    const held = own.mute === 'muted' && visit.member.role !== 'chair';
    setDisabled(this.microphone, held);
    this.microphone.classList.toggle('control-urgent',
      !held && Boolean(own.turn) && (!microphoneOpen || own.mute === 'asked'));
    setIcon(this.camera, devices.camera ? 'camera' : 'cameraOff');
    setButtonText(this.camera, devices.camera ? texts.bar.stopCamera : texts.bar.startCamera);
    setAttribute(this.camera, 'data-on', devices.camera ? 'yes' : 'no');
    setButtonText(this.screen, devices.screen ? texts.bar.stopScreen : texts.bar.shareScreen);
    setAttribute(this.screen, 'data-on', devices.screen ? 'yes' : null);
    const { stopped = [] } = state.members.get(visit.member.id) ?? {};
    if (stopped.includes('camera')) setButtonText(this.camera, texts.bar.stoppedByChair);
    else if (desk.soundOnly) setButtonText(this.camera, texts.bar.soundOnly);
    setDisabled(this.camera, stopped.includes('camera') || desk.soundOnly);
    if (!devices.screen && !mayShare(state, visit.member.id)) setButtonText(this.screen, texts.bar.noScreen);
    setDisabled(this.screen, !devices.screen && (desk.soundOnly || !mayShare(state, visit.member.id)));
    this.drawClock();
  }

  drawClock() {
    const { visit, meeting } = this.#parts;
    const { turn, place, placed } = standing(meeting.state, visit.member.id);
    show(this.time, Boolean(turn));
    if (!turn) {
      if (place && this.state.dataset.state === 'waiting') setText(this.detail, this.#waitingWords(place, placed)[1]);
      return;
    }
    const left = timeLeft(turn.limit_ms - spentMs(turn, visit.now()), meeting.state.profile.warning_ms);
    setText(this.time, left.text);
    setAttribute(this.time, 'data-time', left.state);
  }

  #drawState({ kind, next = false, words: [word, detail] }) {
    setAttribute(this.state, 'data-state', kind);
    setAttribute(this.state, 'data-next', next ? 'yes' : null);
    setIcon(this.sign, SIGNS[kind] ?? (this.#parts.desk.sends ? 'microphoneOff' : 'sound'));
    setText(this.word, word);
    setText(this.detail, detail);
  }

  /** The lamp's colour (`kind`) and the words beside it. */
  #ownState(state, { turn, place, placed, mute }) {
    const { visit, desk, devices, media } = this.#parts;
    const { role } = visit.member;
    const { own } = texts;
    const heard = turn !== null || heardWithoutTurn(role, state);
    if (!desk.sends) return { kind: 'listening', words: own.listening };
    if (mute === 'asked') return { kind: 'asked', words: own.asked };
    if (mute === 'muted') return { kind: 'muted', words: own.mutedByChair };
    const open = desk.microphoneOn && devices.microphone !== null;
    // Signalling alone may be gone without anybody hearing it.
    if (heard && media.status === 'connecting' && !visit.returning) return { kind: 'idle', words: own.connecting };
    if (heard && media.status !== 'connected') return { kind: 'lost', words: own.lost };
    if (turn) {
      const paused = pauseReason(state, turn);
      if (paused) return { kind: 'muted', words: own.pausedBy[paused] };
      const silent = !devices.microphone ? own.noMicrophone
        : turn.phase === 'offered' ? own.openMicrophone : own.selfMuted;
      if (turn.phase === 'offered') return { kind: 'offered', words: open ? own.offered : silent };
      if (!open) return { kind: 'muted', words: silent };
      return { kind: 'speaking', words: turn.started ? own.speaking : own.speakingWaits };
    }
    if (heard) {
      return open ? { kind: 'speaking', words: own.open } : { kind: 'idle', words: own.closed };
    }
    if (place) return { kind: 'waiting', next: place === 1, words: this.#waitingWords(place, placed) };
    return { kind: 'idle', words: this.#idleWords(state, role) };
  }

  /** The place, why it is that, and how long it may take. */
  #waitingWords(place, { why }) {
    const { visit, meeting } = this.#parts;
    const { own } = texts;
    const [word, detail] = own.waiting(place, own.why[why] ?? '');
    const ms = expectedWaitMs(meeting.state, visit.member.id, visit.now());
    const wait = ms ? own.wait(Math.ceil(ms / 60_000)) : '';
    if (place > 1) return [word, [detail, wait].filter(Boolean).join(' ')];
    return [own.next, [own.why[why] ? detail : own.beReady, wait].filter(Boolean).join(' ')];
  }

  #idleWords(state, role) {
    const { own } = texts;
    const { visit } = this.#parts;
    switch (state.session.state) {
      case 'live':
        if (!raisesHand(role)) return state.floor.priority && role === 'podium' ? own.guestPaused : own.closed;
        return own.noHand[whyNoHand(state, visit.member.id)] ?? own.idle;
      case 'paused':
        return own.idlePaused;
      case 'closed':
        return own.idleClosed;
      default:
        return own.idleNotOpen;
    }
  }

  #drawHand(state, { turn, hand, point }) {
    const { visit } = this.#parts;
    const may = raisesHand(visit.member.role);
    const open = ['live', 'paused'].includes(state.session.state);
    const raised = hand !== null || point !== null;
    const hands = [this.raise, this.lower, this.finish];
    const focused = hands.includes(document.activeElement);
    show(this.raise, may && !turn && !raised);
    show(this.lower, may && !turn && raised);
    show(this.finish, turn !== null);
    setButtonText(this.lower, point ? texts.bar.lowerPoint : texts.bar.lower);
    setDisabled(this.raise, !open || whyNoHand(state, visit.member.id) !== null);
    setDisabled(this.handMenu, !open || turn !== null);
    // Whoever raised the hand by the keyboard lowers it by the same key.
    const now = hands.find((control) => !control.hidden);
    if (focused && now && document.activeElement !== now) now.focus();
  }

  #lower() {
    const { point } = standing(this.#parts.meeting.state, this.#parts.visit.member.id);
    return this.#order('floor.withdraw', point ? { point: true } : {});
  }

  async #order(type, fields) {
    // The button stays what it is meanwhile: one that is disabled would lose the focus.
    if (this.#busy) return;
    this.#busy = true;
    await this.#parts.ui.order(type, fields);
    this.#busy = false;
    if (this.#parts.meeting.state) this.draw();
  }

  async #toggleMicrophone() {
    const { desk, devices, meeting, visit, ui } = this.#parts;
    const open = desk.microphoneOn && devices.microphone !== null
      && standing(meeting.state, visit.member.id).mute === 'none';
    if (open) await desk.setMicrophone(false);
    else await desk.openMicrophone().catch((error) => ui.notice(refusalText(error), 'problem'));
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
