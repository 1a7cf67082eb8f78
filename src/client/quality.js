// How good this client's own connection is, by its browser's statistics and by what the server says,
// and what would help.
//
// Only what is of this path alone is held against it: a voice with gaps may have lost them on its way to
// the server. It must never know the DOM, or the words.

/** How often it is looked at, in ms, and over how many looks it is judged. */
const LOOK_MS = 2000;
const LOOKS = 4;

/** So many looks in a row must be better before it is said to be. */
const BETTER_LOOKS = 3;

/** Fewer packets than this in the looks that are judged say nothing of loss. */
const PACKETS_MIN = 50;

/** From here on it is felt (fair), and from here on it disturbs (poor): shares that are lost, ms. */
const LOSS = { fair: 0.03, poor: 0.08 };
const ROUND_TRIP_MS = { fair: 300, poor: 600 };

/** From bad to good. */
export const LEVELS = ['lost', 'poor', 'fair', 'good'];

export class Quality {
  #media;
  #sendsCamera;
  #timer = null;
  #looks = [];
  #better = 0;
  #listeners = new Set();

  /** `unknown`, or one of the levels. */
  level = 'unknown';
  /** What would help, the best first: `camera`, `pictures`, `router`, `computer`. */
  advice = [];
  /** What was measured: `{roundTripMs, lossIn, lossOut, standing}`; null: unknown. */
  measured = { roundTripMs: null, lossIn: null, lossOut: null, standing: 0 };

  /** `sendsCamera()`: whether a picture is being sent. */
  constructor({ media, sendsCamera }) {
    this.#media = media;
    this.#sendsCamera = sendsCamera;
  }

  /** Calls `listener()` after each look; gives what ends that. */
  subscribe(listener) {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Begins to look, or ends it and forgets. */
  run(runs) {
    if (runs === (this.#timer !== null)) return;
    clearInterval(this.#timer);
    this.#timer = runs ? setInterval(() => this.#look(), LOOK_MS) : null;
    this.#looks = [];
    this.level = 'unknown';
    this.advice = [];
  }

  async #look() {
    const { pc, slots, picturesRest } = this.#media;
    const timer = this.#timer;
    const look = pc && counted(await pc.getStats());
    const stands = pc?.connectionState === 'connected';
    // Has ended meanwhile, or not begun yet.
    if (timer !== this.#timer || (!stands && this.level === 'unknown')) return;
    // Counts of another connection, or from before a sleep, are no beginning.
    const last = this.#looks.at(-1);
    if (last && (last.pc !== pc || performance.now() - last.at > 2 * LOOK_MS)) this.#looks = [];
    if (look) this.#looks = [...this.#looks, { pc, at: performance.now(), ...look }].slice(-LOOKS);
    const standing = slots.filter(({ kind, paused }) => kind === 'video' && paused).length;
    this.measured = { ...measure(this.#looks[0], look), standing };
    const { level, advice } = judge({
      ...this.measured,
      lost: !stands,
      sendsCamera: this.#sendsCamera(), receivesPictures: !picturesRest,
      busy: this.#looks.length === LOOKS && this.#looks.every(({ busy }) => busy),
    });
    this.#settle(level, advice);
  }

  /** Worse at once, better after a while: nobody is to see it flicker. */
  #settle(level, advice) {
    const better = this.level !== 'unknown' && LEVELS.indexOf(level) > LEVELS.indexOf(this.level);
    this.#better = better ? this.#better + 1 : 0;
    // A connection that is back is back.
    if (!better || this.level === 'lost' || this.#better >= BETTER_LOOKS) {
      this.level = level;
      this.advice = advice;
      this.#better = 0;
    }
    for (const listener of this.#listeners) listener();
  }
}

/** What is counted since the beginning, of one look at the statistics. */
function counted(stats) {
  const received = new Map();
  const look = { received, sent: 0, sentLost: 0, roundTripMs: null, busy: false };
  for (const report of stats.values()) {
    switch (report.type) {
      case 'inbound-rtp':
        received.set(report.id, { packets: report.packetsReceived ?? 0, lost: report.packetsLost ?? 0 });
        break;
      case 'outbound-rtp':
        look.sent += report.packetsSent ?? 0;
        look.busy ||= report.qualityLimitationReason === 'cpu';
        break;
      case 'remote-inbound-rtp':
        look.sentLost += report.packetsLost ?? 0;
        // What Firefox knows it by.
        if (report.roundTripTime) look.roundTripMs ??= report.roundTripTime * 1000;
        break;
      case 'candidate-pair':
        if (report.nominated && report.currentRoundTripTime) look.roundTripMs = report.currentRoundTripTime * 1000;
        break;
      default:
    }
  }
  return look;
}

/** What was lost between two looks. */
function measure(from, to) {
  if (!from || !to) return { roundTripMs: to?.roundTripMs ?? null, lossIn: null, lossOut: null };
  const shares = [];
  for (const [id, { packets, lost }] of to.received) {
    const before = from.received.get(id);
    if (before) shares.push(share(lost - before.lost, packets - before.packets + lost - before.lost));
  }
  const known = shares.filter((each) => each !== null);
  return {
    roundTripMs: to.roundTripMs,
    // What all of them have in common is this path's.
    lossIn: known.length > 0 ? Math.min(...known) : null,
    // Of one voice alone nobody knows on which of its two ways it was lost.
    alone: known.length === 1,
    lossOut: share(to.sentLost - from.sentLost, to.sent - from.sent),
  };
}

function share(lost, all) {
  return all < PACKETS_MIN ? null : Math.min(1, Math.max(0, lost / all));
}

/** The level of what was measured, and what would help. */
export function judge({
  lost, roundTripMs, lossIn, alone = false, lossOut, standing, busy, sendsCamera, receivesPictures,
}) {
  if (lost) return { level: 'lost', advice: ['router'] };
  const isAt = (level) => lossOut >= LOSS[level] || roundTripMs >= ROUND_TRIP_MS[level]
    || (lossIn >= LOSS[level] && !(alone && level === 'poor'));
  if (isAt('poor')) {
    return {
      level: 'poor',
      advice: [...(sendsCamera ? ['camera'] : []), ...(receivesPictures ? ['pictures'] : []), 'router'],
    };
  }
  if (isAt('fair') || standing > 0) return { level: 'fair', advice: ['router'] };
  return { level: 'good', advice: busy ? ['computer'] : [] };
}
