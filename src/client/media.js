// The member's media: which peer connection is in use, when another must follow it, what is sent.
//
// A connection that stands goes on playing until its successor does, so that a repair is not heard.
// Part of the client library (`signalling/protocol.md`). It must never know the DOM, the meeting's rules, or where tracks come from (devices.js).

import { Peer } from './peer.js';

/** Pauses before an offer is repeated after a failure, in ms; the last one repeats. */
const RETRY_MS = [300, 1000, 2500, 5000];

/** How long the server may take to say, after a return, that it still has the connection, in ms. */
const RESUME_MS = 1000;

/** How long the media path may take to stand before it is offered anew, in ms. */
const CONNECT_MS = 15_000;

/** Changes of what is shown within this time are told together, in ms. */
const VIEW_MS = 200;

/** How long a path may be silent, by the browser's own judgement, before another is offered, in ms. */
const SILENT_MS = 3000;

/** Sound and picture of one client in one room at a time. */
export class Media {
  #request;
  #makeAudio;
  #listeners = new Set();
  #options = null;
  #tracks = { microphone: null, camera: null, screen: null, screen_sound: null };
  #sending = { microphone: false, camera: false, screen: true, screen_sound: true };
  #muted = false;
  #volumes = new Map();
  #forced = false;
  #output = '';
  /** The connection that plays; the one that is to follow it, or to be the first. */
  #current = null;
  #next = null;
  /** The present connection was found wanting, and none has followed it yet. */
  #doubted = false;
  #failures = 0;
  #retry = null;
  /** What is drawn, as `show` was told; why none of it is received; what the server was told last. */
  #shown = [];
  #rests = new Set();
  #view = null;
  #viewTimer = null;
  #watch = null;
  #silence = null;
  #resuming = null;

  /** `none`, `connecting`, `connected`, `lost` or `refused`. */
  status = 'none';
  /** Why an offer was refused: the `Refusal` of protocol.js. */
  refusal = null;
  /** The pictures that are sent in the room, of everybody: `[{ member, source }]`. */
  pictures = [];
  /** The browser lets no sound out before a press. */
  soundBlocked = false;
  /** Called when the path falls silent: signalling may have gone the same way. */
  onSilence = () => {};

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

  /** The RTCPeerConnection in use, or null. */
  get pc() {
    return this.#playing?.pc ?? null;
  }

  /** What media goes by now: `udp`, `tcp`, `relay`, or null where nothing does. */
  async way() {
    return (await this.#playing?.way()) ?? null;
  }

  /** What each slot carries. */
  get slots() {
    return this.#playing?.slots ?? [];
  }

  get #playing() {
    return this.#current ?? this.#next;
  }

  /** Pictures that are received at once at most. */
  get pictureSlots() {
    return this.#options?.videoSlots ?? 0;
  }

  /** Whether pictures are received at all. */
  get picturesRest() {
    return this.#rests.size > 0;
  }

  /** The members whose camera or screen (`source`) is sent now, whoever is shown it. */
  senders(source) {
    const there = [...this.pictures, ...this.slots.filter(({ kind, member }) => kind === 'video' && member)];
    return [...new Set(there.filter((each) => each.source === source).map(({ member }) => member))];
  }

  /** Makes a connection for the room that this client is in. */
  start(options) {
    // The server says anew what there is.
    this.pictures = [];
    return this.#startAnew(options);
  }

