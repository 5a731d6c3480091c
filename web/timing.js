/** When to connect again. Times are milliseconds. */

import { FIRST_REFUSED_WINDOW_MS, LONGEST_WINDOW_MS } from './facts.js';

/** A socket that is not `ready` after this time is abandoned. */
export const DIAL_MS = 10_000;
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
