// The room's state in this client: a fold over a snapshot and the events after it.
//
// Part of the client library (`signalling/protocol.md`). It must never know the DOM, the socket or the
// media. Nothing here asks for the time: whoever draws a clock passes the server's time in.

/** Messages, notices and notes that are kept of each kind; the oldest go, as on the server. */
const KEPT_MAX = 200;

/** Whose turn pauses whose: the turns of the highest level are heard, the others wait. */
const LEVELS = { speech: 0, response: 1 };
const levelOf = (kind) => LEVELS[kind] ?? 2;

/** Whether a hand or turn is one of the points of order, of which a member may have one more. */
export const isPoint = (kind) => levelOf(kind) === 2;

/** The state that a snapshot describes. States are never changed in place. */
export function fromSnapshot(snapshot) {
  const members = new Map(snapshot.members.map((member) => [member.id, member]));
  return {
    rev: snapshot.rev,
    session: snapshot.session,
    profile: snapshot.profile,
    floor: snapshot.floor,
    members,
    queue: snapshot.queue.map((hand) => ({ kind: 'speech', why: 'received', ...hand })),
    turns: snapshot.turns.map((turn) => ({ kind: 'speech', ...turn, clockAt: snapshot.at })),
    spoken: snapshot.spoken,
    chat: snapshot.chat,
    notices: snapshot.notices,
    notes: snapshot.notes,
    recommendations: snapshot.recommendations,
    // Told to chairs and the organiser alone.
    lobby: snapshot.lobby ?? null,
    banned: snapshot.banned ?? null,
    // Those who have been here and gone, for their names.
    away: new Map((snapshot.away ?? []).map((member) => [member.id, member])),
  };
}

/** The state after `event`. An unknown type moves the revision alone. */
export function fold(state, event) {
  const next = change({ ...state, rev: event.rev }, event);
  if (next.floor.chair_absent && actingChair(next)) next.floor = { ...next.floor, chair_absent: false };
  return settleClocks(next, event.at);
}

