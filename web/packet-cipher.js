/** Packets under the keys of one channel: numbered, encrypted, and each accepted once. */

import { ChannelFault } from './channel-end.js';
import { MAX_NUMBER, REPLAY_WINDOW } from './limits.js';
import { open, seal } from './noise.js';
import { packetFrame } from './packet.js';

/** @typedef {import('./bytes.js').Bytes} Bytes */

export class PacketCipher {
  /** @type {CryptoKey} */ #sending;
  /** @type {CryptoKey} */ #receiving;
  #nextNumber = 0;
  #replay = new ReplayWindow();

  /** @param {'a' | 'b'} side @param {import('./noise.js').Keys} keys */
  constructor(side, { aToB, bToA }) {
    [this.#sending, this.#receiving] = side === 'a' ? [aToB, bToA] : [bToA, aToB];
  }

  /**
   * Opens a packet that is fresh and authentic. Any other one changes nothing.
   * @param {number} number
   * @param {Bytes} ciphertext
   * @returns {Promise<Bytes | 'malformed' | 'replayed' | 'forged'>} The content, or why it is
   *   dropped.
   */
  async open(number, ciphertext) {
    if (number >= MAX_NUMBER) return 'malformed';
    if (!this.#replay.isFresh(number)) return 'replayed';
    const content = await open(this.#receiving, number, ciphertext);
    if (content === null) return 'forged';
    this.#replay.mark(number);
    return content;
  }

  /**
   * The frame of the next packet.
   * @param {Bytes} content
   * @throws {ChannelFault} `exhausted`
   */
  async seal(content) {
    if (this.#nextNumber >= MAX_NUMBER) throw new ChannelFault('exhausted');
    // Taken before anything asynchronous. A number that is used twice would break the encryption.
    const number = this.#nextNumber++;
    return packetFrame(number, await seal(this.#sending, number, content));
  }
}

/**
 * Which packet numbers were received. Only authenticated packets move it: a forged high number
 * would shut out all others.
 */
class ReplayWindow {
  #highest = -1;
  /** @type {Set<number>} */ #seen = new Set();

  /** Numbers older than the window count as seen. @param {number} number */
  isFresh(number) {
    return number > this.#highest - REPLAY_WINDOW && !this.#seen.has(number);
  }

  /** @param {number} number */
  mark(number) {
    this.#seen.add(number);
    if (number <= this.#highest) return;
    this.#highest = number;
    for (const old of this.#seen) {
      if (old <= number - REPLAY_WINDOW) this.#seen.delete(old);
    }
  }
}
