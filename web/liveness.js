/**
 * Whether the server still answers: when to ask it (`ping`), when to open another connection beside
 * a silent one, and when a connection is lost (docs/protocol.md, "A connection that has gone
 * silent"). A page cannot see the server's WebSocket pings, so it also sends its own. Times are
 * milliseconds.
 */

import { ASK_AFTER_MS, REPLACE_AFTER_MS } from './facts.js';

/** After this long without a message from the server the page sends a ping. */
export const SILENCE_MS = 20_000;
/**
 * A ping without any answer for this long means that the connection is lost. With `SILENCE_MS` it is
 * the server's heartbeat of 25 s and the 10 s more that the protocol gives.
 */
export const LOST_MS = 15_000;
/**
 * How long to wait for an answer before another connection is opened, when there is a reason to doubt
 * this one (back from sleep, network changed).
 */
export const DOUBTED_MS = 3_000;
/**
 * After this long without another connection a person is told that the server does not answer: 10 s
 * after what it should have answered. Mostly the other connection works at once.
 */
export const TELL_AFTER_MS = 2_000;

export class Liveness {
  /** When to ping because nothing was received. @type {number | null} */ pingAt = null;
  /** When to ping because something was sent that is to be answered. @type {number | null} */ askAt = null;
  /** When to open another connection. @type {number | null} */ replaceAt = null;
  /** When to tell the person that the server does not answer. @type {number | null} */ tellAt = null;
  /** When the connection is lost. @type {number | null} */ lostAt = null;
  #awaitsAnswer = false;

  /** When something is next to be done; `null` without a connection. */
  get next() {
    const times = [this.pingAt, this.askAt, this.replaceAt, this.tellAt, this.lostAt].filter((time) => time !== null);
    return times.length > 0 ? Math.min(...times) : null;
  }

  /** @param {number} now */
  received(now) {
    this.pingAt = now + SILENCE_MS;
    this.askAt = this.replaceAt = this.tellAt = this.lostAt = null;
    this.#awaitsAnswer = false;
  }

  /** Something was sent that is to be answered. @param {number} now */
  sent(now) {
    if (!this.#awaitsAnswer) this.askAt = now + ASK_AFTER_MS;
    this.#awaitsAnswer = true;
  }

  /** A ping goes out, because nothing was received. @param {number} now */
  pinged(now) {
    this.pingAt = null;
    this.lostAt ??= now + LOST_MS;
  }

  /**
   * A ping goes out, and another connection is opened if nothing comes.
   * @param {number} now
   * @param {number} patience
   */
  asked(now, patience = REPLACE_AFTER_MS) {
    this.pinged(now);
    this.askAt = null;
    this.#awaitsAnswer = true;
    this.replaceAt = Math.min(this.replaceAt ?? Infinity, now + patience);
  }

  /** Another connection is opened. @param {number} now */
  replaced(now) {
    this.replaceAt = null;
    this.tellAt = now + TELL_AFTER_MS;
  }

  /** The person is told that the server does not answer. */
  told() {
    this.tellAt = null;
  }

  stop() {
    this.pingAt = this.askAt = this.replaceAt = this.tellAt = this.lostAt = null;
    this.#awaitsAnswer = false;
  }
}
