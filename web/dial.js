/** The next connection: when to try it, and the one that is being opened. */

import { FIRST_WINDOW_MS, LONGEST_ASKED_MS, STABLE_MS } from './facts.js';
import { BackOff, DIAL_MS } from './timing.js';

/**
 * After this many sockets in a row that never became ready, the server is asked whether the token
 * is still valid: a browser does not tell a page why an upgrade was refused.
 */
const PROBE_AFTER = 2;

export class Dial {
  /** Pauses between connections. */ #backOff;
  #sockets = 0;
  #neverReady = 0;
  /** Since when the connection is ready. */ #readySince = 0;
  /** When to connect next. @type {number | null} */ at = null;
  /** Before this time the server has no room: whoever comes earlier waits longer. */ notBefore = 0;
  /** The socket that is being opened. @type {number | null} */ opening = null;
  /** When it is abandoned. @type {number | null} */ abandonAt = null;
  /** Whether the server has taken its upgrade. */ #isOpen = false;
  /** Whether it is to replace a silent connection, which may yet speak. */ isSpare = false;
  /**
   * Whether one was given up since the connection is ready. The server may have taken it all the same,
   * and then closes the connection as replaced.
   */
  hasGivenUp = false;

  /** @param {() => number} random A number from 0 to 1, 1 excluded. */
  constructor(random) {
    this.#backOff = new BackOff(random, FIRST_WINDOW_MS);
  }

  /** Whether to ask if the token still holds. */
  get isInDoubt() {
    return this.#neverReady >= PROBE_AFTER;
  }

  /** Begins to open a socket, and returns its number. @param {number} now */
  begin(now) {
    this.at = null;
    this.opening = ++this.#sockets;
    this.abandonAt = now + DIAL_MS;
    this.#isOpen = false;
    return this.opening;
  }

  /** The server has taken the upgrade: it may have given up the connection before already. */
  opened() {
    this.#isOpen = true;
  }

  /**
   * The connection that was silent has spoken. Returns the socket that was to replace it and is no
   * longer needed, or `null`.
   */
  giveUpSpare() {
    if (!this.isSpare || (this.opening !== null && this.#isOpen)) return null;
    const spare = this.opening;
    if (spare !== null) this.hasGivenUp = true;
    this.opening = this.abandonAt = this.at = null;
    this.isSpare = false;
    return spare;
  }

  /** The socket is ready. @param {number} now */
  succeeded(now) {
    this.opening = this.abandonAt = this.at = null;
    this.isSpare = this.hasGivenUp = false;
    this.#neverReady = 0;
    this.#readySince = now;
  }

  /** The socket never became ready. */
  failed() {
    this.opening = this.abandonAt = null;
    this.#neverReady += 1;
  }

  /** A connection that was ready is lost. @param {number} now */
  lost(now) {
    this.isSpare = false;
    if (now - this.#readySince >= STABLE_MS) this.#backOff.reset();
  }

  /** Connects after a pause. @param {number} now */
  later(now) {
    this.at = now + this.#backOff.next();
  }

  /** Connects when the server has asked for it. @param {number} now @param {number} pause */
  asked(now, pause) {
    this.isSpare = false;
    this.at = now + Math.min(pause, LONGEST_ASKED_MS);
  }

  /**
   * The same after a refusal, with jitter, so that many who were refused do not come back in step.
   * Returns the pause.
   * @param {number} now
   * @param {number} pause
   */
  refused(now, pause) {
    this.at = this.notBefore = now + pause + this.#backOff.next();
    return this.at - now;
  }

  /** There is a reason to connect at once, as far as the server lets us. @param {number} now */
  hurry(now) {
    if (this.at !== null) this.at = Math.max(now, this.notBefore);
  }

  /** The server asked for a back-off. */
  skipTheShortest() {
    this.#backOff.skipTheShortest();
  }

  /** Nothing is to be connected for. */
  stop() {
    this.opening = this.abandonAt = this.at = null;
    this.isSpare = false;
    this.#neverReady = 0;
    this.#backOff.reset();
  }
}
