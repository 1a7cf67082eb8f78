// One visit of one member: connect, say who one is, enter a room, come back after a loss.
//
// It must never know the DOM. What the room's state means is meeting.js's, what is sent desk.js's.

import { Refusal } from './protocol.js';
import { mayEnter } from './meeting.js';

/** Pauses before each attempt to come back, in ms; the last one repeats. */
const RETURN_MS = [0, 300, 1200, 2700, 4800, 7000];

/** A connection that stood for so long, in ms, ends the growth of the pauses. */
const STEADY_MS = 5000;

/** After so long without a word from the server, in ms, the connection is tried: no page sees its pings. */
const QUIET_MS = 20_000;

/** A loss of less than this, in ms, is a blink, through which the check, the waiting and the lobby stay. */
const BLINK_MS = 8000;

/** Close codes after which coming back by itself would be wrong. */
const FINAL_CLOSES = { 4001: 'removed', 4002: 'replaced', 4004: 'link_revoked' };

/** The server said that it stops, or that it takes nobody more. */
const SERVER_STOPS = 1012;
const SERVER_FULL = 1013;

/** Refusals of `hello` and `session.join` that another attempt would not change. */
const FINAL_REFUSALS = [
  'link_invalid', 'link_expired', 'link_not_yet', 'link_revoked', 'link_used_up', 'removed', 'locked',
  'replaced', 'full',
];

/** Refusals that another attempt may not meet. */
const PASSING_REFUSALS = ['draining', 'too_fast', 'internal'];

/**
 * The pause before attempt number `attempt` (from 0) to come back, in ms; `chance` from 0 to 1
 * spreads it, so that fifty clients do not come back in the same instant.
 */
export function returnPause(attempt, chance) {
  return RETURN_MS[Math.min(attempt, RETURN_MS.length - 1)] * (0.75 + chance / 2);
}

/** This tab's number: it stays when the page is loaded anew, and goes with the tab. */
function deviceNumber() {
  const fresh = crypto.getRandomValues(new Uint32Array(1))[0];
  try {
    const kept = sessionStorage.getItem('device');
    if (kept !== null) return Number(kept);
    sessionStorage.setItem('device', String(fresh));
  } catch {
    // A browser that lets pages keep nothing.
  }
  return fresh;
}

export class Visit {
  #protocol;
  #meeting;
  #media;
  #token;
  /** Tells this page from others of the same member, so that it never pushes out a newer one. */
  #device = deviceNumber();
  #chosen;
  #wantsRoom = false;
  /** Counts the attempts since the last steady connection, and all; a newer one makes an older void. */
  #attempt = 0;
  #round = 0;
  #timer = null;
  /** Since when signalling stands, by the page's clock; null: it does not. */
  #stoodAt = null;
  /** Since when it has been away, by the same clock; null: it is not, or never was there. */
  #lostAt = null;
  #videoSlots;
  /** The link is opened to check alone, days before, say: no room is entered. */
  checkOnly;
  #goodbye = null;
  #clockOffset = 0;
  #listeners = new Set();
  /** A join is on its way that leads to another session than the room shown. */
  #changesRoom = false;
  #joining = false;
  /** Where the chair has moved the meeting, while a join is on its way; null: nowhere else. */
  #movedTo = null;

  /** `connecting`, `check`, `entering`, `waiting`, `lobby`, `room`, `left` or `ended`. */
  phase = 'connecting';
  /** In the lobby: what was said by who did not let this member in; null: it waits. */
  lobbyRefusal = null;
  /** Signalling is lost and is being made anew; what is shown is what was last known. */
  returning = false;
  /** The server has said that it stops. */
  serverStopped = false;
  /** The server has said that it is about to stop, and lets nobody in any more. */
  serverDraining = false;
  /** Why the visit has ended: `{code, message, refusal}` (the last two may be missing). */
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
  /** What stands in its field, kept for another check; null: nobody has typed. */
  typedName = null;

