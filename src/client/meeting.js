// The room's state in this client: a fold over a snapshot and the events after it.
//
// It must never know the DOM, the socket or the media. Nothing here asks for the time: whoever
// draws a clock passes the server's time in.

/** What changes nothing but the session's state. */
const SESSION_STATES = {
  'session.prepared': 'prepared',
  'session.opened': 'live',
  'session.paused': 'paused',
  'session.resumed': 'live',
  'session.closed': 'closed',
  'session.reopened': 'live',
};

/** The state that a snapshot describes. States are never changed in place. */
export function fromSnapshot(snapshot) {
  return {
    rev: snapshot.rev,
    session: snapshot.session,
    floor: snapshot.floor,
    members: new Map(snapshot.members.map((member) => [member.id, member])),
    queue: snapshot.queue,
    turns: snapshot.turns.map((turn) => ({
      ...turn,
      clockAt: snapshot.at,
      // A clock that has ever run has started, but for a lost speaker's, which starts anew; whether
      // it started before it was held at 0 ms is not told, and does not matter.
      started: turn.running || (turn.spent_ms > 0 && !isLost(snapshot.members, turn.member)),
    })),
  };
}

const isLost = (members, id) => members.some((member) => member.id === id && member.lost);

/** The state after `event`. An unknown type moves the revision alone. */
export function fold(state, event) {
  const next = { ...state, rev: event.rev };
  const { member, turn, at } = event;
  const withoutHand = () => state.queue.filter((hand) => hand.member !== member);
  const atTheHead = () => [{ member, since: at }, ...withoutHand()];
  const withoutTurn = () => state.turns.filter((held) => held.turn !== turn);
  const changeTurn = (change) =>
    state.turns.map((held) => (held.turn === turn ? { ...held, ...change(held) } : held));

  switch (event.type) {
    case 'session.prepared':
    case 'session.opened':
    case 'session.paused':
    case 'session.resumed':
    case 'session.closed':
    case 'session.reopened': {
      next.session = { ...state.session, state: SESSION_STATES[event.type] };
      if (event.type === 'session.opened') next.session.opened_at = at;
      return settleClocks(next, at);
    }
    case 'member.joined': {
      const known = state.members.get(member);
      next.members = new Map(state.members).set(member, {
        id: member,
        name: event.name,
        role: event.role,
        delegation: event.delegation,
        mute: known?.mute ?? 'none',
      });
      return next;
    }
    case 'member.left':
      next.members = new Map(state.members);
      next.members.delete(member);
      next.queue = withoutHand();
      next.turns = state.turns.filter((held) => held.member !== member);
      return next;
    case 'member.lost':
      next.turns = state.turns.map((held) => (
        held.member === member ? { ...held, started: false } : held));
      return settleClocks(changeMember(next, member, { lost: true }), at);
    case 'member.back':
      return changeMember(next, member, { lost: false });
    case 'member.muted':
      return settleClocks(changeMember(next, member, { mute: 'muted' }), at);
    case 'member.unmute_asked':
      return settleClocks(changeMember(next, member, { mute: 'asked' }), at);
    case 'member.unmuted':
      return settleClocks(changeMember(next, member, { mute: 'none' }), at);
    case 'floor.requested':
      next.queue = [...withoutHand(), { member, since: at }];
      return next;
    case 'floor.withdrawn':
      next.queue = withoutHand();
      return next;
    case 'floor.granted':
      next.queue = withoutHand();
      next.floor = { ...state.floor, last_turn: turn };
      next.turns = [...withoutTurn(), {
        turn, member, phase: 'offered', granted_at: at, limit_ms: event.limit_ms,
        spent_ms: 0, clockAt: at, running: false, started: false, warned: false, overtime: false,
      }];
      return next;
    case 'floor.confirmed':
      next.turns = changeTurn(() => ({ phase: 'speaking' }));
      return next;
    case 'floor.started':
      next.turns = changeTurn(() => ({ phase: 'speaking', started: true }));
      return settleClocks(next, at);
    case 'floor.missed':
      next.turns = withoutTurn();
      next.queue = event.requeued ? atTheHead() : withoutHand();
      return next;
    case 'floor.warned':
      next.turns = changeTurn(() => ({ warned: true }));
      return next;
    case 'floor.overtime':
      next.turns = changeTurn(() => ({ warned: true, overtime: true }));
      return next;
    case 'floor.clock_paused':
      next.turns = changeTurn(() => ({ held: true, heldBy: event.by }));
      return settleClocks(next, at);
    case 'floor.clock_resumed':
      next.turns = changeTurn(() => ({ held: false }));
      return settleClocks(next, at);
    case 'floor.ended':
      next.turns = withoutTurn();
      if (event.requeued) next.queue = atTheHead();
      return next;
    case 'floor.configured':
      next.floor = { ...state.floor, mode: event.mode, microphones: event.microphones };
      return next;
    default:
      return next;
  }
}

