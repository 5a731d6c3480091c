/** When to try again, and when a connection counts as dead. Times are milliseconds. */

/** First pause before another try; doubled up to the longest, and each time a random part of it is taken. */
export const FIRST_PAUSE_MS = 500;
/** Longest pause: several tries fit into the minute that a room waits for whoever lost the connection. */
export const LONGEST_PAUSE_MS = 10_000;
/** A socket that is not `ready` after this time is given up. */
export const DIAL_MS = 10_000;
/** After this long without a word from the server the page asks. */
export const SILENCE_MS = 20_000;
/** An answer that takes longer than this means that the connection is dead. */
export const PONG_MS = 8_000;
/** The same, when there is a reason to doubt the connection (back from sleep, network changed). */
export const DOUBTED_PONG_MS = 3_000;

/** Pauses with full jitter, so that many who lost the same server do not come back in step. */
export class BackOff {
  #random;
  #failures = 0;

  /** @param {() => number} random A number from 0 to 1, 1 excluded. */
  constructor(random) {
    this.#random = random;
  }

  next() {
    const longest = Math.min(FIRST_PAUSE_MS * 2 ** this.#failures, LONGEST_PAUSE_MS);
    this.#failures += 1;
    return Math.round(longest * this.#random());
  }

  reset() {
    this.#failures = 0;
  }
}

/** Whether the server is still there: a page cannot see the server's protocol pings, so it asks by itself. */
export class Heartbeat {
  /** @type {number | null} */ pingAt = null;
  /** @type {number | null} */ deadAt = null;

  /** @param {number} now */
  received(now) {
    this.pingAt = now + SILENCE_MS;
    this.deadAt = null;
  }

  /** A ping goes out. @param {number} now @param {number} timeout */
  asked(now, timeout) {
    this.pingAt = null;
    this.deadAt = Math.min(this.deadAt ?? Infinity, now + timeout);
  }

  stop() {
    this.pingAt = this.deadAt = null;
  }
}
