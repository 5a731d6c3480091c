/** When to notify the peer that somebody is writing: on change only, and not too often. */

import { TYPING_INTERVAL } from './limits.js';

export class TypingNotice {
  /** What the owner reported last. */ #current = false;
  /** What the peer was sent last. */ #sent = false;
  #notBefore = 0;

  /** @param {boolean} active */
  set(active) {
    this.#current = active;
  }

  /** When there is something to send; `null` if there is nothing. */
  get dueAt() {
    return this.#current === this.#sent ? null : this.#notBefore;
  }

  /** What to send now; `null` if there is nothing. @param {number} now */
  due(now) {
    return this.dueAt !== null && now >= this.dueAt ? this.#current : null;
  }

  /** @param {number} now @param {boolean} active */
  sent(now, active) {
    this.#sent = active;
    this.#notBefore = now + TYPING_INTERVAL;
  }

  /** A text shows by itself that its writer has stopped. */
  textSent() {
    this.#current = this.#sent = false;
  }
}
