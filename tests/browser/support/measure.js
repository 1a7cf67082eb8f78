// What a page really receives, measured beside it: the level of given tones in every received audio
// track, and the frames decoded of every received video track, each with the time. Knows a peer
// connection and nothing of the page around it.
//
// `measure.start(connection, tones)`: `connection` is a function that gives the present
// RTCPeerConnection, `tones` are frequencies in Hz. Times are those of Date.now().
window.measure = (() => {
  const VIDEO_EVERY_MS = 100;
  const KEPT = 6000; // samples of each kind; older ones are dropped
  const SILENCE_DB = -200;
  const CLOCKS_KEPT = 20; // comparisons of the two clocks, one with each look at the video

  const context = new AudioContext();
  let tones = [];
  let connection = () => null;
  let ear = null; // the worklet node that all received tracks are led into
  let led = new Map(); // receiver -> source node
  let clocks = []; // Date.now() minus the context's time, in ms, as seen of late
  let heard = []; // {t, db: [one for each tone]}
  // {t, frames: {mid: framesDecoded}, frozen: {mid: totalFreezesDuration},
  //  energy: {mid: [totalAudioEnergy, totalSamplesDuration]}}
  let seen = [];
  let looking = null; // the interval at which the connection is looked at

  // Runs on the audio thread, so that a page that is busy hears as finely as one that is not: the level
  // of each tone in dB of full scale, every 43 ms over the last 85 (Goertzel, Hann window).
  const WORKLET = `
    const SIZE = 4096;
    const HOP = 2048;
    const WINDOW = Float32Array.from({ length: SIZE }, (_, n) =>
      0.5 - 0.5 * Math.cos((2 * Math.PI * n) / SIZE));
    registerProcessor("ear", class extends AudioWorkletProcessor {
      constructor({ processorOptions: { tones } }) {
        super();
        this.turns = tones.map((hz) => 2 * Math.cos((2 * Math.PI * hz) / sampleRate));
        this.samples = new Float32Array(SIZE);
        this.filled = 0;
      }
      process([[mixed]]) {
        const block = mixed?.length ?? 128;
        if (mixed) this.samples.set(mixed, this.filled);
        else this.samples.fill(0, this.filled, this.filled + block);
        this.filled += block;
        if (this.filled === SIZE) {
          this.port.postMessage({ at: currentTime + block / sampleRate, db: this.turns.map((k) => this.level(k)) });
          this.samples.copyWithin(0, HOP);
          this.filled = SIZE - HOP;
        }
        return true;
      }
      level(k) {
        let a = 0;
        let b = 0;
        for (let n = 0; n < SIZE; n += 1) {
          const c = this.samples[n] * WINDOW[n] + k * a - b;
          b = a;
          a = c;
        }
        const power = a * a + b * b - k * a * b;
        // A full-scale sine comes out of a Hann window as (N/4)^2.
        return power > 0 ? Math.max(${SILENCE_DB}, 10 * Math.log10(power / (SIZE / 4) ** 2)) : ${SILENCE_DB};
      }
    });`;

  async function growEar() {
    const module = URL.createObjectURL(new Blob([WORKLET], { type: "text/javascript" }));
    await context.audioWorklet.addModule(module);
    ear = new AudioWorkletNode(context, "ear", {
      numberOfOutputs: 0, channelCount: 1, channelCountMode: "explicit", processorOptions: { tones },
    });
    ear.port.onmessage = ({ data: { at, db } }) => {
      // Whoever compares the clocks late finds them further apart than they are.
      heard.push({ t: at * 1000 + Math.min(...clocks), db });
      if (heard.length > KEPT) heard.shift();
    };
  }

  function compareClocks() {
    clocks.push(Date.now() - context.currentTime * 1000);
    if (clocks.length > CLOCKS_KEPT) clocks.shift();
  }

  function lead(pc) {
    const receivers = pc.getReceivers().filter((r) => r.track && r.track.kind === "audio");
    for (const [receiver, source] of led) {
      if (receivers.includes(receiver)) continue;
      source.disconnect();
      led.delete(receiver);
    }
    for (const receiver of receivers) {
      if (led.has(receiver)) continue;
      const source = context.createMediaStreamSource(new MediaStream([receiver.track]));
      source.connect(ear);
      led.set(receiver, source);
    }
  }

  async function look() {
    compareClocks();
    const pc = connection();
    if (!pc) return;
    if (ear) lead(pc);
    const sample = { t: Date.now(), frames: {}, frozen: {}, energy: {} };
    for (const report of (await pc.getStats()).values()) {
      if (report.type === "inbound-rtp" && report.kind === "video") {
        sample.frames[report.mid] = report.framesDecoded || 0;
        sample.frozen[report.mid] = report.totalFreezesDuration || 0;
      } else if (report.type === "inbound-rtp" && report.kind === "audio") {
        sample.energy[report.mid] = [report.totalAudioEnergy || 0, report.totalSamplesDuration || 0];
      }
    }
    seen.push(sample);
    if (seen.length > KEPT) seen.shift();
  }

  async function start(connectionNow, hz) {
    connection = connectionNow;
    tones = hz;
    // Without an output device the context's clock stands still unless it has none to wait for.
    if (context.setSinkId) await context.setSinkId({ type: "none" }).catch(() => {});
    context.resume(); // its promise may wait for a device that is not there
    compareClocks();
    if (tones.length > 0) await growEar();
    looking = setInterval(look, VIDEO_EVERY_MS);
  }

  // Looks no more and forgets, so that the page is by itself.
  function stop() {
    clearInterval(looking);
    ear?.port.close();
    seen = [];
    heard = [];
  }

  // Mean power of each tone between two times, in dB of full scale.
  function tonesBetween(from, to) {
    const samples = heard.filter((s) => s.t >= from && s.t <= to);
    if (samples.length === 0) throw new Error("nothing measured in that time");
    return tones.map((_, i) => {
      const mean = samples.reduce((sum, s) => sum + 10 ** (s.db[i] / 10), 0) / samples.length;
      return 10 * Math.log10(mean);
    });
  }

  // When, from `from` on, a tone was first louder than `db`, and stayed so for 200 ms; null if it has
  // not come.
  function firstHeard(hz, db, from) {
    const i = tones.indexOf(hz);
    let since = null;
    for (const { t, db: levels } of heard) {
      if (t < from) continue;
      if (levels[i] <= db) since = null;
      else since ??= t;
      if (since !== null && t - since >= 200) return since;
    }
    return null;
  }

  // The longest time between two times in which a tone was not louder than `db`, in ms: from one look
  // that heard it to the next, so that looks which are missing count as silence.
  function longestBelow(hz, db, from, to) {
    const i = tones.indexOf(hz);
    let longest = 0;
    let since = from;
    for (const { t, db: levels } of heard) {
      if (t < from || t > to || levels[i] <= db) continue;
      longest = Math.max(longest, t - since);
      since = t;
    }
    return Math.max(longest, to - since);
  }

  // Time and level of one tone from `from` on, for people.
  function course(hz, from) {
    const i = tones.indexOf(hz);
    return heard.filter((s) => s.t >= from).map((s) => `${s.t - from}:${Math.round(s.db[i])}`).join(" ");
  }

  // What was decoded of a section (`mid`) between two times: frames a second, the longest time between
  // looks that found a new frame, and the longest freeze by the browser's own count (Firefox has none),
  // both in ms.
  function videoBetween(mid, from, to) {
    const samples = seen.filter((s) => s.t >= from && s.t <= to && mid in s.frames);
    if (samples.length < 2) return { fps: 0, gap_ms: to - from, freeze_ms: to - from };
    const first = samples[0];
    const last = samples[samples.length - 1];
    let gap = 0;
    let changed = first.t;
    let frames = first.frames[mid];
    let freeze = 0;
    let frozen = first.frozen[mid];
    for (const s of samples) {
      gap = Math.max(gap, s.t - changed);
      if (s.frames[mid] !== frames) [frames, changed] = [s.frames[mid], s.t];
      // The total rises by a whole freeze when that ends.
      freeze = Math.max(freeze, s.frozen[mid] - frozen);
      frozen = s.frozen[mid];
    }
    return {
      fps: ((last.frames[mid] - first.frames[mid]) * 1000) / (last.t - first.t),
      gap_ms: gap,
      freeze_ms: freeze * 1000,
    };
  }

  // The mean power of the loudest track between two times by the browser's own statistics, in dB of
  // full scale: tells no tones apart, but needs no output device, which Firefox's Web Audio does.
  function loudnessBetween(from, to) {
    const samples = seen.filter((s) => s.t >= from && s.t <= to);
    if (samples.length < 2) throw new Error("nothing measured in that time");
    const first = samples[0].energy;
    let loudest = SILENCE_DB;
    for (const [mid, [energy, seconds]] of Object.entries(samples[samples.length - 1].energy)) {
      const [energyThen, secondsThen] = first[mid] || [0, 0];
      const power = (energy - energyThen) / (seconds - secondsThen);
      if (power > 0) loudest = Math.max(loudest, 10 * Math.log10(power));
    }
    return loudest;
  }

  // When a frame of any section, or of `mid`, had first been decoded; null if it has not.
  function firstFrame(mid) {
    return seen.find(({ frames }) =>
      mid === undefined ? Object.values(frames).some((n) => n > 0) : frames[mid] > 0)?.t ?? null;
  }

  // When, from `from` on, a further frame of `mid` had been decoded; null if none has.
  function nextFrame(mid, from) {
    return seen.find(({ t, frames }, place) =>
      t >= from && frames[mid] > 0 && frames[mid] !== seen[place - 1]?.frames[mid])?.t ?? null;
  }

  // Audio packets received so far, all tracks together.
  async function audioPackets() {
    let packets = 0;
    for (const report of (await connection().getStats()).values()) {
      if (report.type === "inbound-rtp" && report.kind === "audio") packets += report.packetsReceived;
    }
    return packets;
  }

  return { start, stop, tonesBetween, firstHeard, longestBelow, course, loudnessBetween, videoBetween, firstFrame, nextFrame, audioPackets };
})();