function change(next, event) {
  const { member, turn, at } = event;
  const inSession = (changes) => ({ ...next, session: { ...next.session, ...changes } });
  const onFloor = (changes) => ({ ...next, floor: { ...next.floor, ...changes } });
  const inTurn = (changes) => ({ ...next, turns: next.turns.map((held) => (held.turn === turn ? { ...held, ...changes } : held)) });

  switch (event.type) {
    case 'session.prepared':
      return inSession({ state: 'prepared' });
    case 'session.opened': {
      const [first] = next.session.items ?? [];
      const begun = first ? { item: first.id, item_since: at, awaited: null } : {};
      return inSession({ state: 'live', opened_at: next.session.opened_at ?? at, ...begun });
    }
    case 'session.paused':
      return inSession({ state: 'paused' });
    case 'session.resumed':
    case 'session.reopened':
      return inSession({ state: 'live' });
    case 'session.closed':
      return {
        ...inSession({ state: 'closed', awaited: null }),
        floor: { ...next.floor, priority: null, technical_stop: false },
      };
    case 'session.configured': {
      const named = Object.keys(next.profile).filter((key) => event[key] !== undefined);
      return { ...next, profile: { ...next.profile, ...pick(event, named) } };
    }
    case 'agenda.item_started':
      return inSession({ item: event.item, item_since: at, awaited: null });
    case 'session.change_awaited':
      return inSession({ awaited: event.change });
    case 'session.change_dropped':
      return inSession({ awaited: null });
    case 'session.locked':
      return inSession({ locked: true });
    case 'session.unlocked':
      return inSession({ locked: false });
    case 'session.spotlighted':
      return inSession({ spotlight: member });
    case 'session.technical_stop':
      return onFloor({ technical_stop: true });
    case 'session.technical_stop_ended':
      return onFloor({ technical_stop: false });
    case 'session.notice':
      return { ...next, notices: kept(next.notices, noteOf(next, event)) };
    case 'minutes.noted':
      return { ...next, notes: kept(next.notes, noteOf(next, event)) };
    case 'chair.handed_over':
      return inSession({ handed_to: event.to });
    case 'chair.absent':
      return onFloor({ chair_absent: true });

    case 'member.joined':
      return comeIn(next, event);
    case 'member.left':
      return goOut(next, event);
    case 'member.lost':
      // Its clock runs on from the next speech that is heard, not from the return.
      return withMember({
        ...next,
        turns: next.turns.map((held) => (held.member === member ? { ...held, started: false } : held)),
      }, member, { lost: true });
    case 'member.back':
      return withMember(next, member, { lost: false, gone: false });
    case 'member.gone':
      return withMember(next, member, { gone: true });
    case 'member.muted':
      return withMember(next, member, { mute: 'muted' });
    case 'member.unmute_asked':
      return withMember(next, member, { mute: 'asked' });
    case 'member.unmuted':
      return withMember(next, member, { mute: 'none' });
    case 'member.blocked':
      return withMember(next, member, { blocked: true });
    case 'member.unblocked':
      return withMember(next, member, { blocked: false });
    case 'member.picture_stopped':
      return withMember(next, member, { stopped: [...without(stoppedOf(next, member), event.source), event.source].sort() });
    case 'member.picture_allowed':
      return withMember(next, member, { stopped: without(stoppedOf(next, member), event.source) });
    case 'member.unbanned':
      return next.banned ? { ...next, banned: without(next.banned, member) } : next;

    case 'lobby.entered':
      return next.lobby ? { ...next, lobby: waiting(next.lobby, event) } : next;
    case 'lobby.left':
    case 'lobby.refused':
    case 'lobby.admitted':
      return next.lobby ? { ...next, lobby: next.lobby.filter((each) => each.member !== member) } : next;

    case 'floor.requested': {
      const { kind = 'speech', why = 'received', place } = event;
      const queue = withoutHand(next.queue, member, isPoint(kind));
      queue.splice(place ? place - 1 : queue.length, 0, { member, kind, why, since: at });
      return { ...next, queue };
    }
    case 'floor.withdrawn':
      return { ...next, queue: withoutHand(next.queue, member, Boolean(event.point)) };
    case 'floor.moved':
      // `floor.ordered` follows where the order or a reason changes.
      return next;
    case 'floor.ordered':
      return { ...next, queue: ordered(next.queue, event.hands) };
    case 'floor.queue_closed':
      return onFloor({ queue_closed: true });
    case 'floor.queue_opened':
      return onFloor({ queue_closed: false });
    case 'floor.granted': {
      const { kind = 'speech' } = event;
      return {
        ...onFloor({ last_turn: turn }),
        queue: withoutHand(next.queue, member, isPoint(kind)),
        turns: [...next.turns.filter((held) => held.turn !== turn), {
          turn, member, kind, phase: 'offered', granted_at: at, limit_ms: event.limit_ms,
          spent_ms: 0, clockAt: at, running: false, started: false, warned: false, overtime: false,
        }],
      };
    }
    case 'floor.confirmed':
      return inTurn({ phase: 'speaking' });
    case 'floor.started':
      return inTurn({ phase: 'speaking', started: true });
    case 'floor.warned':
      return inTurn({ warned: true });
    case 'floor.overtime':
      return inTurn({ overtime: true });
    case 'floor.fading': {
      const fades = next.turns.find((held) => held.turn === turn);
      return fades ? inTurn({ fading: { from_ms: spentMs(fades, at), over_ms: event.over_ms } }) : next;
    }
    case 'floor.extended':
      return inTurn({ limit_ms: event.limit_ms, warned: false, overtime: false, fading: null });
    case 'floor.clock_paused':
      return inTurn({ held: true, heldBy: event.by });
    case 'floor.clock_resumed':
      return inTurn({ held: false });
    case 'floor.missed':
      return endTurn(next, event);
    case 'floor.ended':
      return { ...endTurn(next, event), spoken: moreSpoken(next, member, event.spoken_ms ?? 0) };
    case 'floor.priority_taken':
      return onFloor({ priority: event.by });
    case 'floor.priority_released':
      return onFloor({ priority: null });

    case 'chat.sent':
      return { ...next, chat: kept(next.chat, { at, member, to: event.to, text: event.text }) };
    case 'recommendation.proposed':
      return {
        ...next,
        recommendations: [...next.recommendations, {
          number: event.number, proposer: member, text: event.text, supporters: [], status: 'proposed', signed: [],
        }],
      };
    case 'recommendation.edited':
      return withRecommendation(next, event, () => ({ text: event.text, supporters: [], signed: [] }));
    case 'recommendation.supported':
      return withRecommendation(next, event, ({ supporters }) => ({ supporters: [...without(supporters, member), member].sort() }));
    case 'recommendation.unsupported':
      return withRecommendation(next, event, ({ supporters }) => ({ supporters: without(supporters, member) }));
    case 'recommendation.status_set':
      return withRecommendation(next, event, ({ signed }) => (
        { status: event.status, signed: event.status === 'agreed' ? signed : [] }));
    case 'recommendation.signed':
      return withRecommendation(next, event, ({ signed }) => (
        { signed: [...without(signed, event.institute), event.institute].sort() }));
    // `session.moved_on` is visit.js's.
    default:
      return next;
  }
}

