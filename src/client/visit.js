// One visit of one member: connect, say who one is, enter a room, come back after a loss.
//
// It must never know the DOM. What the room's state means is meeting.js's, what is sent desk.js's.

import { Refusal } from './protocol.js';
import { mayEnter } from './meeting.js';

/** Pauses before each attempt to come back, in ms; the last one repeats. */
const RETURN_MS = [0, 300, 1200, 2700, 4800, 7000];

/** Close codes after which coming back by itself would be wrong. */
const FINAL_CLOSES = { 4001: 'removed', 4002: 'replaced', 4004: 'link_revoked' };

/** The server said that it stops. */
const SERVER_STOPS = 1012;

/** Refusals of `hello` and `session.join` that another attempt would not change. */
const FINAL_REFUSALS = [
  'link_invalid', 'link_expired', 'link_not_yet', 'link_revoked', 'removed', 'full',
];

/** Refusals that another attempt may not meet. */
const PASSING_REFUSALS = ['too_fast', 'internal'];

export class Visit {
  #protocol;
  #meeting;
  #media;
  #token;
  #chosen;
  #wantsRoom = false;
  #attempt = 0;
  #timer = null;
  #videoSlots;
  #goodbye = null;
  #clockOffset = 0;
  #listeners = new Set();

  /** `connecting`, `check`, `entering`, `waiting`, `room`, `left` or `ended`. */
  phase = 'connecting';
  /** Signalling is lost and is being made anew. */
  returning = false;
  /** Why the visit has ended: `{code, message}` (the message may be missing). */
  ending = null;
  /** From `hello`: this client's member and the event. */
  member = null;
  event = null;
  /** The sessions of the event, kept up by signals, and the one to join unless one is chosen. */
  sessions = [];
  current = null;
  iceServers = [];
  /** The members that are audibly speaking now, loudest first. */
  speaking = [];
  /** The name that others see. */
  name = '';

  constructor({ protocol, meeting, media, token, wantedSession, videoSlots }) {
    this.#protocol = protocol;
    this.#meeting = meeting;
    this.#media = media;
    this.#token = token;
    this.#chosen = wantedSession;
    this.#videoSlots = videoSlots;
    protocol.onEvent = (event) => meeting.handleEvent(event);
    protocol.onSignal = (signal) => this.#handleSignal(signal);
    protocol.onClosed = (code) => this.#handleClosed(code);
  }

  /** Calls `listener()` after each change. */
  subscribe(listener) {
    this.#listeners.add(listener);
  }

  /** The server's time now, in ms since 1970. */
  now() {
    return Date.now() + this.#clockOffset;
  }

  /** The session that this client is in or would join. */
  get session() {
    const id = this.#chosen ?? this.current;
    return this.sessions.find((session) => session.id === id)
      ?? this.sessions.find((session) => session.id === this.current) ?? null;
  }

  /** The address named a session that the event does not have. */
  get sessionUnknown() {
    return this.#chosen !== null && !this.sessions.some(({ id }) => id === this.#chosen);
  }

  get delegation() {
    return this.delegationName(this.member?.delegation);
  }

  delegationName(id) {
    return this.event?.delegations.find((each) => each.id === id)?.name ?? id ?? '';
  }

  start() {
    return this.#establish();
  }

  /** Does not even begin, for a reason that the page found by itself. */
  refuse(code) {
    this.#showEnding(code);
  }

