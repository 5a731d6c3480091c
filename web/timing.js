/** When to connect again, and when a connection counts as dead. Times are milliseconds. */

import { FIRST_REFUSED_WINDOW_MS, LONGEST_WINDOW_MS } from './facts.js';

/** A socket that is not `ready` after this time is abandoned. */
export const DIAL_MS = 10_000;
/** After this long without a message from the server the page sends a ping. */
export const SILENCE_MS = 20_000;
/** An answer that takes longer than this means that the connection is dead. */
export const PONG_MS = 8_000;
/** The same, when there is a reason to doubt the connection (back from sleep, network changed). */
export const DOUBTED_PONG_MS = 3_000;

/**
 * Pauses drawn from a window that doubles ("full jitter"), so that many who lost the same server do
 * not come back in step.
 */
export class BackOff {
  #random;
  #first;
  #window;

  /**
   * @param {() => number} random A number from 0 to 1, 1 excluded.
   * @param {number} first The first window.
   */
  constructor(random, first) {
    this.#random = random;
    this.#first = this.#window = first;
  }

  next() {
    const window = this.#window;
    this.#window = Math.min(window * 2, LONGEST_WINDOW_MS);
    return Math.round(window * this.#random());
  }

  /** The server asked for a back-off. */
  skipTheShortest() {
    this.#window = Math.max(this.#window, FIRST_REFUSED_WINDOW_MS);
  }

  /** After a success the next window is the first again. */
  reset() {
    this.#window = this.#first;
  }
}

/**
 * Whether the server still answers. A page cannot see the server's WebSocket pings, so it sends its
 * own.
 */
export class Heartbeat {
  /** @type {number | null} */ pingAt = null;
  /** @type {number | null} */ deadAt = null;

  /** @param {number} now */
  received(now) {
    this.pingAt = now + SILENCE_MS;
    this.deadAt = null;
  }

  /** A ping goes out. @param {number} now @param {number} timeout */
  pinged(now, timeout) {
    this.pingAt = null;
    this.deadAt = Math.min(this.deadAt ?? Infinity, now + timeout);
  }

  stop() {
    this.pingAt = this.deadAt = null;
  }
}