const without = (list, value) => list.filter((each) => each !== value);
const kept = (list, latest) => [...list, latest].slice(-KEPT_MAX);
const pick = (from, keys) => Object.fromEntries(keys.map((key) => [key, from[key]]));
const noteOf = ({ session }, { at, by, text }) => ({ at, by, ...(session.item ? { item: session.item } : {}), text });
const stoppedOf = (state, id) => state.members.get(id)?.stopped ?? [];

const withoutHand = (queue, member, point) =>
  queue.filter((hand) => hand.member !== member || isPoint(hand.kind) !== point);

function withMember(state, id, changes) {
  const member = state.members.get(id) ?? state.away.get(id);
  if (!member) return state;
  const where = state.members.has(id) ? 'members' : 'away';
  return { ...state, [where]: new Map(state[where]).set(id, { ...member, ...changes }) };
}

function withRecommendation(state, { number }, changes) {
  return {
    ...state,
    recommendations: state.recommendations.map((each) => (each.number === number ? { ...each, ...changes(each) } : each)),
  };
}

/** Somebody who is in the room already has a new name and nothing else. */
function comeIn(state, { member, name, role, delegation, rank, blocked = false, stopped = [] }) {
  const known = state.members.get(member);
  const away = new Map(state.away);
  away.delete(member);
  const fresh = { id: member, role, delegation, ...(rank ? { rank } : {}), mute: 'none', blocked, stopped };
  return { ...state, away, members: new Map(state.members).set(member, { ...(known ?? fresh), name }) };
}

function goOut(state, { member, reason }) {
  const members = new Map(state.members);
  members.delete(member);
  const { banned, session } = state;
  return {
    ...state,
    members,
    away: state.members.has(member) ? new Map(state.away).set(member, state.members.get(member)) : state.away,
    queue: state.queue.filter((hand) => hand.member !== member),
    turns: state.turns.filter((held) => held.member !== member),
    session: session.spotlight === member ? { ...session, spotlight: null } : session,
    banned: banned && reason === 'banned' ? [...without(banned, member), member].sort() : banned,
  };
}

/** Who waits already has another name, and goes on waiting since then. */
function waiting(lobby, { member, name, role, delegation, at }) {
  const known = lobby.find((each) => each.member === member);
  if (known) return lobby.map((each) => (each === known ? { ...each, name } : each));
  return [...lobby, { member, name, role, delegation, since: at }];
}

/** The order that the server names; a hand that it does not name stays, behind the others. */
function ordered(queue, hands) {
  const rest = [...queue];
  const named = hands.flatMap(({ member, kind = 'speech', why }) => {
    const index = rest.findIndex((hand) => hand.member === member && hand.kind === kind);
    return index < 0 ? [] : [{ ...rest.splice(index, 1)[0], why }];
  });
  return [...named, ...rest];
}

/** A turn that came to nothing (`requeued`) is a hand again, at the head of its kind. */
function endTurn(state, { turn, requeued, at }) {
  const ended = state.turns.find((held) => held.turn === turn);
  const turns = state.turns.filter((held) => held.turn !== turn);
  if (!ended || !requeued) return { ...state, turns };
  const { member, kind } = ended;
  const level = levelOf(kind);
  const queue = withoutHand(state.queue, member, isPoint(kind));
  const isAhead = (hand) => (level === 0 ? hand.kind !== 'speech' || hand.why === 'returned'
    : level === 1 && isPoint(hand.kind));
  const behind = queue.findIndex((hand) => !isAhead(hand));
  const why = ['returned', 'response', 'point'][level];
  queue.splice(behind < 0 ? queue.length : behind, 0, { member, kind, why, since: at });
  return { ...state, turns, queue };
}