  /** Tries again at once, for a person who does not want to wait. */
  retryNow() {
    clearTimeout(this.#timer);
    return this.#establish();
  }

  /** Enters the chosen session, now or as soon as it is open. */
  enter(name) {
    this.name = name;
    this.#wantsRoom = true;
    return this.#join();
  }

  /** Back from waiting to the device check. */
  stopWaiting() {
    this.#wantsRoom = false;
    this.#setPhase('check');
  }

  /** Takes another session; from a room, that room is left for the device check. */
  async choose(sessionId) {
    this.#chosen = sessionId;
    if (this.phase === 'room') {
      this.#wantsRoom = false;
      this.#leaveRoom();
      this.#setPhase('check');
      await this.#protocol.request('session.leave').catch(() => {});
    } else if (this.phase === 'waiting') {
      await this.#join();
    }
    this.#tell();
  }

  /** Leaves for good. */
  async leave() {
    clearTimeout(this.#timer);
    this.#leaveRoom();
    this.#setPhase('left');
    await this.#protocol.request('session.leave').catch(() => {});
    this.#protocol.close();
  }

  async #establish() {
    clearTimeout(this.#timer);
    if (this.phase === 'left') return;
    try {
      const asked = Date.now();
      await this.#protocol.connect();
      const hello = await this.#protocol.request('hello', { token: this.#token });
      this.#clockOffset = hello.now - (asked + Date.now()) / 2;
      this.#welcome(hello);
      this.#attempt = 0;
      this.returning = false;
      this.ending = null;
      if (this.#wantsRoom) await this.#join();
      else this.#setPhase('check');
    } catch (error) {
      this.#establishFailed(error);
    }
  }

  #welcome(hello) {
    this.member = hello.member;
    this.event = hello.event;
    this.sessions = hello.sessions;
    this.current = hello.current;
    this.iceServers = hello.media.ice_servers;
    if (!this.name) this.name = hello.member.name;
  }

  #establishFailed(error) {
    if (error instanceof Refusal && FINAL_REFUSALS.includes(error.code)) {
      this.#end(error.code, error.message);
      return;
    }
    if (this.#attempt >= 2 && !['room', 'ended'].includes(this.phase)) this.#showEnding('unreachable');
    this.#comeBack();
  }

  async #join() {
    const { session } = this;
    if (!session) return;
    const returned = this.phase === 'room';
    if (!returned) this.#setPhase('entering');
    try {
      const { snapshot } = await this.#protocol.request('session.join', {
        session: session.id, name: this.name,
      });
      if (!this.#wantsRoom) return;
      this.#chosen = session.id;
      this.speaking = [];
      this.#meeting.reset(snapshot);
      this.#setPhase('room');
      const options = { iceServers: this.iceServers, videoSlots: this.#videoSlots };
      if (returned) this.#media.resume(options);
      else this.#media.start(options);
    } catch (error) {
      this.#joinFailed(error);
    }
  }

  #joinFailed(error) {
    if (!(error instanceof Refusal)) return; // The connection ended: `#handleClosed` comes back.
    if (error.code === 'not_open') {
      this.#leaveRoom();
      this.#setPhase('waiting');
    } else if (FINAL_REFUSALS.includes(error.code)) {
      this.#end(error.code, error.message);
    } else if (PASSING_REFUSALS.includes(error.code)) {
      this.#comeBack();
    } else {
      this.#end('refused', error.message);
    }
  }

  #handleSignal(signal) {
    switch (signal.signal) {
      case 'sessions':
        this.sessions = signal.sessions;
        this.current = signal.current;
        if (this.phase === 'waiting' && mayEnter(this.member.role, this.session?.state)) {
          this.#join();
        }
        break;
      case 'speaking':
        this.speaking = signal.members;
        break;
      case 'goodbye':
        this.#goodbye = signal;
        return;
      default:
        this.#media.handleSignal(signal);
        return;
    }
    this.#tell();
  }

  #handleClosed(code) {
    if (this.phase === 'left' || (this.phase === 'ended' && !this.returning)) return;
    const message = this.#goodbye?.message;
    this.#goodbye = null;
    if (FINAL_CLOSES[code]) {
      this.#end(FINAL_CLOSES[code], message);
      return;
    }
    if (code === SERVER_STOPS) {
      this.#leaveRoom();
      this.#showEnding('server_stopped', message);
    }
    this.#attempt = 0;
    this.#comeBack();
  }

  #comeBack() {
    this.returning = true;
    const pause = RETURN_MS[Math.min(this.#attempt, RETURN_MS.length - 1)];
    this.#attempt += 1;
    clearTimeout(this.#timer);
    // Jitter, so that fifty clients do not come back in the same instant.
    this.#timer = setTimeout(() => this.#establish(), pause * (0.75 + Math.random() / 2));
    this.#tell();
  }

  #end(code, message) {
    this.returning = false;
    this.#wantsRoom = false;
    this.#leaveRoom();
    this.#showEnding(code, message);
    this.#protocol.close();
  }

  #showEnding(code, message) {
    this.ending = { code, message };
    this.#setPhase('ended');
  }

  #leaveRoom() {
    this.#media.stop();
    this.#meeting.reset(null);
    this.speaking = [];
  }

  #setPhase(phase) {
    this.phase = phase;
    this.#tell();
  }

  #tell() {
    for (const listener of this.#listeners) listener();
  }
}
