// Lowers the sound of turns that fade, by their clocks, and plays everything else in full.
//
// It must never know the DOM; the sound elements are media.js's and peer.js's.

import { loudness } from './meeting.js';

/** Steps of a fade, in ms: too short to be heard one by one. */
const STEP_MS = 50;

/** After a faded turn, what of its sound is still on its way here is not played, for so long in ms. */
const ECHO_MS = 600;

export class Fader {
  #meeting;
  #media;
  #now;
  #timer = null;
  /** The members whose turns have faded out, and until when nothing of them is played. */
  #ended = new Map();
  #fading = new Set();

  /** `now()` is the server's time in ms. */
  constructor({ meeting, media, now }) {
    this.#meeting = meeting;
    this.#media = media;
    this.#now = now;
    meeting.subscribe(() => this.#step());
  }

  #step() {
    clearTimeout(this.#timer);
    const now = this.#now();
    const turns = this.#meeting.state?.turns ?? [];
    const volumes = new Map(turns.filter(({ fading }) => fading).map((turn) => [turn.member, loudness(turn, now)]));
    for (const member of this.#fading) {
      if (!volumes.has(member)) this.#ended.set(member, now + ECHO_MS);
    }
    this.#fading = new Set(volumes.keys());
    for (const [member, until] of this.#ended) {
      // Whoever has the floor anew, or more time, is heard in full.
      if (now >= until || turns.some((turn) => turn.member === member)) this.#ended.delete(member);
      else volumes.set(member, 0);
    }
    this.#media.setVolumes(volumes);
    if (volumes.size > 0) this.#timer = setTimeout(() => this.#step(), STEP_MS);
  }
}
