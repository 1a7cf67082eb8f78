// The peer connection: one offer, the sending sections, the slots that the server fills.
//
// It must never know the DOM (sound elements come from a factory that is handed in), the
// meeting's rules, or where tracks come from (devices.js).

/** Receiving places. More pictures than this are not drawn at once on any screen. */
export const AUDIO_SLOTS = 4;

/** The camera's highest rate, in bits a second: 640x360 at up to 24 frames looks clean at it. */
const CAMERA_BITRATE_MAX = 500_000;

/** Pauses before an offer is repeated after a failure, in ms; the last one repeats. */
const RETRY_MS = [300, 1000, 2500, 5000];

/** How long the server may take to say, after a return, that it still has the connection, in ms. */
const RESUME_MS = 1000;

/** How long the media path may take to stand before it is offered anew, in ms. */
const CONNECT_MS = 15_000;

export class Media {
  #request;
  #makeAudio;
  #listeners = new Set();
  #videoSlots = 0;
  #iceServers = [];
  #senders = { microphone: null, camera: null };
  #tracks = { microphone: null, camera: null };
  #sending = { microphone: false, camera: false };
  #muted = false;
  #forced = false;
  #streams = new Map();
  #sounds = [];
  #output = '';
  #failures = 0;
  #retry = null;
  #watch = null;

  /** The present RTCPeerConnection, or null. */
  pc = null;
  /** What each slot carries, as the server's last `media.slots` said. */
  slots = [];
  /** `none`, `connecting`, `connected`, `lost` or `refused`. */
  status = 'none';
  /** Why an offer was refused, for people. */
  refusal = null;
  /** The browser lets no sound out before a press. */
  soundBlocked = false;

  /**
   * `request(type, fields)` asks the server; `makeAudio()` gives an element that plays sound by
   * itself once it has a `srcObject`.
   */
  constructor({ request, makeAudio }) {
    this.#request = request;
    this.#makeAudio = makeAudio;
  }

  /** Calls `listener()` after each change of `slots`, `status` or `soundBlocked`. */
  subscribe(listener) {
    this.#listeners.add(listener);
  }

  /** Makes the connection for the room that this client is in. */
  start({ iceServers, videoSlots }) {
    this.#iceServers = iceServers;
    this.#videoSlots = videoSlots;
    this.#failures = 0;
    return this.#offer();
  }

  /**
   * After signalling alone was lost: the server goes on with a connection that it still has, and
   * says so by its slots. Where it does not, a new one is made.
   */
  resume(options) {
    if (this.pc?.connectionState !== 'connected') return this.start(options);
    clearTimeout(this.#retry);
    this.#retry = setTimeout(() => this.start(options), RESUME_MS);
    return undefined;
  }

  /** Ends the connection and all that it plays. */
  stop() {
    clearTimeout(this.#retry);
    this.#closeConnection();
    this.slots = [];
    this.#setStatus('none');
  }

  /** Uses `track` (or null) as the microphone, now and in every later connection. */
  setMicrophoneTrack(track) {
    this.#tracks.microphone = track;
    if (track) track.enabled = !this.#muted;
    return this.#attach('microphone');
  }

  /** Uses `track` (or null) as the camera. */
  setCameraTrack(track) {
    this.#tracks.camera = track;
    if (track) track.contentHint = 'motion';
    return this.#attach('camera');
  }

  /** The member's own mute: a muted microphone that is sent carries silence. */
  setMuted(muted) {
    this.#muted = muted;
    const { microphone } = this.#tracks;
    if (microphone) microphone.enabled = !muted;
  }

  /** Which of the two tracks are sent; one that is not sent puts no packet on the network. */
  setSending({ microphone, camera }) {
    this.#sending = { microphone, camera };
    this.#attach('microphone');
    this.#attach('camera');
  }

  /** Sends the microphone whatever `setSending` says: shows that the server enforces the floor. */
  forceSend(forced) {
    this.#forced = forced;
    return this.#attach('microphone');
  }

  /** The stream that a slot plays, or null. */
  slotStream(mid) {
    return this.#streams.get(mid) ?? null;
  }

  /** The stream of the slot that shows `member`'s camera now, or null. */
  cameraStream(member) {
    const slot = this.slots.find((each) => each.kind === 'video' && each.member === member
      && each.source === 'camera');
    return slot ? this.slotStream(slot.mid) : null;
  }

  /** Takes a `media.…` signal. */
  handleSignal(signal) {
    switch (signal.signal) {
      case 'media.slots':
        this.slots = signal.slots;
        if (this.status === 'connected') clearTimeout(this.#retry);
        this.#tell();
        break;
      case 'media.connected':
        this.#connected();
        break;
      case 'media.lost':
        this.#again();
        break;
      default:
    }
  }

  /** Plays sound on this output device ('' is the system's choice). */
  setOutput(deviceId) {
    this.#output = deviceId;
    for (const sound of this.#sounds) sound.setSinkId?.(deviceId).catch(() => {});
  }

  /** Starts the sound that the browser held back; call it from a press. */
  async turnSoundOn() {
    this.soundBlocked = false;
    await Promise.all(this.#sounds.map((sound) => this.#play(sound)));
    this.#tell();
  }

  async #offer() {
    clearTimeout(this.#retry);
    this.#closeConnection();
    const pc = new RTCPeerConnection({
      iceServers: this.#iceServers, bundlePolicy: 'max-bundle', rtcpMuxPolicy: 'require',
    });
    this.pc = pc;
    this.refusal = null;
    this.#setStatus('connecting');
    pc.onconnectionstatechange = () => {
      if (this.pc !== pc) return;
      if (pc.connectionState === 'connected') this.#connected();
      if (pc.connectionState === 'failed') this.#again();
    };
    this.#watch = setTimeout(() => {
      if (this.pc === pc && pc.connectionState !== 'connected') this.#again();
    }, CONNECT_MS);

    const candidates = this.#gatherCandidates(pc);
    this.#addSections(pc);
    try {
      await pc.setLocalDescription(await pc.createOffer());
      this.#nameSlots(pc);
      const { sdp } = await this.#request('media.offer', {
        sdp: pc.localDescription.sdp,
        sending: Object.entries(this.#senders)
          .map(([source, { mid }]) => ({ mid, source })),
      });
      if (this.pc !== pc) return;
      await pc.setRemoteDescription({ type: 'answer', sdp });
      candidates.release();
    } catch (error) {
      if (this.pc === pc) this.#offerFailed(error);
    }
  }

  /** Candidates are held until the offer has been answered: the server knows the peer then. */
  #gatherCandidates(pc) {
    let held = [];
    const send = (candidate) => this.#request('media.candidate', { candidate }).catch(() => {});
    pc.onicecandidate = ({ candidate }) => {
      if (this.pc !== pc) return;
      const line = candidate?.candidate || null;
      if (held) held.push(line);
      else send(line);
    };
    return {
      release() {
        const waiting = held;
        held = null;
        waiting.forEach(send);
      },
    };
  }

  #addSections(pc) {
    const microphone = pc.addTransceiver('audio', { direction: 'sendonly' });
    const camera = pc.addTransceiver('video', {
      direction: 'sendonly',
      sendEncodings: [{ maxBitrate: CAMERA_BITRATE_MAX }],
    });
    preferVp8(camera);
    this.#senders = { microphone, camera };
    this.#attach('microphone');
    this.#attach('camera');
    for (let slot = 0; slot < AUDIO_SLOTS; slot += 1) {
      pc.addTransceiver('audio', { direction: 'recvonly' });
    }
    for (let slot = 0; slot < this.#videoSlots; slot += 1) {
      preferVp8(pc.addTransceiver('video', { direction: 'recvonly' }));
    }
  }

