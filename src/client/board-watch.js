// What the board knows of its event, asked for again and again; and the organiser's orders.
//
// It must never know the DOM. Subscribers are called after each change.

import { Problem } from './board-api.js';

/** The pause between two looks, in ms. */
const LOOK_MS = 2000;

/** The same after a refusal for asking too often. */
const LOOK_SLOWLY_MS = 15_000;

/** Each part of the event: every so many looks it is asked for; in its answer, its list. */
const PARTS = {
  live: { every: 1 },
  sessions: { every: 5, list: 'sessions' },
  checks: { every: 5, list: 'checks' },
  invites: { every: 5, list: 'invites' },
  members: { every: 30, list: 'members' },
};

/** Parts of one list that are asked for: a roster has 5000 members at most. */
const PAGES_MAX = 10;

export class Watch {
  #api;
  #subscribers = new Set();
  #timer = null;
  #looks = 0;
  #looking = false;
  #wanted = new Set();
  #seen = true;
  #paused = false;

  event = null;
  live = null;
  sessions = [];
  checks = [];
  invites = [];
  members = [];
  /** Links that this page was given, by member: the server keeps none. */
  minted = new Map();
  /** Why there is no board at all. */
  refusal = null;
  /** Why parts are not up to date, by their names. */
  troubles = new Map();
  /** When the server last answered all of a regular look, by this machine's clock. */
  heardAt = null;

  constructor(api) {
    this.#api = api;
  }

  subscribe(subscriber) {
    this.#subscribers.add(subscriber);
  }

  get paused() {
    return this.#paused;
  }

  set paused(paused) {
    this.#paused = paused;
    this.#tell();
    this.look();
  }

  /** Whether the page is seen; for one that is not, nothing is asked. */
  set seen(seen) {
    this.#seen = seen;
    this.look();
  }

  /** Looks now, at `parts` even if they are not due or the board is paused. */
  async look(...parts) {
    for (const part of parts) this.#wanted.add(part);
    clearTimeout(this.#timer);
    if (this.#looking || this.refusal || (this.#rests && this.#wanted.size === 0)) return;
    this.#looking = true;
    await this.#lookAt(this.#due());
    this.#looking = false;
    this.#tell();
    if (this.#wanted.size > 0) this.look();
    else if (!this.refusal) this.#timer = setTimeout(() => this.look(), this.#pause);
  }

  /** Makes links: `members` is a list of ids. */
  async mint(members, validity = {}) {
    const { invites } = await this.#api.post(this.#path('/invites'), { members, ...validity });
    for (const invite of invites) this.minted.set(invite.member, invite);
    this.#tell();
    this.look('invites');
    return invites;
  }

  /** Everybody's links as a table; the program prints the same. */
  allLinks() {
    return this.#api.file(this.#path('/invites'), 'text/csv', { members: 'all' });
  }

  /** Withdraws one link, or, without a `jti`, all of the member. */
  async withdraw(member, jti) {
    await this.#api.delete(this.#path(jti ? `/invites/${encodeURIComponent(jti)}` : `/members/${member}/invites`));
    if (!jti || this.minted.get(member)?.jti === jti) this.minted.delete(member);
    this.#tell();
    this.look('invites', 'live');
  }

  /** The record as `type`, or a table of it. */
  record(table, type) {
    return this.#api.file(this.#path(table ? `/record/${table}.csv` : '/record'), type);
  }

  /** The server's clock, as it was last told. */
  get now() {
    return this.live ? Date.parse(this.live.at) + Date.now() - this.live.receivedAt : Date.now();
  }

  get #rests() {
    return this.event !== null && (this.#paused || !this.#seen);
  }

  get #pause() {
    return [...this.troubles.values()].some(({ status }) => status === 429) ? LOOK_SLOWLY_MS : LOOK_MS;
  }

  #path(rest) {
    return `/events/${this.event.id}${rest}`;
  }

  #due() {
    const wanted = [...this.#wanted];
    this.#wanted.clear();
    if (this.#rests) return wanted;
    const turn = this.#looks;
    this.#looks += 1;
    return Object.keys(PARTS).filter((part) => wanted.includes(part) || turn % PARTS[part].every === 0 || isLoss(this.troubles.get(part)));
  }

  async #lookAt(parts) {
    const resting = this.#rests;
    if (!this.event) await this.#find();
    if (!this.event) return;
    await Promise.all(parts.map((part) => this.#ask(part)));
    if (!resting && ![...this.troubles.values()].some(isLoss)) this.heardAt = Date.now();
  }

  async #find() {
    try {
      const { events } = await this.#api.news('/events');
      this.event = events.find(({ served }) => served) ?? events[0] ?? null;
      this.refusal = this.event ? null : new Problem(404);
      this.troubles.delete('event');
    } catch (error) {
      if (isFinal(error)) this.refusal = error;
      else this.troubles.set('event', error);
    }
  }

  async #ask(part) {
    try {
      const path = this.#path(`/${part}`);
      const news = await this.#api.news(path);
      if (news) this[part] = await this.#whole(path, part, news);
      this.troubles.delete(part);
    } catch (error) {
      // A token that has ended ends the board; one that lacks a scope only lacks a part.
      if (error.status === 401) this.refusal = error;
      else this.troubles.set(part, error);
    }
    this.#tell();
  }

  /** What an answer gives of a part: of a list that comes in several, all of it. */
  async #whole(path, part, answer) {
    const { list } = PARTS[part];
    if (!list) return { ...answer, receivedAt: Date.now() };
    const all = answer[list];
    for (let { next } = answer, left = PAGES_MAX; next && left > 0; left -= 1) {
      const more = await this.#api.news(`${path}?after=${encodeURIComponent(next)}`);
      all.push(...more[list]);
      next = more.next;
    }
    return all;
  }

  #tell() {
    for (const subscriber of this.#subscribers) subscriber();
  }
}

/** Whether it was no answer at all. */
function isLoss(error) {
  return error !== undefined && !(error instanceof Problem);
}

/** Whether asking again is of no use. */
function isFinal(error) {
  return error instanceof Problem && error.status !== 429 && error.status < 500;
}
