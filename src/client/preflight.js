// The check days before: what was found of the devices and the path, and its report to the organiser.
//
// It must never know the DOM. What is tried is devices.js's and path.js's.

/** Changes within this time are reported together, in ms: the server takes one report a second. */
const SETTLE_MS = 1500;

/** Pauses before a report that did not arrive is sent again, in ms. */
const AGAIN_MS = 5000;

export class Preflight {
  #parts;
  #listeners = new Set();
  #timer = null;
  #reported = null;

  /** Whether the test sound was heard: true, false, or null before it was said. */
  heardSound = null;
  /** When the server has taken the last report, in ms since 1970 by its clock; null: not yet. */
  sentAt = null;
  /** What is found now has not arrived yet. */
  unsent = false;

  /** `parts`: `{visit, desk, devices, path, request}`. */
  constructor(parts) {
    this.#parts = parts;
    for (const part of ['visit', 'desk', 'devices', 'path']) parts[part].subscribe(() => this.#consider());
  }

  /** Calls `listener()` after each change. */
  subscribe(listener) {
    this.#listeners.add(listener);
  }

  /** The member says whether the test sound was heard. */
  sayHeard(heard) {
    this.heardSound = heard;
    this.#consider();
    this.#tell();
  }

  /** Whether each device works: true, false, or null where that is not known, or none is needed. */
  get found() {
    const { desk, devices } = this.#parts;
    const { microphone, camera, problems } = devices;
    const found = { microphone: null, camera: null, speaker: this.heardSound };
    if (!desk.sends) return found;
    if (microphone && devices.heard) found.microphone = true;
    else if (!microphone && problems.microphone) found.microphone = false;
    if (camera) found.camera = true;
    else if (problems.camera) found.camera = false;
    return found;
  }

  get #report() {
    const { result } = this.#parts.path;
    return {
      verdict: result.verdict, rtt_ms: result.rttMs, loss_pct: result.lossPct,
      ...this.found, browser: browserName(navigator.userAgent),
    };
  }

  /** Sends what is found, once the path is known, where it is not what was sent last. */
  #consider() {
    const { visit, path } = this.#parts;
    if (!visit.checkOnly || path.phase !== 'done') return;
    const unsent = JSON.stringify(this.#report) !== this.#reported;
    if (unsent !== this.unsent) {
      this.unsent = unsent;
      this.#tell();
    }
    if (unsent) this.#timer ??= setTimeout(() => this.#send(), SETTLE_MS);
  }

  async #send() {
    const { visit, request } = this.#parts;
    const report = this.#report;
    try {
      await request('check.report', report);
      this.#reported = JSON.stringify(report);
      this.sentAt = visit.now();
    } catch {
      await new Promise((resolve) => { setTimeout(resolve, AGAIN_MS); });
    }
    this.#timer = null;
    this.unsent = false;
    this.#consider();
    this.#tell();
  }

  #tell() {
    for (const listener of this.#listeners) listener();
  }
}

/** The browsers that call themselves others too, the most exact name first. */
const BROWSERS = [
  ['Edge', /\bEdg(?:e|A|iOS)?\/(\d+)/], ['Opera', /\bOPR\/(\d+)/], ['Yandex', /\bYaBrowser\/(\d+)/],
  ['Samsung Internet', /\bSamsungBrowser\/(\d+)/], ['Firefox', /\b(?:Firefox|FxiOS)\/(\d+)/],
  ['Chrome', /\b(?:Chrome|CriOS|HeadlessChrome)\/(\d+)/], ['Safari', /\bVersion\/(\d+).*\bSafari\//],
];
const SYSTEMS = [
  ['iPhone', /iPhone/], ['iPad', /iPad/], ['Android', /Android/], ['Windows', /Windows/],
  ['macOS', /Macintosh/], ['ChromeOS', /CrOS/], ['Linux', /Linux/],
];

/** `Firefox 153, Windows`, by what the browser says of itself. */
export function browserName(agent) {
  const [name, form] = BROWSERS.find(([, each]) => each.test(agent)) ?? [];
  const [system] = SYSTEMS.find(([, each]) => each.test(agent)) ?? [];
  const browser = name ? `${name} ${form.exec(agent)[1]}` : 'another browser';
  return system ? `${browser}, ${system}` : browser;
}
