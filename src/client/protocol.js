// The signalling connection of `roundtable.v1`: requests with answers, events, signals.
//
// Part of the client library (`signalling/protocol.md`, "Using the client library"). It must never know
// the DOM, what an event means, or when to come back after a loss (visit.js).

/** How long an answer may take, in ms. Past it the connection counts as dead and is closed. */
const ANSWER_MS = 10_000;

/** The same where there is reason to doubt the connection: the server answers a ping at once. */
const PING_MS = 3000;

/** A request's `error`: a stable `code` and a message for people. */
export class Refusal extends Error {
  constructor(code, message) {
    super(message);
    this.name = 'Refusal';
    this.code = code;
  }
}

/** The connection could not be made, or ended before the answer. */
export class Unreachable extends Error {
  constructor() {
    super('the connection to the server ended');
    this.name = 'Unreachable';
  }
}

/** The address of the signalling socket of the server that `location`, or an invite link as a `URL`, is of. */
export function socketUrl({ protocol, host }) {
  return `${protocol === 'https:' ? 'wss:' : 'ws:'}//${host}/ws`;
}

/** A connection that is made, and after a loss made anew, by `connect`; one at a time. */
export class Protocol {
  #url;
  #socket = null;
  #nextId = 1;
  #pending = new Map();
  #heardAt = 0;

  /** Called with each event that changes the room. */
  onEvent = () => {};
  /** Called with each signal (the latest wins). */
  onSignal = () => {};
  /** Called once a connection that stood has ended, with its close code. */
  onClosed = () => {};

  /** `url` as `socketUrl` gives it. Nothing is connected yet. */
  constructor(url) {
    this.#url = url;
  }

  /** Whether requests may be sent now. */
  get connected() {
    return this.#socket?.readyState === WebSocket.OPEN;
  }

  /** Connects anew. Resolves once requests may be sent; rejects with `Unreachable`. */
  connect() {
    this.close();
    const socket = new WebSocket(this.#url, 'roundtable.v1');
    this.#socket = socket;
    return new Promise((resolve, reject) => {
      let stood = false;
      const giveUp = setTimeout(() => socket.close(), ANSWER_MS);
      socket.onopen = () => {
        clearTimeout(giveUp);
        stood = true;
        this.#heardAt = performance.now();
        resolve();
      };
      // One that was abandoned may find its voice again.
      socket.onmessage = ({ data }) => this.#socket === socket && this.#receive(data);
      socket.onclose = ({ code }) => {
        clearTimeout(giveUp);
        if (this.#socket !== socket) return;
        this.#socket = null;
        this.#failPending();
        if (stood) this.onClosed(code);
        else reject(new Unreachable());
      };
    });
  }

  /**
   * Sends a request; resolves with its `ok`, rejects with `Refusal` or `Unreachable`. A connection
   * on which no answer came within `patience` ms is abandoned.
   */
  request(type, fields = {}, patience = ANSWER_MS) {
    if (!this.connected) return Promise.reject(new Unreachable());
    const id = this.#nextId++;
    const socket = this.#socket;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => this.#abandon(socket), patience);
      this.#pending.set(id, { resolve, reject, timer });
      socket.send(JSON.stringify({ id, type, ...fields }));
    });
  }

  /** Asks for a sign of life: a socket whose other end is silent is abandoned for it. */
  ping(patience = PING_MS) {
    // Whatever the answer says, somebody gave it.
    return this.request('ping', {}, patience).catch(() => {});
  }

  /** How long nothing has come from the server, in ms. */
  get quietMs() {
    return performance.now() - this.#heardAt;
  }

  /** Ends the connection without `onClosed`. */
  close() {
    const socket = this.#socket;
    this.#socket = null;
    this.#failPending();
    socket?.close(1000);
  }

  /** For a socket whose other end is silent: `close` alone would wait for an answer to it. */
  #abandon(socket) {
    if (this.#socket !== socket) return;
    this.#socket = null;
    this.#failPending();
    socket.close();
    this.onClosed(1006);
  }

  #receive(text) {
    this.#heardAt = performance.now();
    let message;
    try {
      message = JSON.parse(text);
    } catch {
      return;
    }
    if (message.signal !== undefined) this.onSignal(message);
    else if (message.rev !== undefined) this.onEvent(message);
    else if (message.id !== undefined) this.#answer(message);
  }

  #answer({ id, ok, error }) {
    const waiting = this.#pending.get(id);
    if (!waiting) return;
    this.#pending.delete(id);
    clearTimeout(waiting.timer);
    if (error) waiting.reject(new Refusal(error.code, error.message));
    else waiting.resolve(ok);
  }

  #failPending() {
    const pending = [...this.#pending.values()];
    this.#pending.clear();
    for (const { reject, timer } of pending) {
      clearTimeout(timer);
      reject(new Unreachable());
    }
  }
}
