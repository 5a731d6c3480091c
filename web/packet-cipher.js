/**
 * Packets under the keys of one channel: numbered, encrypted, and each accepted once. The keys move on
 * from epoch to epoch, each made from the one before, which is then erased.
 */

import { concat, utf8 } from './bytes.js';
import { ChannelFault } from './channel-end.js';
import { EPOCH_PACKETS, MAX_NUMBER, REPLAY_WINDOW } from './limits.js';
import { aesKey, hkdf, hkdfKey, open, seal } from './noise.js';
import { packetHeader } from './packet.js';

/** @typedef {import('./bytes.js').Bytes} Bytes */
/** @typedef {import('./packet.js').Packet} Packet */
/** @typedef {'malformed' | 'epoch' | 'replayed' | 'forged'} Drop */

/** The highest epoch: a packet has 32 bits for it. */
const LAST_EPOCH = 2 ** 32 - 1;
const SALT = utf8('cipher-chat.v2 epoch');

/** The key of one direction in one epoch. Its bytes cannot be read out. */
class EpochKey {
  /** @param {number} epoch @param {CryptoKey} cipher @param {CryptoKey} chain What the next one is derived from. */
  constructor(epoch, cipher, chain) {
    this.epoch = epoch;
    this.cipher = cipher;
    this.chain = chain;
  }

  /** @param {number} epoch @param {Bytes} bytes They are erased. */
  static async of(epoch, bytes) {
    const [cipher, chain] = await Promise.all([aesKey(bytes), hkdfKey(bytes)]);
    bytes.fill(0);
    return new EpochKey(epoch, cipher, chain);
  }

  async next() {
    const [bytes] = await hkdf(SALT, this.chain, 1);
    return EpochKey.of(this.epoch + 1, bytes);
  }
}

export class PacketCipher {
  #sending;
  #receiving;
  /** Of the epoch before, for packets that were overtaken. @type {CryptoKey | null} */ #overtaken = null;
  #nextNumber = 0;
  /** Packets made in the epoch of sending. */ #made = 0;
  /** The highest message number that was in a packet when that epoch began. */ #sentBefore = 0;
  #replay = new ReplayWindow();

  /** @param {EpochKey} sending @param {EpochKey} receiving */
  constructor(sending, receiving) {
    this.#sending = sending;
    this.#receiving = receiving;
  }

  /** @param {'a' | 'b'} side @param {import('./handshake.js').Keys} keys They are erased. */
  static async of(side, { aToB, bToA }) {
    const [one, other] = await Promise.all([EpochKey.of(0, aToB), EpochKey.of(0, bToA)]);
    return side === 'a' ? new PacketCipher(one, other) : new PacketCipher(other, one);
  }

  /**
   * Opens a packet that is fresh and authentic. Any other one changes nothing.
   * @param {Packet} packet
   * @returns {Promise<Bytes | Drop>} The content, or why it is dropped.
   */
  async open({ epoch, number, header, ciphertext }) {
    if (number >= MAX_NUMBER) return 'malformed';
    const current = this.#receiving;
    if (Math.abs(epoch - current.epoch) > 1) return 'epoch';
    if (!this.#replay.isFresh(number)) return 'replayed';
    // The next key stays beside until a packet of it opens: anybody can write a number.
    const next = epoch > current.epoch ? await current.next() : null;
    const key = epoch < current.epoch ? this.#overtaken : (next ?? current).cipher;
    if (key === null) return 'epoch';
    const content = await open(key, number, ciphertext, header);
    if (content === null) return 'forged';
    this.#replay.mark(number);
    if (next !== null) [this.#overtaken, this.#receiving] = [current.cipher, next];
    return content;
  }

  /**
   * Enters the next epoch before a packet is made, if it is time. What the peer has acknowledged of
   * this epoch proves that it is in it, so it is never more than one behind.
   * @param {{acknowledged: number, sent: number}} progress
   * @throws {ChannelFault} `exhausted`
   */
  async moveOn({ acknowledged, sent }) {
    if (this.#made < EPOCH_PACKETS || acknowledged <= this.#sentBefore) return;
    if (this.#sending.epoch === LAST_EPOCH) throw new ChannelFault('exhausted');
    this.#sending = await this.#sending.next();
    this.#made = 0;
    this.#sentBefore = sent;
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
    this.#made += 1;
    const header = packetHeader(this.#sending.epoch, number);
    return concat(header, await seal(this.#sending.cipher, number, content, header));
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
