/** What was received: messages put in order, each once, and acknowledged a little later. */

import { ChannelFault } from './channel-end.js';
import { WINDOW_BYTES, WINDOW_MESSAGES } from './limits.js';
import { cost } from './packet.js';

/** @typedef {import('./packet.js').Message} Message */

export class Inbound {
  /** The highest number received in order: what is acknowledged. */
  inOrder = 0;
  /** When an acknowledgement is due. @type {number | null} */
  acknowledgeAt = null;
  /** Later messages, behind a gap. @type {Map<number, Message>} */ #ahead = new Map();
  #aheadCost = 0;

  /**
   * Takes one message of an authenticated packet; a copy is dropped.
   * @param {Message} message
   * @throws {ChannelFault}
   */
  receive(message) {
    if (message.number === 0) throw new ChannelFault('malformed');
    if (message.number <= this.inOrder || this.#ahead.has(message.number)) return;
    if (message.number - this.inOrder > WINDOW_MESSAGES) throw new ChannelFault('window-exceeded');
    this.#aheadCost += cost(message.body.length);
    if (this.#aheadCost > WINDOW_BYTES) throw new ChannelFault('window-exceeded');
    this.#ahead.set(message.number, message);
  }

  /** The next message in order, if it is here. @returns {Message | undefined} */
  next() {
    const next = this.#ahead.get(this.inOrder + 1);
    if (next === undefined) return undefined;
    this.inOrder += 1;
    this.#ahead.delete(next.number);
    this.#aheadCost -= cost(next.body.length);
    return next;
  }

  /** The kind of the next message in order, if it is here. */
  get nextKind() {
    return this.#ahead.get(this.inOrder + 1)?.kind;
  }

  /** An acknowledgement is owed by `at`; one owed earlier stays. @param {number} at */
  owe(at) {
    this.acknowledgeAt = Math.min(this.acknowledgeAt ?? Infinity, at);
  }
}
