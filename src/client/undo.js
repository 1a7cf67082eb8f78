// What takes a chair's order back: which requests, and until when.
//
// It must never know the DOM or the connection. An order is taken back only as long as nobody else has
// changed what it was about: that is looked at in the state (`holds`), and told to the server where a
// request can say on what it was decided (`after_turn`, `after_item`, `from_place`).

import { actingChair, isPoint, itemAfter, standing } from './meeting.js';

/** Orders that only set what another order unsets: the other, and how the state shows the first. */
const OPPOSITES = {
  'session.lock': ['session.unlock', ({ session }) => Boolean(session.locked)],
  'session.unlock': ['session.lock', ({ session }) => !session.locked],
  'session.technical_stop': ['session.end_technical_stop', ({ floor }) => Boolean(floor.technical_stop)],
  'session.end_technical_stop': ['session.technical_stop', ({ floor }) => !floor.technical_stop],
  'floor.close_queue': ['floor.open_queue', ({ floor }) => Boolean(floor.queue_closed)],
  'floor.open_queue': ['floor.close_queue', ({ floor }) => !floor.queue_closed],
  'floor.priority': ['floor.release_priority', ({ floor }) => Boolean(floor.priority)],
  'floor.release_priority': ['floor.priority', ({ floor }) => !floor.priority],
  'floor.insert': ['floor.remove', (state, { member }) => standing(state, member).hand !== null],
  'member.mute': ['member.ask_unmute', (state, { member }) => standing(state, member).mute === 'muted'],
  'member.stop_picture': ['member.allow_picture', (state, { member, source }) => stopped(state, member, source)],
  'member.allow_picture': ['member.stop_picture', (state, { member, source }) => !stopped(state, member, source)],
  'member.unblock': ['member.block', (state, { member }) => state.members.get(member)?.blocked === false],
  'lobby.admit': ['lobby.send_back', (state, { member }) => state.members.has(member)],
  'lobby.send_back': ['lobby.admit', ({ lobby }, { member }) => Boolean(lobby?.some((each) => each.member === member))],
};

/**
 * What takes an order back: `{requests, holds}`, the requests in their order as `[type, fields]`, and
 * whether in a state nobody has gone on since. Null: nothing does. `before` and `after` are the states
 * around the order.
 */
export function undoOf(type, fields, before, after) {
  // Another room, or none.
  if (before?.session.id !== after?.session.id || !after) return null;
  const same = (look) => (state) => JSON.stringify(look(state)) === JSON.stringify(look(after));
  switch (type) {
    case 'floor.stop':
    case 'floor.stop_all':
      return giveBack(before, after, fields.member);
    case 'floor.next':
    case 'floor.grant':
      return takeBack(before, after);
    case 'floor.remove':
      return fields.point ? null : putBack(before, after, fields.member);
    case 'floor.move': {
      const places = [before, after].map((state) => placeOf(state, fields.member));
      if (places.includes(0) || places[0] === places[1]) return null;
      return {
        requests: [['floor.move', { member: fields.member, place: places[0], from_place: places[1] }]],
        holds: same((state) => state.queue.slice(0, Math.max(...places)).map(nameHand)),
      };
    }
    case 'member.block': {
      const hand = putBack(before, after, fields.member);
      return {
        requests: [['member.unblock', { member: fields.member }], ...(hand?.requests ?? [])],
        holds: (state) => state.members.get(fields.member)?.blocked === true && (hand?.holds(state) ?? true),
      };
    }
    case 'session.spotlight':
      return {
        requests: [[type, { member: before.session.spotlight ?? null }]],
        holds: same(({ session }) => session.spotlight ?? null),
      };
    case 'chair.hand_over': {
      const last = actingChair(before);
      return last && { requests: [[type, { member: last }]], holds: same(actingChair) };
    }
    case 'agenda.start':
      return itemBack(before, after, same);
    case 'session.configure': {
      const keys = Object.keys(fields);
      return {
        requests: [[type, Object.fromEntries(keys.map((key) => [key, before.profile[key]]))]],
        holds: same(({ profile }) => keys.map((key) => profile[key])),
      };
    }
    case 'recommendation.set_status': {
      const known = before.recommendations.find(({ number }) => number === fields.number);
      // With the status the signatures went, and nobody signs again by an undo.
      if (!known || known.signed.length > 0) return null;
      return {
        requests: [[type, { number: fields.number, status: known.status }]],
        holds: same(({ recommendations }) => recommendations.find(({ number }) => number === fields.number)),
      };
    }
    default: {
      const opposite = fields.clear ? null : OPPOSITES[type];
      if (!opposite) return null;
      const [back, isStill] = opposite;
      return { requests: [[back, aboutSame(fields)]], holds: (state) => isStill(state, fields) };
    }
  }
}

const stopped = (state, id, source) => Boolean(state.members.get(id)?.stopped?.includes(source));
const nameHand = ({ member, kind }) => `${member} ${kind}`;
const placeOf = ({ queue }, id) => queue.findIndex(({ member, kind }) => member === id && !isPoint(kind)) + 1;
const endedOf = (before, after) => before.turns.filter(({ turn }) => !after.turns.some((each) => each.turn === turn));

/** What an opposite is about: an order's own fields, but for its place in the list. */
const aboutSame = ({ member, source }) => ({ ...(member ? { member } : {}), ...(source ? { source } : {}) });

const grant = ({ member, kind }, last) => ['floor.grant', { member, kind, after_turn: last }];

/** The floor again for those from whom it was taken, each with a new turn; for one, or for all. */
function giveBack(before, after, only) {
  const ended = endedOf(before, after).filter(({ member }) => !only || member === only);
  const { last_turn: last } = after.floor;
  if (ended.length === 0 || last !== before.floor.last_turn) return null;
  return {
    requests: ended.map((turn, index) => grant(turn, last + index)),
    holds: ({ floor }) => floor.last_turn === last,
  };
}

/** Who was given the floor has the place in the list again, and who had it before has it. */
function takeBack(before, after) {
  const given = after.turns.find(({ turn }) => turn === after.floor.last_turn);
  // A reply or a point cannot be put back on the list by a chair.
  if (!given || given.kind !== 'speech' || after.floor.last_turn !== before.floor.last_turn + 1) return null;
  const place = placeOf(before, given.member);
  const [ended] = endedOf(before, after);
  return {
    requests: [
      ended ? grant(ended, given.turn) : ['floor.stop', { member: given.member }],
      ...(place ? [['floor.insert', { member: given.member, place }]] : []),
    ],
    holds: ({ floor, turns }) => floor.last_turn === given.turn && turns.some(({ turn }) => turn === given.turn),
  };
}

/** A speech's hand at its place again, as long as those before it are the same. */
function putBack(before, after, id) {
  const place = placeOf(before, id);
  if (place === 0 || before.queue[place - 1].kind !== 'speech') return null;
  const ahead = (state) => state.queue.slice(0, place - 1).map(nameHand).join();
  return {
    requests: [['floor.insert', { member: id, place }]],
    holds: (state) => {
      const { turn, hand } = standing(state, id);
      return state.members.has(id) && turn === null && hand === null && ahead(state) === ahead(after);
    },
  };
}

/** The item that was on before; or what waits for the end of a turn is dropped. */
function itemBack(before, after, same) {
  const { item, awaited } = after.session;
  const holds = same(({ session }) => [session.item, session.awaited ?? null]);
  if (item === before.session.item) return awaited ? { requests: [['session.drop_change', {}]], holds } : null;
  return before.session.item ? { requests: [['agenda.start', itemAfter(after.session, before.session.item)]], holds } : null;
}