function moreSpoken({ spoken, members }, member, ms) {
  const known = spoken.find((each) => each.member === member);
  if (known) return spoken.map((each) => (each === known ? { ...each, ms: each.ms + ms } : each));
  const delegation = members.get(member)?.delegation;
  return [...spoken, { member, delegation, ms }].sort((a, b) => (a.member < b.member ? -1 : 1));
}

/** Brings each turn's clock to `at` (never back), and says whether it runs on from there. */
function settleClocks(state, at) {
  const turns = state.turns.map((turn) => ({
    ...turn,
    spent_ms: spentMs(turn, at),
    clockAt: Math.max(at, turn.clockAt),
    running: Boolean(turn.started) && !turn.held && !state.floor.technical_stop && isAudible(state, turn),
  }));
  return { ...state, turns };
}

/** Whether a turn's speaker is heard by the server's rules, as far as anything is sent. */
function isAudible(state, turn) {
  const member = state.members.get(turn.member);
  return state.session.state === 'live' && member?.mute === 'none' && !member.lost
    && !state.floor.priority && isOpen(state, turn);
}

/** Whether a turn is not paused by others: of the highest kind, and among as many as there are microphones. */
export function isOpen({ turns, profile }, turn) {
  const level = levelOf(turn.kind);
  const same = turns.filter(({ kind }) => levelOf(kind) === level);
  return turns.every(({ kind }) => levelOf(kind) <= level)
    && same.findIndex((each) => each.turn === turn.turn) < profile.microphones;
}

/**
 * Why a turn that has the floor is not heard now: `paused` (the session), `priority`, `point` or
 * `response` (of somebody else), `microphones`; null: it is heard, or a mute or a loss is the reason.
 */
export function pauseReason(state, turn) {
  if (state.session.state !== 'live') return 'paused';
  if (state.floor.priority) return 'priority';
  if (isOpen(state, turn)) return null;
  const highest = Math.max(...state.turns.map(({ kind }) => levelOf(kind)));
  if (highest === levelOf(turn.kind)) return 'microphones';
  return highest === 2 ? 'point' : 'response';
}

/** How much of a turn is used up at `now` (the server's time). */
export function spentMs(turn, now) {
  return turn.spent_ms + (turn.running ? Math.max(0, now - turn.clockAt) : 0);
}

/** How loud a turn is played at `now`, 0 to 1: a turn that fades is lowered by its clock. */
export function loudness(turn, now) {
  if (!turn.fading) return 1;
  const { from_ms: from, over_ms: over } = turn.fading;
  return Math.min(1, Math.max(0, 1 - (spentMs(turn, now) - from) / over));
}

/** Who moderates: to whom the chair was handed over, else the first by rank of those who are there. */
export function actingChair({ session, members }) {
  const isThere = (member) => Boolean(member) && !member.lost;
  if (isThere(members.get(session.handed_to))) return session.handed_to;
  const chairs = [...members.values()].filter((member) => member.role === 'chair' && isThere(member));
  return chairs.sort((a, b) => (a.rank ?? Infinity) - (b.rank ?? Infinity))[0]?.id ?? null;
}

/** How late the agenda runs at `now`, in ms: as late as the item that is on began, or lasts. */
export function lateness({ items = [], item, item_since: began, start }, now) {
  const index = items.findIndex(({ id }) => id === item);
  if (index < 0) return 0;
  const minutes = (list) => list.reduce((sum, each) => sum + each.minutes, 0) * 60_000;
  const planned = start + minutes(items.slice(0, index));
  return Math.max(0, began - planned, now - planned - minutes([items[index]]));
}

/** The item of the agenda after the one that is on, or null. */
export function nextItem({ items = [], item }) {
  return items[items.findIndex(({ id }) => id === item) + 1] ?? null;
}

/** What `agenda.start` says of an item: which, and the one that was on when this was decided. */
export const itemAfter = ({ item: on }, item) => ({ item, ...(on ? { after_item: on } : {}) });

