// Keeps the screen from falling asleep while it is wanted (Screen Wake Lock).
//
// It must never know the DOM, or why it is wanted. A browser that has no such lock, or gives none (on a
// low battery), is left as it is.

export class Awake {
  #request;
  #wanted = false;
  #lock = null;
  #asking = false;

  /** `request()` asks the browser for a lock; rejects where there is none. */
  constructor(request) {
    this.#request = request;
  }

  /** Wants the screen awake from now on, or no longer. */
  want(wanted) {
    if (wanted === this.#wanted) return;
    this.#wanted = wanted;
    this.settle();
  }

  /** Brings the lock to what is wanted; call it when the page is shown again, as hiding it ends a lock. */
  async settle() {
    if (this.#asking) return;
    if (!this.#wanted) {
      this.#lock?.release().catch(() => {});
      this.#lock = null;
      return;
    }
    if (this.#lock && !this.#lock.released) return;
    this.#asking = true;
    try {
      this.#lock = await this.#request();
    } catch {
      this.#lock = null;
    } finally {
      this.#asking = false;
    }
    // Left meanwhile.
    if (!this.#wanted) this.settle();
  }
}
