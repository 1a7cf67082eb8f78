// One peer connection: one offer, its sending sections, its slots and the sound that they play.
//
// It must never know the DOM (sound elements come from a factory that is handed in), the meeting's
// rules, or when another connection should follow it (media.js).

/** Receiving places. More pictures than this are not drawn at once on any screen. */
const AUDIO_SLOTS = 4;

/** The camera's highest rate, in bits a second: 640x360 at up to 24 frames looks clean at it. */
const CAMERA_BITRATE_MAX = 500_000;

export class Peer {
  #request;
  #makeAudio;
  #heldCandidates = [];
  #senders;
  #streams = new Map();
  #sounds = [];
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
    pc.onconnectionstatechange = () => {
      if (!this.#closed) this.onState(pc.connectionState);
    };
    pc.onicecandidate = ({ candidate }) => this.#handleCandidate(candidate?.candidate || null);
    this.#addSections(videoSlots);
  }

  get connected() {
    return this.pc.connectionState === 'connected';
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
  attach(source, track) {
    // Refused only by a connection that has been closed meanwhile.
    return this.#senders[source].sender.replaceTrack(track).catch(() => {});
  }

  /** The stream that a slot plays, or null. */
  stream(mid) {
    return this.#streams.get(mid) ?? null;
  }

  /** Plays sound on this output device. */
  setOutput(deviceId) {
    this.output = deviceId;
    for (const sound of this.#sounds) sound.setSinkId?.(deviceId).catch(() => {});
  }

  /** Starts the sound that the browser held back; call it from a press. */
  play() {
    return Promise.all(this.#sounds.map((sound) => this.#play(sound)));
  }

  close() {
    this.#closed = true;
    this.pc.close();
    this.#streams.clear();
    for (const sound of this.#sounds) {
      sound.srcObject = null;
      sound.remove();
    }
    this.#sounds = [];
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
      sendEncodings: [{ maxBitrate: CAMERA_BITRATE_MAX }],
    });
    preferVp8(camera);
    this.#senders = { microphone, camera };
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
      if (receiver.track.kind === 'audio') this.#addSound(stream);
    }
  }

  #addSound(stream) {
    const sound = this.#makeAudio();
    sound.srcObject = stream;
    if (this.output) sound.setSinkId?.(this.output).catch(() => {});
    this.#sounds.push(sound);
    this.#play(sound);
  }

  async #play(sound) {
    try {
      await sound.play();
    } catch (error) {
      // An AbortError only says that the element was given up meanwhile.
      if (error.name === 'NotAllowedError' && this.#sounds.includes(sound)) this.onSoundBlocked();
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