/** Speaking time by member and by delegation at `now`, ended turns and running ones, longest first. */
export function totals(state, now) {
  const of = { members: new Map(), delegations: new Map() };
  const add = (map, id, ms) => map.set(id, (map.get(id) ?? 0) + ms);
  const count = (member, delegation, ms) => {
    add(of.members, member, ms);
    if (delegation) add(of.delegations, delegation, ms);
  };
  for (const { member, delegation, ms } of state.spoken) count(member, delegation, ms);
  for (const turn of state.turns) count(turn.member, state.members.get(turn.member)?.delegation, spentMs(turn, now));
  const listed = (map) => [...map].map(([id, ms]) => ({ id, ms })).sort((a, b) => b.ms - a.ms || (a.id < b.id ? -1 : 1));
  return { members: listed(of.members), delegations: listed(of.delegations) };
}

/** The name that others see, or the id of somebody who was never here. */
export const nameOf = (state, id) => (state.members.get(id) ?? state.away.get(id))?.name ?? id;

/** Whether this role is heard without a turn now (the table of spec section 3). */
export function heardWithoutTurn(role, { session, floor }) {
  switch (role) {
    case 'chair':
      return ['prepared', 'live', 'paused'].includes(session.state);
    case 'podium':
      return ['prepared', 'live'].includes(session.state) && !floor.priority;
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

/** The hand that the chair's “next” takes: the first of those who are there and have no turn. */
export const nextHand = (state) => state.queue.find(({ member }) => !state.members.get(member)?.lost
  && !state.turns.some((turn) => turn.member === member)) ?? null;

/** Whose hand it is. */
export const nextInLine = (state) => nextHand(state)?.member ?? null;

/**
 * Why the server gives nobody the floor for `kind` now: `heard` (a point or a reply goes before it) or
 * `taken` (several speak, of whom the chair has to stop one); null: it does, and the only one speaking ends.
 */
export function whyNoPlace({ turns, profile }, kind) {
  const level = levelOf(kind);
  if (turns.some((turn) => levelOf(turn.kind) > level)) return 'heard';
  const same = turns.filter((turn) => levelOf(turn.kind) === level).length;
  return same > 1 && same >= (level === 0 ? profile.microphones : 1) ? 'taken' : null;
}

/**
 * A member's turn, hand, hand for a point of order, place (1 is next) and the hand that has it, as
 * far as there are any.
 */
export function standing(state, id) {
  const own = (hand) => hand.member === id;
  const place = state.queue.findIndex(own) + 1;
  return {
    turn: state.turns.find(own) ?? null,
    hand: state.queue.find((hand) => own(hand) && !isPoint(hand.kind)) ?? null,
    point: state.queue.find((hand) => own(hand) && isPoint(hand.kind)) ?? null,
    place: place === 0 ? null : place,
    placed: state.queue[place - 1] ?? null,
    mute: state.members.get(id)?.mute ?? 'none',
  };
}

/**
 * Why this member's hand cannot go up for `kind` now, as far as this client can tell: `blocked`,
 * `closed`, `operator`, `up` or `turn`; null: it can.
 */
export function whyNoHand(state, id, kind = 'speech') {
  const { turn, hand, point } = standing(state, id);
  if (state.members.get(id)?.blocked) return 'blocked';
  if (turn) return 'turn';
  if (isPoint(kind) ? point : hand) return 'up';
  if (isPoint(kind)) return null;
  if (state.profile.mode === 'operator') return 'operator';
  return state.floor.queue_closed ? 'closed' : null;
}

/** Whether somebody's screen is seen now, by the session's settings and the chairs' orders. */
export function mayShare(state, id) {
  const member = state.members.get(id);
  if (!member || member.stopped?.includes('screen')) return false;
  if (member.role === 'chair' || state.profile.screens === 'everybody') return true;
  return state.profile.screens === 'floor'
    && (member.role === 'podium' || state.turns.some((turn) => turn.member === id));
}

/**
 * Whether the server would forward this member's microphone now. One who is lost by the server's
 * book is on the way back, and sends what it can.
 */
export function isHeard(state, id) {
  const member = state.members.get(id);
  if (!member || member.mute !== 'none') return false;
  if (heardWithoutTurn(member.role, state)) return true;
  const { turn } = standing(state, id);
  return turn !== null && pauseReason(state, turn) === null;
}

/** One room's state as this client knows it: told by the server, asked for anew where something is missing. */
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
