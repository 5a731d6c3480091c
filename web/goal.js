/**
 * What to bring back after a lost connection: nothing, a find, or a room. The server's messages
 * about it end here; the connection machine sends and reports what comes of them.
 */

import { ERROR_CODES, FIRST_REFUSED_WINDOW_MS } from './facts.js';
import { VERSION } from './limits.js';
import { BackOff } from './timing.js';

/** @typedef {import('./facts.js').Category} Category */
/** @typedef {import('./facts.js').EndReason} EndReason */
/** @typedef {import('./protocol.js').ClientMessage} ClientMessage */
/** @typedef {import('./protocol.js').ConnectionEvent} ConnectionEvent */
/** @typedef {import('./protocol.js').Criteria} Criteria */

/**
 * What comes of a message: something to send, something to report, both, or nothing.
 * @typedef {{send?: ClientMessage, emit?: ConnectionEvent} | null} Outcome
 */

export class Goal {
  /** Whom the person waits for. @type {Criteria | null} */ #criteria = null;
  /** The newest ticket of the room. @type {string | null} */ #ticket = null;
  /** Whether the server has yet to take this side back into the room. */
  resuming = false;
  /** When to repeat what the server could not do for now. @type {number | null} */
  repeatAt = null;
  /**
   * A report that the server has not answered, and what answers it: in a room its end; for a chat that
   * is over a token, but not the one that follows the end of each chat.
   * @type {{category: Category, answer: 'end' | 'second token' | 'token'} | null}
   */
  #report = null;
  /** Pauses before a refused message is sent again. */ #retries;

  /** @param {() => number} random A number from 0 to 1, 1 excluded. */
  constructor(random) {
    this.#retries = new BackOff(random, FIRST_REFUSED_WINDOW_MS);
  }

  get inRoom() {
    return this.#ticket !== null;
  }

  /** Whether there is nothing to be connected for. */
  get isNone() {
    return this.#criteria === null && !this.inRoom;
  }

  /**
   * Waits for somebody, and leaves the room for that.
   * @param {Criteria} criteria
   * @returns {ClientMessage}
   */
  find(criteria) {
    const type = this.inRoom ? 'next' : 'find';
    this.leaveRoom();
    this.#report = null;
    this.#criteria = criteria;
    this.repeatAt = null;
    return { type, channel: VERSION, ...criteria };
  }

  /**
   * Reports the chat, which ends it, or the one that has just ended. What became of it is told.
   * @param {Category} category
   * @returns {ClientMessage}
   */
  report(category) {
    this.#report = { category, answer: this.inRoom ? 'end' : 'token' };
    this.leaveRoom();
    return { type: 'report', category };
  }

  /** Wants nothing any more. */
  clear() {
    this.#criteria = this.#report = null;
    this.repeatAt = null;
    this.leaveRoom();
    this.#retries.reset();
  }

  leaveRoom() {
    this.#ticket = null;
    this.resuming = false;
  }

  /**
   * The message for a new connection, or to repeat after a refusal; `null` when there is none.
   * @returns {ClientMessage | null}
   */
  message() {
    if (this.resuming) return { type: 'resume', ticket: this.#ticket };
    if (this.#criteria !== null) return { type: 'find', channel: VERSION, ...this.#criteria };
    return this.#report && { type: 'report', category: this.#report.category };
  }

  /** The connection is lost: what it was to bring is told or forgotten. @returns {Outcome} */
  disconnected() {
    this.repeatAt = null;
    return this.#reported(false);
  }

  /** @param {import('./outlook.js').Outlook} outlook @returns {Outcome} */
  waiting(outlook) {
    if (this.#criteria === null) return null;
    this.#retries.reset();
    return { emit: { kind: 'waiting', outlook } };
  }

  /** @param {{room: string, side: 'a' | 'b', ticket: string}} message @returns {Outcome} */
  paired({ room, side, ticket }) {
    // A second room would let a server draw lots for the safety code: it ends the chat, and the
    // person sees that.
    if (this.inRoom) {
      this.leaveRoom();
      return { send: { type: 'leave' }, emit: { kind: 'paired-again' } };
    }
    // The match was made before the server heard that nobody is wanted any more.
    const criteria = this.#criteria;
    if (criteria === null) return { send: { type: 'leave' } };
    this.#enter(ticket);
    return { emit: { kind: 'paired', room, side, criteria } };
  }

  /** @param {{ticket: string}} message @returns {Outcome} */
  resumed({ ticket }) {
    if (!this.inRoom) return null;
    this.#enter(ticket);
    return { emit: { kind: 'resumed' } };
  }

  /**
   * The token was renewed, and the ticket, if this side is in a room. It also answers a report of a
   * chat that was over.
   * @param {string | undefined} ticket
   * @returns {Outcome}
   */
  renewed(ticket) {
    if (this.inRoom && ticket) this.#ticket = ticket;
    const report = this.#report;
    if (report === null || report.answer === 'end') return null;
    // One that is to be sent again was refused: this token came by chance.
    if (report.answer === 'token') return this.repeatAt === null ? this.#reported(true) : null;
    report.answer = 'token';
    return null;
  }

  /**
   * @param {EndReason} reason
   * @param {boolean} connected Whether this side had a connection to the server.
   * @returns {Outcome}
   */
  ended(reason, connected) {
    if (!this.inRoom) return reason === 'reported' ? this.#reported(true) : this.#crossed();
    const away = !connected || this.resuming;
    this.leaveRoom();
    return { emit: { kind: 'ended', reason, away } };
  }

  /** The server's `error`. @param {string} code @param {number} now @returns {Outcome} */
  refused(code, now) {
    const remedy = ERROR_CODES.get(code);
    if (remedy === 'repeat') {
      if (this.message() === null) return null;
      const retryInMs = this.#retries.next();
      this.repeatAt = now + retryInMs;
      return this.#report === null ? { emit: { kind: 'busy', retryInMs } } : null;
    }
    if (this.resuming && code !== 'in-room') return this.ended('expired', true);
    if (this.#report !== null) return this.#reported(false);
    // The server did not take the `leave` before this search (`rate`): the search ends that room, too.
    if (code === 'in-room' && this.#criteria !== null) return { send: /** @type {ClientMessage} */ ({ ...this.message(), type: 'next' }) };
    if (this.#criteria === null || remedy !== 'give-up') return null;
    this.#criteria = null;
    return { emit: { kind: 'refused', code } };
  }

  /** The other side has left before the report came: it is about a chat that is over. @returns {null} */
  #crossed() {
    if (this.#report?.answer === 'end') this.#report.answer = 'second token';
    return null;
  }

  /** @param {boolean} taken Whether the server has taken the report, if there is one. @returns {Outcome} */
  #reported(taken) {
    if (this.#report === null) return null;
    this.#report = this.repeatAt = null;
    this.#retries.reset();
    return { emit: { kind: 'reported', taken } };
  }

  /** Is in a room, for the first time or again. @param {string} ticket */
  #enter(ticket) {
    this.#retries.reset();
    this.#criteria = null;
    this.#ticket = ticket;
    this.resuming = false;
  }
}
