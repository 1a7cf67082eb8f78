// One peer connection: one offer, its sending sections, its slots and the sound that they play.
//
// It must never know the DOM (sound elements come from a factory that is handed in), the meeting's
// rules, or when another connection should follow it (media.js).

import { Patience } from './patience.js';

/** Receiving places. More pictures than this are not drawn at once on any screen. */
const AUDIO_SLOTS = 4;

/** The camera's simulcast layers, the smallest first; a server forwards to each the one that fits. */
const LAYERS = ['q', 'h', 'f'];

/** The highest rate that a layer needs to look clean at up to 24 frames, by its height in pixels. */
const BITRATES = [[216, 150_000], [432, 500_000], [Infinity, 1_300_000]];

/** A shared screen is read: few frames, all of them sharp. In bits a second. */
const SCREEN_BITRATE_MAX = 1_500_000;

export class Peer {
  #request;
  #makeAudio;
  #heldCandidates = [];
  #senders;
  /** Of each source: the layers that the server has a use for; null: all. */
  #needed = {};
  #encoding = Promise.resolve();
  #streams = new Map();
  /** The element that plays each audio slot, by its mid. */
  #sounds = new Map();
  /** Whose sound each slot carries, or carried last. */
  #lastMembers = new Map();
  #patience;
  #closed = false;

  /** What each slot carries, as the server's last `media.slots` said. */
  slots = [];
  /** The server has answered: its signals of media are about this connection from now on. */
  answered = false;
  /** Called with each change of the connection's state (`connected`, `disconnected`, …). */
  onState = () => {};
  /** Called when the browser lets no sound out before a press. */
  onSoundBlocked = () => {};

  /** `request` and `makeAudio` as for `Media`; `output` is where sound goes ('': the system's). */
  constructor({ request, makeAudio, iceServers, videoSlots, output }) {
    this.#request = request;
    this.#makeAudio = makeAudio;
    this.output = output;
    const pc = new RTCPeerConnection({
      iceServers, bundlePolicy: 'max-bundle', rtcpMuxPolicy: 'require',
    });
    this.pc = pc;
    this.#patience = new Patience(pc);
    pc.onconnectionstatechange = () => {
      if (this.connected) this.#patience.start();
      if (!this.#closed) this.onState(pc.connectionState);
    };
    pc.onicecandidate = ({ candidate }) => this.#handleCandidate(candidate?.candidate || null);
    this.#addSections(videoSlots);
  }

  get connected() {
    return this.pc.connectionState === 'connected';
  }

  /** What media goes by now: `udp`, `tcp`, `relay`, or null where nothing does. */
  async way() {
    const stats = await this.pc.getStats();
    const all = [...stats.values()];
    // Firefox has no transport in its statistics, and marks the pair itself.
    const { selectedCandidatePairId } = all.find(({ type }) => type === 'transport') ?? {};
    const pair = stats.get(selectedCandidatePairId)
      ?? all.find(({ type, selected }) => type === 'candidate-pair' && selected);
    const local = stats.get(pair?.localCandidateId);
    if (!local || !this.connected) return null;
    return local.candidateType === 'relay' ? 'relay' : local.protocol;
  }

  /** Offers, and takes the server's answer; rejects as a request does. */
  async offer() {
    const { pc } = this;
    await pc.setLocalDescription(await pc.createOffer());
    this.#nameSlots();
    const { sdp } = await this.#request('media.offer', {
      sdp: pc.localDescription.sdp,
      sending: Object.entries(this.#senders).map(([source, { mid }]) => ({ mid, source })),
    });
    if (this.#closed) return;
    this.answered = true;
    await pc.setRemoteDescription({ type: 'answer', sdp });
    // Held until now: the server knows the peer.
    const held = this.#heldCandidates;
    this.#heldCandidates = null;
    held.forEach((line) => this.#handleCandidate(line));
  }

  /** Sends `track` (or null) as that source. */
  async attach(source, track) {
    // Refused only by a connection that has been closed meanwhile.
    await this.#senders[source].sender.replaceTrack(track).catch(() => {});
    if (source === 'camera' && track) this.#encode(source);
  }

  /** Sends only these layers of a source (their rids); the others rest until they are named again. */
  setLayers(source, rids) {
    this.#needed[source] = rids;
    this.#encode(source);
  }

  /** How a camera of this height is sent: as many layers as are worth it, each twice the one before. */
  #encode(source) {
    this.#encoding = this.#encoding.then(async () => {
      const { sender } = this.#senders[source];
      if (this.#closed || !sender.track) return;
      const height = sender.track.getSettings().height || 360;
      const count = height >= 540 ? 3 : height >= 270 ? 2 : 1;
      const needed = this.#needed[source];
      const parameters = sender.getParameters();
      parameters.encodings.forEach((encoding, place) => {
        const scale = 2 ** Math.max(0, count - 1 - place);
        encoding.scaleResolutionDownBy = scale;
        encoding.maxBitrate = BITRATES.find(([most]) => height / scale <= most)[1];
        // The smallest is always sent: it says that there is a picture.
        encoding.active = place < count && (place === 0 || !needed || needed.includes(encoding.rid));
      });
      await sender.setParameters(parameters);
    }).catch(() => {}); // A browser that cannot change them goes on as it is.
  }