  constructor({ protocol, meeting, media, token, wantedSession, videoSlots, checkOnly = false }) {
    this.#protocol = protocol;
    this.#meeting = meeting;
    this.#media = media;
    this.#token = token;
    this.#chosen = wantedSession;
    this.#videoSlots = videoSlots;
    this.checkOnly = checkOnly;
    // Until the answer comes, nothing says which of the two rooms an event is of; the answer knows all.
    protocol.onEvent = (event) => this.#changesRoom || meeting.handleEvent(event);
    meeting.subscribe((state, event) => event?.type === 'session.moved_on' && this.#moveOn(event.to));
    protocol.onSignal = (signal) => this.#handleSignal(signal);
    protocol.onClosed = (code) => this.#handleClosed(code);
    media.onSilence = () => this.probe();
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
    setInterval(() => {
      if (this.#protocol.connected && this.#protocol.quietMs > QUIET_MS) this.probe();
    }, QUIET_MS / 4);
    return this.#establish();
  }

  /** Does not even begin, for a reason that the page found by itself. */
  refuse(code) {
    this.#showEnding(code);
  }

  /** Tries again at once, for a person who does not want to wait. */
  retryNow() {
    return this.#establish();
  }

  /** Whether the server is still there, as soon as something makes that doubtful. */
  probe() {
    if (this.#protocol.connected) this.#protocol.ping();
    else if (this.returning && this.#timer !== null) this.retryNow();
  }

  /** The network is there again, so that an attempt begun without it is not waited for. */
  networkIsBack() {
    if (this.returning && !this.#protocol.connected) this.retryNow();
    else this.probe();
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

  /** Asks again to be let in, after the chair did not. */
  askAgain() {
    this.lobbyRefusal = null;
    this.#wantsRoom = true;
    this.#tell();
    return this.#join();
  }

  /** Back from the lobby to the device check. */
  async leaveLobby() {
    this.#wantsRoom = false;
    this.lobbyRefusal = null;
    this.#setPhase('check');
    await this.#protocol.request('session.leave').catch(() => {});
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
    this.#wantsRoom = false;
    this.#stopTimer();
    this.#leaveRoom();
    this.#setPhase('left');
    await this.#protocol.request('session.leave').catch(() => {});
    this.#protocol.close();
  }

  async #establish() {
    this.#stopTimer();
    if (this.phase === 'left') return;
    this.#round += 1;
    const round = this.#round;
    try {
      const asked = Date.now();
      await this.#protocol.connect();
      const hello = await this.#protocol.request('hello', {
        token: this.#token, device: this.#device, ...(this.checkOnly ? { check: true } : {}),
      });
      if (round !== this.#round) return;
      this.#clockOffset = hello.now - (asked + Date.now()) / 2;
      this.#welcome(hello);
      if (this.#wantsRoom) await this.#join();
      else this.#settle(this.lobbyRefusal === null ? 'check' : 'lobby');
    } catch (error) {
      if (round === this.#round) this.#establishFailed(error);
    }
  }

  #welcome(hello) {
    this.#stoodAt = performance.now();
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
    const blinks = this.member !== null && performance.now() - this.#lostAt < BLINK_MS;
    if (this.#attempt >= 2 && !blinks && !['room', 'ended'].includes(this.phase)) this.#showEnding('unreachable');
    this.#comeBack();
  }

  async #join() {
    const { session } = this;
    if (!session) return;
    const rev = this.#meeting.revOf(session.id);
    const returned = this.phase === 'room' && rev !== null;
    if (!['room', 'lobby'].includes(this.phase)) this.#setPhase('entering');
    this.#changesRoom = this.phase === 'room' && !returned;
    this.#movedTo = null;
    this.#joining = true;
    try {
      const { resumed, snapshot, lobby } = await this.#protocol.request('session.join', {
        session: session.id, name: this.name, device: this.#device, ...(rev === null ? {} : { rev }),
      });
      if (!this.#wantsRoom) return;
      this.#chosen = session.id;
      if (lobby) {
        this.#leaveRoom();
        this.lobbyRefusal = null;
        this.#settle('lobby');
      } else if (resumed) {
        // Events that were missed have come before the answer.
        this.#meeting.confirm(resumed.rev);
        this.#arrive(returned);
      } else {
        this.#meeting.reset(snapshot);
        this.#arrive(returned);
      }
    } catch (error) {
      this.#joinFailed(error);
    } finally {
      this.#joining = false;
      this.#changesRoom = false;
      this.#goOn();
    }
  }

  /** Is in the room; the media that play go on until those of this room do. */
  #arrive(returned) {
    this.speaking = [];
    this.lobbyRefusal = null;
    const options = { iceServers: this.iceServers, videoSlots: this.#videoSlots };
    if (returned && !this.serverStopped) this.#media.resume(options);
    else this.#media.start(options);
    this.#settle('room');
  }

  /** The chair moves everybody to another session. */
  #moveOn(to) {
    if (!this.sessions.some(({ id }) => id === to)) return;
    this.#movedTo = to;
    if (!this.#joining) this.#goOn();
  }

  #goOn() {
    if (this.#movedTo === null || this.phase !== 'room') return;
    this.#chosen = this.#movedTo;
    this.#movedTo = null;
    if (this.#meeting.revOf(this.#chosen) === null) this.#join();
  }

  #joinFailed(error) {
    if (!(error instanceof Refusal)) return; // The connection ended: `#handleClosed` comes back.
    if (error.code === 'not_open') {
      // A refused join leaves one where one was.
      if (this.#changesRoom) this.#protocol.request('session.leave').catch(() => {});
      this.#leaveRoom();
      this.#settle('waiting');
    } else if (FINAL_REFUSALS.includes(error.code)) {
      this.#end(error.code, error.message);
    } else if (PASSING_REFUSALS.includes(error.code)) {
      this.#comeBack();
    } else {
      this.#end('refused', error.message, error);
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
      case 'lobby.admitted':
        if (this.phase !== 'lobby') return;
        this.#meeting.reset(signal.snapshot);
        this.#arrive(false);
        return;
      case 'lobby.refused':
        this.lobbyRefusal = signal.message;
        this.#wantsRoom = false;
        break;
      case 'lobby.sent_back':
        this.#leaveRoom();
        this.lobbyRefusal = null;
        this.#setPhase('lobby');
        return;
      case 'server.draining':
        this.serverDraining = true;
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
    this.#round += 1;
    const message = this.#goodbye?.message;
    this.#goodbye = null;
    if (FINAL_CLOSES[code]) {
      this.#end(FINAL_CLOSES[code], message);
      return;
    }
    const inRoom = this.phase === 'room';
    // Known before an ending is told: the devices of who comes back stay open.
    this.returning = true;
    if (code === SERVER_STOPS) {
      this.serverStopped = true;
      if (!inRoom) this.#showEnding('server_stopped', message);
    } else if (code === SERVER_FULL && !inRoom) {
      this.#showEnding('full', message);
    }
    // One that ended at once is the old trouble, not a new one.
    if (this.#stoodAt !== null && performance.now() - this.#stoodAt > STEADY_MS) this.#attempt = 0;
    this.#stoodAt = null;
    this.#comeBack();
  }

  #comeBack() {
    this.returning = true;
    this.#lostAt ??= performance.now();
    this.#stopTimer();
    this.#timer = setTimeout(() => this.#establish(), returnPause(this.#attempt, Math.random()));
    this.#attempt += 1;
    this.#tell();
  }

  #stopTimer() {
    clearTimeout(this.#timer);
    this.#timer = null;
  }

  #end(code, message, refusal) {
    this.#stopTimer();
    this.returning = false;
    this.#wantsRoom = false;
    this.#leaveRoom();
    this.#showEnding(code, message, refusal);
    this.#protocol.close();
  }

  #showEnding(code, message, refusal) {
    this.ending = { code, message, refusal };
    this.#setPhase('ended');
  }

  #leaveRoom() {
    this.#media.stop();
    this.#meeting.reset(null);
    this.speaking = [];
  }

  /** Has arrived in a phase, with nothing of an earlier loss left. */
  #settle(phase) {
    this.returning = false;
    this.#lostAt = null;
    this.serverStopped = false;
    this.serverDraining = false;
    this.ending = null;
    this.#setPhase(phase);
  }

  #setPhase(phase) {
    this.phase = phase;
    this.#tell();
  }

  #tell() {
    for (const listener of this.#listeners) listener();
  }
}
