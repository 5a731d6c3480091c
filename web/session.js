/**
 * The session: its token, and what is asked of the server about it. How long a token lives is
 * measured from its receipt; that it is dead, only the server says (401).
 */

import { emit } from './protocol.js';

/** @typedef {import('./protocol.js').Effect} Effect */

/**
 * A token as the server sends it. `expires_in`: its life in seconds.
 * @typedef {{token: string, expires_in?: number}} Renewal
 */

/** Within this time of its end a token is asked about before it is used. */
const MARGIN_MS = 2_000;

export class Session {
  /** @type {string | null} */ #token = null;
  #endsAt = 0;
  /** Whether a session is being made. */ isBeingMade = false;
  /** Whether the server has said that it takes no new ones. */ isClosed = false;
  /** The token that the server is being asked about. @type {string | null} */ #probed = null;

  /** The newest token, which may have ended; `null` if there is none. */
  get token() {
    return this.#token;
  }

  /** Whether the token still holds, as far as it can be known here. @param {number} now */
  isFresh(now) {
    return this.#token !== null && now < this.#endsAt - MARGIN_MS;
  }

  /** @param {Renewal} renewal @param {number} now */
  keep({ token, expires_in }, now) {
    this.#token = token;
    // Without a life that is told, only the server knows.
    this.#endsAt = Number.isFinite(expires_in) ? now + Number(expires_in) * 1000 : Infinity;
  }

  /** Asks the server for a session. @returns {Effect[]} */
  make() {
    this.isBeingMade = true;
    return [{ do: 'create-session' }];
  }

  /** None can be made now. @param {number} retryInMs @returns {Effect} */
  busy(retryInMs) {
    return emit(this.isClosed ? { kind: 'busy', retryInMs, closed: true } : { kind: 'busy', retryInMs });
  }

  /** Asks the server whether the token still holds. @returns {Effect[]} */
  probe() {
    if (this.#token === null || this.#probed === this.#token) return [];
    this.#probed = this.#token;
    return [{ do: 'probe', token: this.#token }];
  }

  /**
   * Takes the answer, unless it is about a token that has been replaced meanwhile.
   * @param {string} token
   * @param {'holds' | 'dead' | 'unknown'} answer
   */
  probed(token, answer) {
    if (this.#probed === token) this.#probed = null;
    if (this.#token !== token) return false;
    if (answer === 'dead') this.#token = null;
    if (answer === 'holds') this.#endsAt = Infinity;
    return true;
  }

  forget() {
    this.#token = null;
  }
}