  /** The stream that a slot plays, or null. */
  stream(mid) {
    return this.#streams.get(mid) ?? null;
  }

  /** Plays sound on this output device. */
  setOutput(deviceId) {
    this.output = deviceId;
    for (const sound of this.#sounds.values()) sound.setSinkId?.(deviceId).catch(() => {});
  }

  /** Starts the sound that the browser held back; call it from a press. */
  play() {
    return Promise.all([...this.#sounds.values()].map((sound) => this.#play(sound)));
  }

  close() {
    this.#closed = true;
    this.#patience.stop();
    this.pc.close();
    this.#streams.clear();
    for (const sound of this.#sounds.values()) {
      sound.srcObject = null;
      sound.remove();
    }
    this.#sounds.clear();
  }

  /** Plays each audio slot as loud as `volumeOf(member)` says, 0 to 1. */
  setVolumes(volumeOf) {
    // The last sound of who has left a slot is still on its way here when the slot is empty already.
    for (const { mid, member } of this.slots) if (member) this.#lastMembers.set(mid, member);
    for (const [mid, sound] of this.#sounds) setVolume(sound, volumeOf(this.#lastMembers.get(mid)));
  }

  #handleCandidate(line) {
    if (this.#closed) return;
    if (this.#heldCandidates) this.#heldCandidates.push(line);
    else this.#request('media.candidate', { candidate: line }).catch(() => {});
  }

  #addSections(videoSlots) {
    const { pc } = this;
    const microphone = pc.addTransceiver('audio', { direction: 'sendonly' });
    const camera = pc.addTransceiver('video', {
      direction: 'sendonly',
      sendEncodings: LAYERS.map((rid, place) => ({
        rid, scaleResolutionDownBy: 2 ** (LAYERS.length - 1 - place), maxBitrate: BITRATES[place][1],
      })),
    });
    preferVp8(camera);
    const screen = pc.addTransceiver('video', {
      direction: 'sendonly', sendEncodings: [{ maxBitrate: SCREEN_BITRATE_MAX }],
    });
    preferVp8(screen);
    const screenSound = pc.addTransceiver('audio', { direction: 'sendonly' });
    this.#senders = { microphone, camera, screen, screen_sound: screenSound };
    for (let slot = 0; slot < AUDIO_SLOTS; slot += 1) {
      pc.addTransceiver('audio', { direction: 'recvonly' });
    }
    for (let slot = 0; slot < videoSlots; slot += 1) {
      preferVp8(pc.addTransceiver('video', { direction: 'recvonly' }));
    }
  }

  #nameSlots() {
    for (const { mid, direction, receiver } of this.pc.getTransceivers()) {
      if (direction !== 'recvonly') continue;
      const stream = new MediaStream([receiver.track]);
      this.#streams.set(mid, stream);
      if (receiver.track.kind === 'audio') this.#addSound(mid, stream);
    }
  }

  #addSound(mid, stream) {
    const sound = this.#makeAudio();
    sound.srcObject = stream;
    if (this.output) sound.setSinkId?.(this.output).catch(() => {});
    this.#sounds.set(mid, sound);
    this.#play(sound);
  }

  async #play(sound) {
    try {
      await sound.play();
    } catch (error) {
      // An AbortError only says that the element was given up meanwhile.
      if (error.name === 'NotAllowedError' && [...this.#sounds.values()].includes(sound)) this.onSoundBlocked();
    }
  }
}

/**
 * Offers VP8 alone where the browser has it: every browser does, the server forwards it, and an
 * offer of all codecs over ten video sections would pass the frame limit of 64 KiB.
 */
function preferVp8(transceiver) {
  const codecs = RTCRtpReceiver.getCapabilities?.('video')?.codecs ?? [];
  const wanted = codecs.filter(({ mimeType }) => /^video\/(vp8|rtx)$/i.test(mimeType));
  if (!wanted.some(({ mimeType }) => /vp8$/i.test(mimeType))) return;
  transceiver.setCodecPreferences?.(wanted);
}

/** Below this a sound is off where a page cannot set its loudness (iOS). */
const OFF_BELOW = 1 / 3;

function setVolume(sound, volume) {
  sound.volume = volume;
  const obeyed = Math.abs(sound.volume - volume) < 0.01;
  sound.muted = !obeyed && volume < OFF_BELOW;
}
