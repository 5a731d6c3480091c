/**
 * The connection to the server: the socket that is ready, the one that is being opened, and whether
 * the server still answers.
 */

import { Dial } from './dial.js';
import { Liveness } from './liveness.js';

/** @typedef {import('./protocol.js').ClientMessage} ClientMessage */
/** @typedef {import('./protocol.js').Effect} Effect */

export class Sockets {
  dial;
  liveness = new Liveness();
  /** The socket that is `ready`. @type {number | null} */ active = null;

  /** @param {() => number} random A number from 0 to 1, 1 excluded. */
  constructor(random) {
    this.dial = new Dial(random);
  }

  /** When something is next to be done. */
  get times() {
    return [this.dial.at, this.dial.abandonAt, this.liveness.next];
  }

  /** Whether a socket counts, or is one of the past. @param {number} socket */
  knows(socket) {
    return socket === this.active || socket === this.dial.opening;
  }

  /** Sends a control message over the socket that is ready. @param {ClientMessage} message @returns {Effect} */
  send(message) {
    return { do: 'send', socket: /** @type {number} */ (this.active), text: JSON.stringify(message) };
  }

  /** Asks for a sign of life, because nothing was received. @param {number} now @returns {Effect[]} */
  ping(now) {
    this.liveness.pinged(now);
    return [this.send({ type: 'ping' })];
  }

  /**
   * Asks for a sign of life, and connects again if none comes.
   * @param {number} now
   * @param {number} [patience]
   * @returns {Effect[]}
   */
  ask(now, patience) {
    this.liveness.asked(now, patience);
    return [this.send({ type: 'ping' })];
  }

  /**
   * Something was received. What was to replace the connection is given up.
   * @param {number} now
   * @returns {Effect[]}
   */
  received(now) {
    this.liveness.received(now);
    const spare = this.dial.giveUpSpare();
    return spare === null ? [] : [{ do: 'close', socket: spare }];
  }

  /**
   * The socket that was being opened is ready; the one before is closed.
   * @param {number} now
   * @returns {Effect[]}
   */
  ready(now) {
    const before = this.active;
    this.active = this.dial.opening;
    this.dial.succeeded(now);
    this.liveness.received(now);
    return before === null ? [] : [{ do: 'close', socket: before }];
  }

  /** The socket that was ready is lost. @param {number} now */
  lost(now) {
    this.dial.lost(now);
    this.active = null;
    this.liveness.stop();
  }

  /** Closes everything. @returns {Effect[]} */
  stop() {
    const open = [this.active, this.dial.opening].filter((socket) => socket !== null);
    this.active = null;
    this.dial.stop();
    this.liveness.stop();
    return open.map((socket) => ({ do: 'close', socket }));
  }
}