  #nameSlots(pc) {
    for (const { mid, direction, receiver } of pc.getTransceivers()) {
      if (direction !== 'recvonly') continue;
      const stream = new MediaStream([receiver.track]);
      this.#streams.set(mid, stream);
      if (receiver.track.kind === 'audio') this.#addSound(stream);
    }
  }

  #addSound(stream) {
    const sound = this.#makeAudio();
    sound.srcObject = stream;
    if (this.#output) sound.setSinkId?.(this.#output).catch(() => {});
    this.#sounds.push(sound);
    this.#play(sound);
  }

  async #play(sound) {
    try {
      await sound.play();
    } catch (error) {
      // An AbortError only says that the element was given up meanwhile.
      if (error.name !== 'NotAllowedError' || !this.#sounds.includes(sound)) return;
      this.soundBlocked = true;
      this.#tell();
    }
  }

  #attach(source) {
    const sent = this.#sending[source] || (source === 'microphone' && this.#forced);
    const track = sent ? this.#tracks[source] : null;
    // Refused only by a connection that has been closed meanwhile.
    return this.#senders[source]?.sender.replaceTrack(track).catch(() => {});
  }

  #connected() {
    clearTimeout(this.#watch);
    this.#failures = 0;
    this.#setStatus('connected');
  }

  #offerFailed(error) {
    if (error.code === 'bad_offer' || error.code === 'full') {
      clearTimeout(this.#watch);
      this.refusal = error.message;
      this.#setStatus('refused');
    } else if (error.name !== 'Unreachable') {
      this.#again();
    }
    // Without signalling, the next join offers anew.
  }

  #again() {
    clearTimeout(this.#watch);
    clearTimeout(this.#retry);
    this.#setStatus('lost');
    const pause = RETRY_MS[Math.min(this.#failures, RETRY_MS.length - 1)];
    this.#failures += 1;
    this.#retry = setTimeout(() => this.#offer(), pause);
  }

  #closeConnection() {
    clearTimeout(this.#watch);
    this.pc?.close();
    this.pc = null;
    this.#senders = { microphone: null, camera: null };
    this.#streams.clear();
    for (const sound of this.#sounds) {
      sound.srcObject = null;
      sound.remove();
    }
    this.#sounds = [];
  }

  #setStatus(status) {
    this.status = status;
    this.#tell();
  }

  #tell() {
    for (const listener of this.#listeners) listener();
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
