// The camera and the microphone of this computer: opening, choosing, the level of the sound.
//
// It must never know the DOM, the meeting or the peer connection.

/** Width, height and rate of the camera: enough for a large tile; smaller ones get smaller layers. */
const CAMERA = {
  width: { ideal: 1280 }, height: { ideal: 720 }, frameRate: { ideal: 20, max: 24 },
};

/** Loudness that the meter shows as nothing and as full, in dB. */
const METER_DB = { silent: -60, full: -8 };

/** A device that was open for so long, in ms, is worth replacing when it ends by itself. */
const STEADY_MS = 3000;

/** From here on the meter shows a voice, and not the room's noise alone. */
const HEARD_LEVEL = 0.3;

/**
 * Why a device did not open: `insecure`, `unsupported`, `denied`, `missing`, `busy`, `failed`.
 */
function reasonOf(error) {
  switch (error.name) {
    case 'NotAllowedError':
    case 'SecurityError':
      return 'denied';
    case 'NotFoundError':
    case 'OverconstrainedError':
      return 'missing';
    case 'NotReadableError':
    case 'AbortError':
      return 'busy';
    default:
      return 'failed';
  }
}

export class Devices {
  #rawAudio;
  #chosen = { microphone: '', camera: '', speaker: '' };
  #context = null;
  #analyser = null;
  #metered = null;
  #listeners = new Set();

  /** The open tracks, or null. */
  microphone = null;
  camera = null;
  /** What is shared, or null. */
  screen = null;
  screenSound = null;
  /** The open microphone has heard something since it was opened. */
  heard = false;
  /** Why the microphone or the camera is not there, or null. */
  problems = { microphone: null, camera: null };
  /** What can be chosen, once permission is given: lists of `{id, label}`. */
  choices = { microphone: [], camera: [], speaker: [] };

  /** `rawAudio`: no echo cancellation, noise suppression or gain control (music, measuring). */
  constructor({ rawAudio }) {
    this.#rawAudio = rawAudio;
    navigator.mediaDevices?.addEventListener?.('devicechange', () => this.list());
  }

