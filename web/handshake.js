/**
 * The handshake: commitment, Noise message 1, Noise message 2. The first copy of each that arrives
 * is final, and each is sent again as stored bytes.
 */

import { concat, equal, utf8 } from './bytes.js';
import { ChannelFault } from './channel-end.js';
import { Noise, WeakKey, sha256 } from './noise.js';
import { handshakeFrame } from './packet.js';

/** @typedef {import('./bytes.js').Bytes} Bytes */
/** @typedef {import('./noise.js').Ephemeral} Ephemeral */
/** @typedef {import('./noise.js').Keys} Keys */
/** @typedef {import('./packet.js').Step} Step */

/**
 * What a handshake message led to. `send` is a frame; `keys` come with the step that makes them.
 * @typedef {{kind: 'unexpected'} | {kind: 'reply', send: Bytes} | {kind: 'waits', send: Bytes}
 *   | {kind: 'keys', send: Bytes, keys: Keys} | {kind: 'secure', keys: Keys}
 *   | {kind: 'acknowledge-again'}} Progress
 */

const NAME_RANDOM = 'Noise_NN_25519_AESGCM_SHA256';
const NAME_INVITE = 'Noise_NNpsk0_25519_AESGCM_SHA256';
const KEY_BYTES = 32;
const TAG_BYTES = 16;

export class Handshake {
  #side;
  #room;
  #name;
  /** @type {Bytes | null} */ #psk;
  /** @type {Ephemeral | null} */ #ephemeral;
  /** `a`'s, between messages 1 and 2. @type {Noise | null} */ #noise = null;
  /** @type {Bytes | null} */ #commitment = null;
  /** @type {Bytes | null} */ #message1 = null;
  /** @type {Bytes | null} */ #message2 = null;

  /** @param {{side: 'a' | 'b', room: Bytes, psk: Bytes | null, ephemeral: Ephemeral}} options */
  constructor({ side, room, psk, ephemeral }) {
    this.#side = side;
    this.#room = room;
    this.#psk = psk;
    this.#ephemeral = ephemeral;
    this.#name = psk === null ? NAME_RANDOM : NAME_INVITE;
  }

  /** Side `b` commits to its key. */
  async start() {
    if (this.#side === 'b' && this.#ephemeral !== null) this.#commitment = await this.#commitTo(this.#ephemeral.publicKey);
  }

  /** The message whose answer this side waits for. @returns {Bytes | null} */
  get waiting() {
    if (this.#side === 'a') return this.#message1 && handshakeFrame(2, this.#message1);
    if (this.#message2 !== null) return handshakeFrame(3, this.#message2);
    return this.#commitment && handshakeFrame(1, this.#commitment);
  }

  /**
   * Takes a handshake message of the other side.
   * @param {Step} step
   * @param {Bytes} body
   * @returns {Promise<Progress>}
   * @throws {ChannelFault}
   */
  async receive(step, body) {
    try {
      if (this.#side === 'a' && step === 1) return await this.#receiveCommitment(body);
      if (this.#side === 'b' && step === 2 && this.#commitment !== null) return await this.#receiveMessage1(body);
      if (this.#side === 'a' && step === 3 && this.#message1 !== null) return await this.#receiveMessage2(body);
      return { kind: 'unexpected' };
    } catch (fault) {
      throw fault instanceof WeakKey ? new ChannelFault('weak-key') : fault;
    }
  }

  /** @param {Bytes} body @returns {Promise<Progress>} */
  async #receiveCommitment(body) {
    expectLength(body, KEY_BYTES);
    if (isCopy(this.#commitment, body)) return this.#repeatAnswer();
    this.#commitment = body;
    this.#noise = await this.#startNoise(body);
    this.#message1 = await this.#noise.writeMessage1();
    return { kind: 'waits', send: handshakeFrame(2, this.#message1) };
  }

  /** @param {Bytes} body @returns {Promise<Progress>} */
  async #receiveMessage1(body) {
    expectLength(body, this.#psk === null ? KEY_BYTES : KEY_BYTES + TAG_BYTES);
    if (isCopy(this.#message1, body)) return this.#repeatAnswer();
    this.#message1 = body;
    const noise = await this.#startNoise(/** @type {Bytes} */ (this.#commitment));
    if (!(await noise.readMessage1(body))) throw new ChannelFault('handshake-refused');
    this.#message2 = await noise.writeMessage2(body.slice(0, KEY_BYTES));
    return { kind: 'keys', send: handshakeFrame(3, this.#message2), keys: await noise.finish() };
  }

  /** @param {Bytes} body @returns {Promise<Progress>} */
  async #receiveMessage2(body) {
    expectLength(body, KEY_BYTES + TAG_BYTES);
    if (isCopy(this.#message2, body)) return { kind: 'acknowledge-again' };
    this.#message2 = body;
    const kept = await this.#commitTo(body.slice(0, KEY_BYTES));
    if (!equal(kept, /** @type {Bytes} */ (this.#commitment))) throw new ChannelFault('commitment-broken');
    const noise = this.#noise;
    this.#noise = null;
    if (noise === null || !(await noise.readMessage2(body))) throw new ChannelFault('handshake-refused');
    return { kind: 'secure', keys: await noise.finish() };
  }

  /** @returns {Progress} */
  #repeatAnswer() {
    const send = this.waiting;
    return send === null ? { kind: 'unexpected' } : { kind: 'reply', send };
  }

  /** @param {Bytes} publicKey */
  #commitTo(publicKey) {
    return sha256(utf8(`cipher-chat.v1 commit\0${this.#name}\0`), this.#room, publicKey);
  }

  /** Uses up the ephemeral key: it serves one handshake. @param {Bytes} commitment */
  #startNoise(commitment) {
    const ephemeral = this.#ephemeral;
    this.#ephemeral = null;
    if (ephemeral === null) throw new ChannelFault('handshake-refused');
    return Noise.start(this.#name, concat(utf8('cipher-chat.v1\0'), this.#room, commitment), ephemeral, this.#psk);
  }
}

/** @param {Bytes} body @param {number} length */
function expectLength(body, length) {
  if (body.length !== length) throw new ChannelFault('handshake-length');
}

/**
 * Whether this is a copy of the first one. A different one ends the chat.
 * @param {Bytes | null} first
 * @param {Bytes} body
 */
function isCopy(first, body) {
  if (first !== null && !equal(first, body)) throw new ChannelFault('handshake-changed');
  return first !== null;
}
