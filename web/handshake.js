/** The handshake: commitment, Noise message 1, Noise message 2; each final once heard, each sent again as stored bytes. */

import { concat, equal, utf8 } from './bytes.js';
import { HANDSHAKE_PATIENCE, HANDSHAKE_RESEND_MAX, HANDSHAKE_RESEND_MIN } from './limits.js';
import { Noise, WeakKey, sha256 } from './noise.js';
import { handshakeFrame } from './packet.js';

/** @typedef {import('./bytes.js').Bytes} Bytes */
/** @typedef {import('./noise.js').Ephemeral} Ephemeral */
/** @typedef {import('./noise.js').Keys} Keys */
/** @typedef {import('./packet.js').Step} Step */

/**
 * Why a channel ended; `docs/protocol.md`, section 8.
 * @typedef {'bye' | 'peer-bye' | 'closed' | 'no-channel' | 'handshake-length' | 'handshake-changed' | 'commitment-broken'
 *   | 'handshake-refused' | 'weak-key' | 'malformed' | 'ack-beyond-sent' | 'window-exceeded' | 'exhausted'} EndReason
 */

/** What a handshake message led to. `send` is a frame; `keys` come with the step that makes them. */
/** @typedef {{kind: 'unexpected'} | {kind: 'reply', send: Bytes} | {kind: 'waits', send: Bytes}
 *   | {kind: 'keys', send: Bytes, keys: Keys} | {kind: 'secure', keys: Keys} | {kind: 'acknowledge-again'}} Progress */

const NAME_RANDOM = 'Noise_NN_25519_AESGCM_SHA256';
const NAME_INVITE = 'Noise_NNpsk0_25519_AESGCM_SHA256';
const KEY_BYTES = 32;
const TAG_BYTES = 16;

/** What ends a chat. */
export class Fault extends Error {
  /** @param {EndReason} reason */
  constructor(reason) {
    super(reason);
    this.reason = reason;
  }
}

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

  /** @param {{side: 'a' | 'b', room: Bytes, psk: Bytes | null, ephemeral: Ephemeral}} place */
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
   * @throws {Fault}
   */
  async receive(step, body) {
    try {
      if (this.#side === 'a' && step === 1) return await this.#receiveCommitment(body);
      if (this.#side === 'b' && step === 2 && this.#commitment !== null) return await this.#receiveMessage1(body);
      if (this.#side === 'a' && step === 3 && this.#message1 !== null) return await this.#receiveMessage2(body);
      return { kind: 'unexpected' };
    } catch (fault) {
      throw fault instanceof WeakKey ? new Fault('weak-key') : fault;
    }
  }

  /** @param {Bytes} body @returns {Promise<Progress>} */
  async #receiveCommitment(body) {
    expectLength(body, KEY_BYTES);
    if (isCopy(this.#commitment, body)) return this.#again();
    this.#commitment = body;
    this.#noise = await this.#startNoise(body);
    this.#message1 = await this.#noise.writeMessage1();
    return { kind: 'waits', send: handshakeFrame(2, this.#message1) };
  }

  /** @param {Bytes} body @returns {Promise<Progress>} */
  async #receiveMessage1(body) {
    expectLength(body, this.#psk === null ? KEY_BYTES : KEY_BYTES + TAG_BYTES);
    if (isCopy(this.#message1, body)) return this.#again();
    this.#message1 = body;
    const noise = await this.#startNoise(/** @type {Bytes} */ (this.#commitment));
    if (!(await noise.readMessage1(body))) throw new Fault('handshake-refused');
    this.#message2 = await noise.writeMessage2(body.slice(0, KEY_BYTES));
    return { kind: 'keys', send: handshakeFrame(3, this.#message2), keys: await noise.finish() };
  }

  /** @param {Bytes} body @returns {Promise<Progress>} */
  async #receiveMessage2(body) {
    expectLength(body, KEY_BYTES + TAG_BYTES);
    if (isCopy(this.#message2, body)) return { kind: 'acknowledge-again' };
    this.#message2 = body;
    const kept = await this.#commitTo(body.slice(0, KEY_BYTES));
    if (!equal(kept, /** @type {Bytes} */ (this.#commitment))) throw new Fault('commitment-broken');
    const noise = this.#noise;
    this.#noise = null;
    if (noise === null || !(await noise.readMessage2(body))) throw new Fault('handshake-refused');
    return { kind: 'secure', keys: await noise.finish() };
  }

  /** @returns {Progress} */
  #again() {
    const send = this.waiting;
    return send === null ? { kind: 'unexpected' } : { kind: 'reply', send };
  }

  /** @param {Bytes} publicKey */
  #commitTo(publicKey) {
    return sha256(utf8(`cipher-chat.v1 commit\0${this.#name}\0`), this.#room, publicKey);
  }

  /** Takes the key and the psk: both serve one handshake. @param {Bytes} commitment */
  #startNoise(commitment) {
    const ephemeral = this.#ephemeral;
    this.#ephemeral = null;
    if (ephemeral === null) throw new Fault('handshake-refused');
    return Noise.start(this.#name, concat(utf8('cipher-chat.v1\0'), this.#room, commitment), ephemeral, this.#psk);
  }
}

/** @param {Bytes} body @param {number} length */
function expectLength(body, length) {
  if (body.length !== length) throw new Fault('handshake-length');
}

/** Whether this is the first again; another one than the first ends the chat. @param {Bytes | null} first @param {Bytes} body */
function isCopy(first, body) {
  if (first !== null && !equal(first, body)) throw new Fault('handshake-changed');
  return first !== null;
}

/** The handshake's clock: when to repeat the last message, and when to give up. It runs only while the way is open. */
export class Patience {
  /** @type {number | null} */ #openSince;
  #spent = 0;
  #interval = HANDSHAKE_RESEND_MIN;
  /** @type {number | null} */ #resendAt = null;

  /** @param {number} now */
  constructor(now) {
    this.#openSince = now;
  }

  /** @param {number} now */
  resume(now) {
    this.#openSince ??= now;
    if (this.#resendAt !== null) this.begin(now);
  }

  /** A message was sent that waits for its answer. @param {number} now */
  begin(now) {
    this.#interval = HANDSHAKE_RESEND_MIN;
    this.#resendAt = now + this.#interval;
  }

  /** @param {number} now */
  pause(now) {
    if (this.#openSince !== null) this.#spent += Math.max(0, now - this.#openSince);
    this.#openSince = null;
  }

  /** Whether the last message is to be sent again; if so, the next interval has begun. @param {number} now */
  resendIsDue(now) {
    if (this.#openSince === null || this.#resendAt === null || now < this.#resendAt) return false;
    this.#interval = Math.min(this.#interval * 2, HANDSHAKE_RESEND_MAX);
    this.#resendAt = now + this.#interval;
    return true;
  }

  /** @param {number} now */
  isExhausted(now) {
    return now >= this.#deadline;
  }

  /** When something is next to be done; `null` while the way is not open. */
  get next() {
    return this.#openSince === null ? null : Math.min(this.#deadline, this.#resendAt ?? Infinity);
  }

  get #deadline() {
    return this.#openSince === null ? Infinity : this.#openSince + Math.max(0, HANDSHAKE_PATIENCE - this.#spent);
  }
}