function changeMember(state, id, change) {
  const member = state.members.get(id);
  if (!member) return state;
  return { ...state, members: new Map(state.members).set(id, { ...member, ...change }) };
}

/** Brings each turn's clock to `at`, and says whether it runs on from there. */
function settleClocks(state, at) {
  const turns = state.turns.map((turn) => ({
    ...turn,
    spent_ms: spentMs(turn, at),
    clockAt: at,
    running: turn.started && !turn.held && state.session.state === 'live'
      && state.members.get(turn.member)?.mute === 'none',
  }));
  return { ...state, turns };
}

/** How much of a turn is used up at `now` (the server's time). */
export function spentMs(turn, now) {
  return turn.spent_ms + (turn.running ? Math.max(0, now - turn.clockAt) : 0);
}

/** Whether the table of spec section 3 lets this role be heard without a turn. */
export function heardWithoutTurn(role, sessionState) {
  switch (role) {
    case 'chair':
      return ['prepared', 'live', 'paused'].includes(sessionState);
    case 'podium':
      return ['prepared', 'live'].includes(sessionState);
    default:
      return false;
  }
}

/** Whether a role may enter a session in this state. */
export function mayEnter(role, sessionState) {
  switch (sessionState) {
    case 'live':
    case 'paused':
      return true;
    case 'prepared':
      return ['chair', 'organiser', 'podium', 'interpreter'].includes(role);
    default:
      return ['chair', 'organiser'].includes(role);
  }
}

/** Whether a role has a camera and a microphone in the room at all. */
export const sendsMedia = (role) => ['chair', 'podium', 'delegate'].includes(role);

/** Whether a role asks for the floor by raising a hand. */
export const raisesHand = (role) => role === 'delegate';

/** Whose hand the chair's “next” takes: the first of those who are there. */
export const nextInLine = (state) =>
  state.queue.find((hand) => !state.members.get(hand.member)?.lost)?.member ?? null;

/** A member's turn, hand and place (1 is next), as far as there are any. */
export function standing(state, id) {
  const place = state.queue.findIndex((hand) => hand.member === id) + 1;
  return {
    turn: state.turns.find((turn) => turn.member === id) ?? null,
    place: place === 0 ? null : place,
    mute: state.members.get(id)?.mute ?? 'none',
  };
}

/** Whether the server would forward this member's microphone now. */
export function isHeard(state, id) {
  const member = state.members.get(id);
  if (!member || member.mute !== 'none') return false;
  return heardWithoutTurn(member.role, state.session.state)
    || (state.session.state === 'live' && state.turns.some((turn) => turn.member === id));
}

export class Meeting {
  #askSnapshot;
  #asking = false;
  #listeners = new Set();

  /** The state, or null while this client is in no room. */
  state = null;

  /** `askSnapshot()` asks the server for the state and resolves with the snapshot. */
  constructor(askSnapshot) {
    this.#askSnapshot = askSnapshot;
  }

  /** Calls `listener(state, event)` after each change; `event` is null for a snapshot. */
  subscribe(listener) {
    this.#listeners.add(listener);
  }

  /** The last revision that this client has of a session, or null. */
  revOf(sessionId) {
    return this.state?.session.id === sessionId ? this.state.rev : null;
  }

  /** The server says that everything up to `rev` has been told; asks for what is not there. */
  confirm(rev) {
    if (this.state.rev !== rev) this.#resync();
  }

  /** Takes a snapshot as the whole truth; null leaves the room. */
  reset(snapshot) {
    this.state = snapshot && fromSnapshot(snapshot);
    this.#tell(null);
  }

  /** Applies an event, or asks for a snapshot where one before it is missing. */
  handleEvent(event) {
    // Before the snapshot, or already in it: a join's own event comes before the join's answer.
    if (!this.state || event.rev <= this.state.rev) return;
    if (event.prev > this.state.rev) {
      this.#resync();
      return;
    }
    this.state = fold(this.state, event);
    this.#tell(event);
  }

  async #resync() {
    if (this.#asking) return;
    this.#asking = true;
    try {
      const snapshot = await this.#askSnapshot();
      if (this.state && snapshot.rev >= this.state.rev) this.reset(snapshot);
    } catch {
      // The connection ended, or this client left the room: the next join brings a snapshot.
    } finally {
      this.#asking = false;
    }
  }

  #tell(event) {
    for (const listener of this.#listeners) listener(this.state, event);
  }
}
