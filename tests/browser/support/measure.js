// What a page really receives, measured beside it: the level of given tones in every received audio
// track, and the frames decoded of every received video track, each with the time. Knows a peer
// connection and nothing of the page around it.
//
// `measure.start(connection, tones)`: `connection` is a function that gives the present
// RTCPeerConnection, `tones` are frequencies in Hz. Times are those of Date.now().
window.measure = (() => {
  const AUDIO_EVERY_MS = 40;
  const VIDEO_EVERY_MS = 50;
  const KEPT = 6000; // samples of each kind; older ones are dropped
  const SILENCE_DB = -200;

  const context = new AudioContext();
  let tones = [];
  let connection = () => null;
  let ears = new Map(); // receiver -> analyser
  let heard = []; // {t, db: [one for each tone]}, the loudest of all tracks
  // {t, frames: {mid: framesDecoded}, frozen: {mid: totalFreezesDuration},
  //  energy: {mid: [totalAudioEnergy, totalSamplesDuration]}}
  let seen = [];
  let window_ = null;

  // The amplitude of one tone in dB of full scale (Goertzel, Hann window).
  function level(samples, hz) {
    if (!window_ || window_.length !== samples.length) {
      window_ = Float32Array.from(samples, (_, n) =>
        0.5 - 0.5 * Math.cos((2 * Math.PI * n) / samples.length));
    }
    const turn = (2 * Math.PI * hz) / context.sampleRate;
    const k = 2 * Math.cos(turn);
    let a = 0;
    let b = 0;
    for (let n = 0; n < samples.length; n += 1) {
      const c = samples[n] * window_[n] + k * a - b;
      b = a;
      a = c;
    }
    const power = a * a + b * b - k * a * b;
    // A full-scale sine comes out of a Hann window as (N/4)^2.
    const full = (samples.length / 4) ** 2;
    return power > 0 ? Math.max(SILENCE_DB, 10 * Math.log10(power / full)) : SILENCE_DB;
  }

  function listen() {
    const pc = connection();
    if (!pc) return;
    const receivers = pc.getReceivers().filter((r) => r.track && r.track.kind === "audio");
    for (const receiver of ears.keys()) {
      if (!receivers.includes(receiver)) ears.delete(receiver);
    }
    const db = tones.map(() => SILENCE_DB);
    for (const receiver of receivers) {
      let ear = ears.get(receiver);
      if (!ear) {
        ear = new AnalyserNode(context, { fftSize: 4096 });
        context.createMediaStreamSource(new MediaStream([receiver.track])).connect(ear);
        ears.set(receiver, ear);
      }
      const samples = new Float32Array(ear.fftSize);
      ear.getFloatTimeDomainData(samples);
      tones.forEach((hz, i) => { db[i] = Math.max(db[i], level(samples, hz)); });
    }
    heard.push({ t: Date.now(), db });
    if (heard.length > KEPT) heard.shift();
  }

  async function look() {
    const pc = connection();
    if (!pc) return;
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
    setInterval(listen, AUDIO_EVERY_MS);
    setInterval(look, VIDEO_EVERY_MS);
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

  // Audio packets received so far, all tracks together.
  async function audioPackets() {
    let packets = 0;
    for (const report of (await connection().getStats()).values()) {
      if (report.type === "inbound-rtp" && report.kind === "audio") packets += report.packetsReceived;
    }
    return packets;
  }

  return { start, tonesBetween, firstHeard, course, loudnessBetween, videoBetween, firstFrame, audioPackets };
})();
