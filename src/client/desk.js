// The member's own desk: the switches of microphone and camera, and what is sent because of them.
//
// It must never know the DOM. That a client sends is politeness; who is heard is the server's.

import { isHeard, sendsMedia, standing } from './meeting.js';

/** Where the tab keeps that it goes without pictures. */
const SOUND_ONLY = 'sound-only';

/** Problems that may be gone when the page is shown again. */
const PASSING = ['missing', 'busy', 'failed'];

export class Desk {
  #devices;
  #media;
  #meeting;
  #request;
  #listeners = new Set();
  #listening = false;
  #given = { microphone: null, camera: null, screen: null };

  /** This client's member, once known. */
  member = null;
  /** The member's own switches. */
  microphoneOn = true;
  cameraOn = true;
  /** Pictures are neither sent nor received; kept for the tab. */
  soundOnly = readKept();

  constructor({ devices, media, meeting, request }) {
    this.#devices = devices;
    this.#media = media;
    this.#meeting = meeting;
    this.#request = request;
    media.restPictures(SOUND_ONLY, this.soundOnly);
    devices.subscribe(() => this.refresh());
    meeting.subscribe(() => this.refresh());
  }

  /** Calls `listener()` after each change of a switch. */
  subscribe(listener) {
    this.#listeners.add(listener);
  }

  /** Whether this member's role has a microphone and a camera at all. */
  get sends() {
    return this.member !== null && sendsMedia(this.member.role);
  }

  /** Joins without devices; they can be switched on later. */
  listenOnly() {
    this.microphoneOn = false;
    this.cameraOn = false;
    this.#listening = true;
    this.refresh();
  }

  async setMicrophone(on) {
    this.microphoneOn = on;
    if (on) this.#listening = false;
    // A microphone that is only muted stays open: it must be there at once when it is needed.
    if (on && !this.#devices.microphone) await this.#devices.open('microphone');
    this.refresh();
  }

  async setCamera(on) {
    this.cameraOn = on;
    if (on && this.soundOnly) this.#keepSoundOnly(false);
    if (on) await this.#devices.open('camera');
    this.refresh();
  }

  /** Goes without pictures, or with them again: the own camera then is as it was before. */
  async setSoundOnly(on) {
    this.#keepSoundOnly(on);
    if (on) this.#devices.closeScreen();
    else if (this.cameraOn && this.sends) await this.#devices.open('camera');
    this.refresh();
  }

  #keepSoundOnly(on) {
    this.soundOnly = on;
    this.#media.restPictures(SOUND_ONLY, on);
    try {
      sessionStorage.setItem(SOUND_ONLY, on ? 'yes' : 'no');
    } catch {
      // A browser that lets pages keep nothing.
    }
  }

  /** Opens again what the system has taken away, as a phone does while it is locked. */
  async wake() {
    const wanted = { microphone: this.microphoneOn, camera: this.cameraOn && !this.soundOnly };
    for (const [kind, on] of Object.entries(wanted)) {
      const gone = this.#devices[kind] === null && PASSING.includes(this.#devices.problems[kind]);
      if (this.sends && on && gone) await this.#devices.open(kind);
    }
  }

  /**
   * Opens the microphone, with the chair's mute lifted where this member may lift it: chairs at
   * any time, others after having been asked.
   */
  async openMicrophone() {
    const { state } = this.#meeting;
    const mute = state && standing(state, this.member.id).mute;
    if (mute === 'asked' || (mute === 'muted' && this.member.role === 'chair')) {
      await this.#request('floor.unmute');
    }
    await this.setMicrophone(true);
  }

  /** Brings tracks and sections to what the switches and the meeting say. */
  refresh() {
    // A device may also open late, when its permission comes after the decision to do without.
    if ((!this.cameraOn || this.soundOnly) && this.#devices.camera) this.#devices.close('camera');
    if (this.#listening && this.#devices.microphone) this.#devices.close('microphone');
    const { microphone, camera } = this.#devices;
    // Only a change of device is passed on: a track that was substituted by hand stays.
    if (microphone !== this.#given.microphone) this.#media.setMicrophoneTrack(microphone);
    if (camera !== this.#given.camera) this.#media.setCameraTrack(camera);
    const { screen, screenSound } = this.#devices;
    if (screen !== this.#given.screen) this.#media.setScreenTracks(screen, screenSound);
    this.#given = { microphone, camera, screen };
    this.#media.setMuted(!this.microphoneOn);
    this.#media.setSending({
      microphone: this.#sendsMicrophone(),
      camera: this.sends && this.cameraOn && camera !== null && !this.#isStopped('camera'),
    });
    for (const listener of this.#listeners) listener();
  }

  /** Whether a chair has stopped this picture: then nothing of it need be sent. */
  #isStopped(source) {
    return Boolean(this.#meeting.state?.members.get(this.member.id)?.stopped?.includes(source));
  }

  #sendsMicrophone() {
    const { state } = this.#meeting;
    if (!this.sends || !state || !isHeard(state, this.member.id)) return false;
    // A muted microphone must not confirm an offered floor with silence; once confirmed, silence
    // is what a muted speaker sends.
    const { turn } = standing(state, this.member.id);
    return this.microphoneOn || turn?.phase === 'speaking';
  }
}

function readKept() {
  try {
    return sessionStorage.getItem(SOUND_ONLY) === 'yes';
  } catch {
    return false;
  }
}
