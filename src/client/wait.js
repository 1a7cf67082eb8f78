// How long a raised hand may have to wait: pure arithmetic over the room's state.

import { spentMs } from './meeting.js';

/**
 * The time until a member's turn, in ms, if everybody before takes the time that they may; null where the
 * member waits for none, or nobody can tell. `now` is the server's.
 */
export function expectedWaitMs(state, id, now) {
  const { session, queue, turns, profile, members } = state;
  const place = queue.findIndex(({ member }) => member === id);
  if (place < 0 || session.state !== 'live' || profile.mode === 'operator') return null;
  const limit = ({ kind }) => (kind === 'speech' ? profile.turn_ms : profile.response_ms);
  // When each microphone is free, if none is given out of turn.
  const free = Array.from({ length: profile.microphones }, () => 0);
  const occupy = (ms) => {
    const first = free.indexOf(Math.min(...free));
    free[first] += ms;
  };
  for (const turn of turns) occupy(Math.max(0, turn.limit_ms - spentMs(turn, now)));
  for (const hand of queue.slice(0, place)) {
    // Who is lost is passed over.
    if (!members.get(hand.member)?.lost) occupy(limit(hand));
  }
  return Math.min(...free);
}
