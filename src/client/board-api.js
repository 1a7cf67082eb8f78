// The organiser's API as the board uses it: requests with the token, refusals, files.
//
// It must never know the DOM, nor what an answer means.

import { Unreachable } from './protocol.js';

/** How long an answer may take, in ms. */
const ANSWER_MS = 15_000;

/** A refusal as RFC 9457 writes it: `status`, and `detail` for people. */
export class Problem extends Error {
  constructor(status, { title, detail } = {}) {
    super(detail ?? title ?? `HTTP ${status}`);
    this.name = 'Problem';
    this.status = status;
  }
}

/** The claims of a token, unverified; null where it is none. For words alone: the server decides. */
export function claimsOf(token) {
  try {
    const base64 = token.split('.')[1].replaceAll('-', '+').replaceAll('_', '/');
    return JSON.parse(atob(base64));
  } catch {
    return null;
  }
}

export class Api {
  #token;
  #base;
  /** Entity tags by path: of what `news` gave last. */
  #tags = new Map();

  constructor(token, base = '/api/v1') {
    this.#token = token;
    this.#base = base;
  }

  /** What the resource says, or null where it is what the last call gave. */
  async news(path) {
    const tag = this.#tags.get(path);
    const answer = await this.#ask(path, { headers: tag ? { 'If-None-Match': tag } : {} });
    if (answer.status === 304) return null;
    const said = await read(answer.json());
    const fresh = answer.headers.get('ETag');
    if (fresh) this.#tags.set(path, fresh);
    return said;
  }

  async post(path, body) {
    const headers = { 'Content-Type': 'application/json' };
    const answer = await this.#ask(path, { method: 'POST', headers, body: JSON.stringify(body) });
    return read(answer.json());
  }

  async delete(path) {
    await this.#ask(path, { method: 'DELETE' });
  }

  /** A resource in another form than JSON, as a blob; with a `body` by POST. */
  async file(path, type, body) {
    const headers = { Accept: type };
    if (!body) return read((await this.#ask(path, { headers })).blob());
    headers['Content-Type'] = 'application/json';
    const answer = await this.#ask(path, { method: 'POST', headers, body: JSON.stringify(body) });
    return read(answer.blob());
  }

  async #ask(path, { headers = {}, ...request }) {
    let answer;
    try {
      answer = await fetch(this.#base + path, {
        ...request,
        headers: { Accept: 'application/json', ...headers, Authorization: `Bearer ${this.#token}` },
        cache: 'no-store', credentials: 'omit', redirect: 'error',
        signal: AbortSignal.timeout(ANSWER_MS),
      });
    } catch {
      throw new Unreachable();
    }
    if (answer.ok || answer.status === 304) return answer;
    throw new Problem(answer.status, await answer.json().catch(() => ({})));
  }
}

/** A body that ends before its end is no answer. */
function read(body) {
  return body.catch(() => {
    throw new Unreachable();
  });
}
