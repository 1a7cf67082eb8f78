// How long the receivers of one connection wait for what was lost on its way.
//
// A browser plays a picture some tens of milliseconds after it came. On a line that loses packets that
// is less than asking again takes, and where a camera sends temporal layers (WebRTC's simulcast does)
// the browser then leaves the late frame out: at 5 % loss on both hops, a quarter of all frames. While
// packets are lost, playing therefore waits as long as a repair takes; sound as long as the picture, so
// that lips fit. It must never know whose sound and picture that is.

/** How often the losses are looked at, in ms. */
const LOOK_MS = 1000;

/** Of what was lost before, this part still counts a look later. */
const REMEMBERED = 0.8;

/** So many packets lost lately are worth waiting for. */
const LOSSY = 4;

/** Without loss for so long, the browser's own judgement is enough again, in ms. */
const REST_MS = 30_000;

/** The wait besides two round trips (the sender's hop takes one too), its least and its most, in ms. */
const WAIT_MS = 80;
const WAIT_MIN_MS = 200;
const WAIT_MAX_MS = 400;

export class Patience {
  #pc;
  #timer = null;
  #missed = 0;
  #recent = 0;
  #rest = 0;

  constructor(pc) {
    this.#pc = pc;
  }

  /** Begins to look; again is no harm. */
  start() {
    this.#timer ??= setInterval(() => this.#look(), LOOK_MS);
  }

  stop() {
    clearInterval(this.#timer);
  }

  async #look() {
    let missed = 0;
    let roundTrip = 0;
    for (const report of (await this.#pc.getStats()).values()) {
      switch (report.type) {
        case 'inbound-rtp':
          missed += (report.nackCount ?? 0) + (report.kind === 'audio' ? report.packetsLost ?? 0 : 0);
          break;
        case 'candidate-pair':
          if (report.nominated) roundTrip = Math.max(roundTrip, report.currentRoundTripTime ?? 0);
          break;
        case 'remote-inbound-rtp':
          // What Firefox knows it by.
          roundTrip = Math.max(roundTrip, report.roundTripTime ?? 0);
          break;
        default:
      }
    }
    this.#recent = this.#recent * REMEMBERED + Math.max(0, missed - this.#missed);
    this.#missed = missed;
    if (this.#recent >= LOSSY) {
      const wait = Math.round(WAIT_MS + 2000 * roundTrip);
      this.#wait(Math.min(Math.max(wait, WAIT_MIN_MS), WAIT_MAX_MS));
      this.#rest = performance.now() + REST_MS;
    } else if (performance.now() >= this.#rest) {
      this.#wait(null);
    }
  }

  #wait(ms) {
    for (const { direction, receiver } of this.#pc.getTransceivers()) {
      // A browser that does not know it judges by itself.
      if (direction === 'recvonly' && 'jitterBufferTarget' in receiver) receiver.jitterBufferTarget = ms;
    }
  }
}
