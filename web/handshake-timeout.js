/**
 * The time limits of a handshake: when to repeat the last message, and when to abandon the chat.
 * They run only while both sides are online.
 */

import { COPY_INTERVAL, HANDSHAKE_TIMEOUT, HANDSHAKE_RESEND_MAX, HANDSHAKE_RESEND_MIN } from './limits.js';

export class HandshakeTimeout {
  /** Since when both are online; `null` while one is not. @type {number | null} */ #onlineSince;
  /** Online time before that. */ #spent = 0;
  #interval = HANDSHAKE_RESEND_MIN;
  /** @type {number | null} */ #resendAt = null;
  /** When this side's message was last sent, for whatever reason. */ #sentAt = -Infinity;

  /** @param {number} now */
  constructor(now) {
    this.#onlineSince = now;
  }

  /** Both are online again. @param {number} now */
  resume(now) {
    this.#onlineSince ??= now;
    if (this.#resendAt !== null) this.begin(now);
  }

  /** A message was sent that waits for its answer. @param {number} now */
  begin(now) {
    this.#interval = HANDSHAKE_RESEND_MIN;
    this.#resendAt = now + this.#interval;
  }

  /** This side's message goes out. @param {number} now */
  sent(now) {
    this.#sentAt = now;
  }

  /** Whether a copy of the peer's message may be answered. @param {number} now */
  mayAnswer(now) {
    return now - this.#sentAt >= COPY_INTERVAL;
  }

  /** @param {number} now */
  pause(now) {
    if (this.#onlineSince !== null) this.#spent += Math.max(0, now - this.#onlineSince);
    this.#onlineSince = null;
  }

  /**
   * Whether to send the last message again; if so, the next interval starts.
   * @param {number} now
   */
  resendIsDue(now) {
    if (this.#onlineSince === null || this.#resendAt === null || now < this.#resendAt) return false;
    this.#interval = Math.min(this.#interval * 2, HANDSHAKE_RESEND_MAX);
    this.#resendAt = now + this.#interval;
    return true;
  }

  /** @param {number} now */
  isExhausted(now) {
    return now >= this.#deadline;
  }

  /** When something is next to be done; `null` while one side is away. */
  get next() {
    return this.#onlineSince === null ? null : Math.min(this.#deadline, this.#resendAt ?? Infinity);
  }

  get #deadline() {
    if (this.#onlineSince === null) return Infinity;
    return this.#onlineSince + Math.max(0, HANDSHAKE_TIMEOUT - this.#spent);
  }
}