  /** Calls `listener()` when a track, a problem or a choice has changed; gives what ends that. */
  subscribe(listener) {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  chosen(kind) {
    return this.#chosen[kind];
  }

  /** Opens both devices, as far as they are there; asks the person once where it can. */
  async openAll() {
    if (this.#impossible()) return;
    try {
      const stream = await navigator.mediaDevices.getUserMedia({
        audio: this.#audioConstraints(), video: this.#videoConstraints(),
      });
      this.#keep('microphone', stream.getAudioTracks()[0]);
      this.#keep('camera', stream.getVideoTracks()[0]);
    } catch (error) {
      if (reasonOf(error) === 'denied' && !await oneIsBlocked()) {
        // The question was answered with no, or put away: it is not asked again twice.
        this.problems = { microphone: 'denied', camera: 'denied' };
        this.#tell();
        return;
      }
      // One of them may be there without the other.
      await this.open('microphone');
      await this.open('camera');
    }
    await this.list();
  }

  /** Asks which screen or window to share, with its sound where the browser has it; false when none is. */
  async openScreen() {
    try {
      const stream = await navigator.mediaDevices.getDisplayMedia({
        video: { frameRate: { ideal: 10, max: 15 } }, audio: true,
      });
      this.closeScreen();
      [this.screen] = stream.getVideoTracks();
      this.screenSound = stream.getAudioTracks()[0] ?? null;
      // Ended by the browser's own button, or by the window's end.
      this.screen.addEventListener('ended', () => this.closeScreen());
      this.#tell();
      return true;
    } catch {
      return false; // Put away: nothing is shared.
    }
  }

  closeScreen() {
    this.screen?.stop();
    this.screenSound?.stop();
    this.screen = null;
    this.screenSound = null;
    this.#tell();
  }

  /** Opens one device again, say after it was switched off or another one was chosen. */
  async open(kind) {
    if (this.#impossible()) return;
    const constraints = kind === 'camera'
      ? { video: this.#videoConstraints() }
      : { audio: this.#audioConstraints() };
    this.close(kind);
    try {
      const stream = await navigator.mediaDevices.getUserMedia(constraints);
      this.#keep(kind, stream.getTracks()[0]);
    } catch (error) {
      // The chosen one was unplugged: any other is better than none.
      if (reasonOf(error) === 'missing' && this.#chosen[kind]) {
        this.#chosen[kind] = '';
        await this.open(kind);
        return;
      }
      this.problems[kind] = reasonOf(error);
      this.#tell();
    }
    await this.list();
  }

  /** Stops a device, so that its light goes out. */
  close(kind) {
    this[kind]?.stop();
    this[kind] = null;
    this.#tell();
  }

  closeAll() {
    for (const kind of ['microphone', 'camera', 'screen', 'screenSound']) {
      this[kind]?.stop();
      this[kind] = null;
    }
    this.#tell();
  }

  /** Uses another device from now on. */
  async choose(kind, id) {
    this.#chosen[kind] = id;
    if (kind === 'speaker') this.#tell();
    else if (this[kind] || this.problems[kind]) await this.open(kind);
  }

  /** How loud the microphone is now, 0 to 1; null when that cannot be told yet. */
  level() {
    if (!this.microphone) return 0;
    if (this.#metered !== this.microphone) this.#meter(this.microphone);
    if (this.#context?.state !== 'running') return null;
    const samples = new Float32Array(this.#analyser.fftSize);
    this.#analyser.getFloatTimeDomainData(samples);
    const power = samples.reduce((sum, sample) => sum + sample * sample, 0) / samples.length;
    const db = 10 * Math.log10(power + 1e-12);
    const level = Math.min(1, Math.max(0, (db - METER_DB.silent) / (METER_DB.full - METER_DB.silent)));
    if (level >= HEARD_LEVEL && !this.heard) {
      this.heard = true;
      this.#tell();
    }
    return level;
  }

  /** Lets the meter run where the browser waits for a press; call it from one. */
  wake() {
    this.#context?.resume().catch(() => {});
  }

  /** Stops measuring, and with it the processing that it costs. */
  stopMeter() {
    this.#context?.close().catch(() => {});
    this.#context = null;
    this.#metered = null;
  }

  #impossible() {
    const reason = !globalThis.isSecureContext ? 'insecure'
      : !navigator.mediaDevices?.getUserMedia ? 'unsupported' : null;
    if (!reason) return false;
    this.problems = { microphone: reason, camera: reason };
    this.#tell();
    return true;
  }

  #audioConstraints() {
    const cleaned = !this.#rawAudio;
    return {
      echoCancellation: cleaned, noiseSuppression: cleaned, autoGainControl: cleaned,
      ...exactly(this.#chosen.microphone),
    };
  }

  #videoConstraints() {
    return { ...CAMERA, ...exactly(this.#chosen.camera) };
  }

  #keep(kind, track) {
    if (this[kind]) this[kind].stop();
    this[kind] = track;
    this.problems[kind] = null;
    if (kind === 'microphone') this.heard = false;
    const since = performance.now();
    // Pulled out, or taken away by the system: another one is taken, if there is one.
    track.addEventListener('ended', () => {
      if (this[kind] !== track) return;
      this[kind] = null;
      this.problems[kind] = 'missing';
      this.#tell();
      // One that ends as soon as it is opened would be opened for ever.
      if (performance.now() - since > STEADY_MS) this.open(kind);
    });
    this.#tell();
  }

  /** Looks what there is to choose from. */
  async list() {
    if (!navigator.mediaDevices?.enumerateDevices) return;
    const found = await navigator.mediaDevices.enumerateDevices().catch(() => []);
    const of = (kind) => found.filter((device) => device.kind === kind && device.deviceId)
      .map(({ deviceId, label }) => ({ id: deviceId, label }));
    this.choices = {
      microphone: of('audioinput'), camera: of('videoinput'), speaker: of('audiooutput'),
    };
    this.#tell();
  }

  #meter(track) {
    this.stopMeter();
    this.#metered = track;
    this.#context = new AudioContext();
    this.#analyser = this.#context.createAnalyser();
    this.#analyser.fftSize = 1024;
    this.#context.createMediaStreamSource(new MediaStream([track])).connect(this.#analyser);
  }

  #tell() {
    for (const listener of this.#listeners) listener();
  }
}

/** Whether exactly one of the two is blocked for this page, so that the other may still open. */
async function oneIsBlocked() {
  try {
    const states = await Promise.all(['microphone', 'camera']
      .map(async (name) => (await navigator.permissions.query({ name })).state));
    return states.filter((state) => state === 'denied').length === 1;
  } catch {
    return true; // A browser that does not tell: asking each is the only way to know.
  }
}

const exactly = (id) => (id ? { deviceId: { exact: id } } : {});