  #startAnew({ iceServers, videoSlots }) {
    this.#view = null;
    this.#options = { iceServers, videoSlots };
    this.#failures = 0;
    if (this.picturesRest) this.#tellView();
    return this.#offer();
  }

  /**
   * After signalling was lost: the server goes on with a connection that it still has, and says
   * so by its slots. Where it does not, a new one is made.
   */
  resume(options) {
    if (!this.#current?.connected || this.#next || this.#doubted) return this.start(options);
    this.pictures = [];
    // It may not have reached the server.
    if (this.#view === null) this.#renewView();
    clearTimeout(this.#resuming);
    this.#resuming = setTimeout(() => this.#startAnew(options), RESUME_MS);
    return undefined;
  }

  /** Ends everything and all that it plays. */
  stop() {
    this.#clearTimers();
    this.#next?.close();
    this.#current?.close();
    this.#next = null;
    this.#current = null;
    this.#doubted = false;
    this.pictures = [];
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

  /** Shares these (or null): a screen's picture, and its sound where there is one. */
  setScreenTracks(picture, sound) {
    this.#tracks.screen = picture;
    if (picture) picture.contentHint = 'detail';
    this.#tracks.screen_sound = sound;
    const attached = Promise.all([this.#attach('screen'), this.#attach('screen_sound')]);
    // Not in the room any more, it is ended anyway.
    if (!picture) attached.then(() => this.#request('media.ended', { source: 'screen' })).catch(() => {});
    return attached;
  }

  /** The member's own mute: a muted microphone that is sent carries silence. */
  setMuted(muted) {
    this.#muted = muted;
    const { microphone } = this.#tracks;
    if (microphone) microphone.enabled = !muted;
  }

  /** Which of the two tracks are sent; one that is not sent puts no packet on the network. */
  setSending({ microphone, camera }) {
    Object.assign(this.#sending, { microphone, camera });
    this.#attach('microphone');
    this.#attach('camera');
  }

  /** Sends the microphone whatever `setSending` says: shows that the server enforces the floor. */
  forceSend(forced) {
    this.#forced = forced;
    return this.#attach('microphone');
  }

  /** How loud the sound of these members is played, 0 to 1 (a map); everybody else's in full. */
  setVolumes(volumes) {
    this.#volumes = volumes;
    this.#drawVolumes();
  }

  #drawVolumes() {
    for (const peer of this.#peers()) {
      peer.setVolumes((member) => this.#volumes.get(member) ?? 1);
    }
  }

  /** The stream that a slot plays, or null. */
  slotStream(mid) {
    return this.#playing?.stream(mid) ?? null;
  }

  /** The stream of the slot that shows `member`'s camera now, or null. */
  cameraStream(member) {
    return this.#pictureOf(member, 'camera');
  }

  /** The stream of the slot that shows `member`'s screen now, or null. */
  screenStream(member) {
    return this.#pictureOf(member, 'screen');
  }

  #pictureOf(member, source) {
    const slot = this.slots.find((each) => each.kind === 'video' && each.member === member
      && each.source === source);
    return slot ? this.slotStream(slot.mid) : null;
  }

  /**
   * What is drawn: `[{ member, source, height }]`, heights in pixels of the screen. The server sends
   * these pictures alone, none larger than it is drawn.
   */
  show(pictures) {
    this.#shown = pictures;
    this.#renewView();
  }

  /** Receives no pictures, at once, until no `reason` for that is left; sound goes on. */
  restPictures(reason, rests) {
    if (this.#rests.has(reason) === rests) return;
    if (rests) this.#rests.add(reason);
    else this.#rests.delete(reason);
    if (this.#playing) this.#tellView();
    this.#tell();
  }

  /** What the server is to send: a screen has to be named not to be. */
  #wantedView() {
    if (!this.picturesRest) return this.#shown;
    return this.senders('screen').map((member) => ({ member, source: 'screen', height: 0 }));
  }

  #renewView() {
    if (JSON.stringify(this.#wantedView()) === this.#view) return;
    this.#viewTimer ??= setTimeout(() => this.#tellView(), VIEW_MS);
  }

  #tellView() {
    clearTimeout(this.#viewTimer);
    this.#viewTimer = null;
    const pictures = this.#wantedView();
    const told = JSON.stringify(pictures);
    if (told === this.#view) return;
    this.#view = told;
    this.#request('media.view', { pictures }).catch(() => {
      // Not in the room now, or too fast: the next drawing tells it again.
      if (this.#view === told) this.#view = null;
    });
  }

  /** Takes a `media.…` signal. All but the first are about the latest offer that was answered. */
  handleSignal(signal) {
    if (signal.signal === 'media.pictures') {
      this.pictures = signal.pictures;
      if (this.picturesRest) this.#renewView();
      this.#tell();
      return;
    }
    const peer = this.#next?.answered ? this.#next : this.#current;
    if (!peer) return;
    switch (signal.signal) {
      case 'media.slots':
        peer.slots = signal.slots;
        this.#drawVolumes();
        clearTimeout(this.#resuming);
        this.#tell();
        break;
      case 'media.layers':
        peer.setLayers(signal.source, signal.rids);
        break;
      case 'media.connected':
        this.#stands(peer);
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
    for (const peer of this.#peers()) peer.setOutput(deviceId);
  }

  /** Plays on what the system has stopped, as a phone does while it is locked. */
  wake() {
    return Promise.all(this.#peers().map((peer) => peer.play()));
  }

  /** Starts the sound that the browser held back; call it from a press. */
  async turnSoundOn() {
    this.soundBlocked = false;
    await Promise.all(this.#peers().map((peer) => peer.play()));
    this.#tell();
  }

  async #offer() {
    this.#clearTimers();
    this.#next?.close();
    const peer = new Peer({
      request: this.#request, makeAudio: this.#makeAudio, output: this.#output, ...this.#options,
    });
    this.#next = peer;
    peer.onState = (state) => this.#handleState(peer, state);
    peer.onSoundBlocked = () => {
      this.soundBlocked = true;
      this.#tell();
    };
    for (const source of Object.keys(this.#tracks)) peer.attach(source, this.#sent(source));
    this.refusal = null;
    this.#setStatus('connecting');
    this.#watch = setTimeout(() => this.#again(), CONNECT_MS);
    try {
      await peer.offer();
    } catch (error) {
      if (this.#next === peer) this.#offerFailed(error);
    }
  }

  #handleState(peer, state) {
    switch (state) {
      case 'connected':
        this.#stands(peer);
        break;
      case 'disconnected':
        // The silence of one that has a successor already is no news.
        if (peer !== this.#current || this.#next) return;
        this.onSilence();
        clearTimeout(this.#silence);
        this.#silence = setTimeout(() => {
          this.#doubted = true;
          this.#offer();
        }, SILENT_MS);
        break;
      case 'failed':
        if (peer === this.#current && this.#next) return;
        this.onSilence();
        this.#again();
        break;
      default:
    }
  }

  /** The path of a connection stands, for the first time or again after a silence. */
  #stands(peer) {
    if (peer === this.#next) {
      this.#clearTimers();
      this.#current?.close();
      this.#current = peer;
      this.#next = null;
      this.#doubted = false;
      this.#failures = 0;
    } else if (peer !== this.#current || this.#next) {
      return;
    }
    clearTimeout(this.#silence);
    this.#setStatus('connected');
  }

  #offerFailed(error) {
    this.#dropNext();
    if (error.code === 'bad_offer' || error.code === 'full') {
      this.refusal = error;
      this.#setStatus('refused');
    } else if (error.name === 'Unreachable') {
      // The next join offers anew.
      this.#setStatus(this.#current?.connected ? 'connected' : 'lost');
    } else {
      this.#again();
    }
  }

  #again() {
    this.#doubted = true;
    this.#clearTimers();
    this.#dropNext();
    this.#setStatus('lost');
    const pause = RETRY_MS[Math.min(this.#failures, RETRY_MS.length - 1)];
    this.#failures += 1;
    this.#retry = setTimeout(() => this.#offer(), pause);
  }

  #dropNext() {
    clearTimeout(this.#watch);
    this.#next?.close();
    this.#next = null;
  }

  #clearTimers() {
    for (const timer of [this.#retry, this.#watch, this.#silence, this.#resuming]) clearTimeout(timer);
  }

  #peers() {
    return [this.#current, this.#next].filter(Boolean);
  }

  #sent(source) {
    const sends = this.#sending[source] || (source === 'microphone' && this.#forced);
    return sends ? this.#tracks[source] : null;
  }

  #attach(source) {
    return Promise.all(this.#peers().map((peer) => peer.attach(source, this.#sent(source))));
  }

  #setStatus(status) {
    this.status = status;
    this.#tell();
  }

  #tell() {
    for (const listener of this.#listeners) listener();
  }
}
