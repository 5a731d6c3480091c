/**
 * The handshake: Noise message 1, Noise message 2, and the opening of what `a` committed to. X25519
 * in Noise, ML-KEM-768 in its payloads; both secrets are in every key. The first copy of each message
 * that is accepted is final, and each is sent again as stored bytes.
 */

import { concat, equal, utf8 } from './bytes.js';
import { ChannelFault } from './channel-end.js';
import { CIPHERTEXT_BYTES, ENCAPSULATION_KEY_BYTES } from './kem.js';
import { Noise, WeakKey, hkdf, sha256 } from './noise.js';
import { handshakeFrame } from './packet.js';
import { safetyCode } from './safety.js';

/** @typedef {import('./bytes.js').Bytes} Bytes */
/** @typedef {import('./kem.js').Kem} Kem */
/** @typedef {import('./kem.js').KemPair} KemPair */
/** @typedef {import('./noise.js').Ephemeral} Ephemeral */
/** @typedef {import('./packet.js').Step} Step */
/** @typedef {import('./safety.js').SafetyCode} SafetyCode */

/** The first keys of both directions, as bytes, which whoever takes them erases. @typedef {{aToB: Bytes, bToA: Bytes}} Keys */

/**
 * What a handshake message led to. `reply` and `keys` are `b`'s, with message 2 to send; `secure` is
 * `a`'s, with what opens its commitment. `open-again`: `b` has not received that.
 * @typedef {{kind: 'unexpected'} | {kind: 'reply', send: Bytes} | {kind: 'keys', send: Bytes, keys: Keys}
 *   | {kind: 'secure', keys: Keys, safety: SafetyCode, opening: Bytes} | {kind: 'open-again'}} Progress
 */

const NAME_RANDOM = 'Noise_NN_25519_AESGCM_SHA256';
const NAME_INVITE = 'Noise_NNpsk0_25519_AESGCM_SHA256';
const KEY_BYTES = 32;
const TAG_BYTES = 16;
/** The nonce that `a` commits to, and the commitment. */
export const NONCE_BYTES = 32;
const MESSAGE1_BYTES = KEY_BYTES + ENCAPSULATION_KEY_BYTES + NONCE_BYTES;
const MESSAGE2_BYTES = KEY_BYTES + CIPHERTEXT_BYTES + TAG_BYTES;

export class Handshake {
  #side;
  #room;
  #name;
  #kem;
  /** @type {Bytes | null} */ #psk;
  /** @type {Ephemeral | null} */ #ephemeral;
  /** `a`'s, between messages 1 and 2. @type {Noise | null} */ #noise = null;
  /** `a`'s, until message 2. @type {KemPair | null} */ #pair = null;
  /** What `a` commits to. @type {Bytes | null} */ #nonce;
  /** What `b` was promised, and the hash that goes into the safety code. @type {{commitment: Bytes, hash: Bytes} | null} */
  #promised = null;
  /** The hash of all that was said, once it is: not a secret. @type {Bytes | null} */ transcript = null;
  /** @type {Bytes | null} */ #message1 = null;
  /** @type {Bytes | null} */ #message2 = null;

  /**
   * @param {{side: 'a' | 'b', room: Bytes, psk: Bytes | null, ephemeral: Ephemeral, kem: Kem,
   *   nonce: Bytes}} options `psk` is erased as soon as it has been used; `nonce` is `a`'s.
   */
  constructor({ side, room, psk, ephemeral, kem, nonce }) {
    this.#side = side;
    this.#room = room;
    this.#psk = psk;
    this.#ephemeral = ephemeral;
    this.#kem = kem;
    this.#nonce = side === 'a' ? nonce : null;
    this.#name = psk === null ? NAME_RANDOM : NAME_INVITE;
  }

  /** Side `a` makes message 1. */
  async start() {
    if (this.#side === 'b' || this.#nonce === null) return;
    this.#pair = await this.#kem.generate();
    const commitment = await this.#commitTo(this.#nonce);
    this.#noise = await this.#startNoise();
    this.#message1 = await this.#noise.writeMessage1(concat(this.#pair.encapsulationKey, commitment));
  }

  /** The message whose answer this side waits for. @returns {Bytes | null} */
  get waiting() {
    if (this.#side === 'b') return this.#message2 && handshakeFrame(2, this.#message2);
    return this.#message1 && handshakeFrame(1, this.#message1);
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
      if (this.#side === 'b' && step === 1) return await this.#receiveMessage1(body);
      if (this.#side === 'a' && step === 2 && this.#message1 !== null) return await this.#receiveMessage2(body);
      return { kind: 'unexpected' };
    } catch (fault) {
      throw fault instanceof WeakKey ? new ChannelFault('weak-key') : fault;
    }
  }

  /**
   * Side `b` takes what opens the commitment, and has the safety code.
   * @param {Bytes} nonce
   * @returns {Promise<SafetyCode>}
   * @throws {ChannelFault}
   */
  async open(nonce) {
    const promised = this.#promised;
    this.#promised = null;
    if (promised === null || nonce.length !== NONCE_BYTES || !equal(await this.#commitTo(nonce), promised.commitment)) throw new ChannelFault('commitment-broken');
    return safetyCode(promised.hash, nonce);
  }

  /** Erases what is secret, and drops the rest: nothing is made of it any more. */
  erase() {
    this.#psk?.fill(0);
    this.#noise?.erase();
    this.#nonce?.fill(0);
    this.#psk = this.#noise = this.#nonce = this.#pair = this.#ephemeral = this.#promised = null;
  }

  /** @param {Bytes} body @returns {Promise<Progress>} */
  async #receiveMessage1(body) {
    expectLength(body, this.#name === NAME_RANDOM ? MESSAGE1_BYTES : MESSAGE1_BYTES + TAG_BYTES);
    if (isCopy(this.#message1, body)) {
      const send = this.waiting;
      return send === null ? { kind: 'unexpected' } : { kind: 'reply', send };
    }
    this.#message1 = body;
    const noise = await this.#startNoise();
    const payload = await noise.readMessage1(body);
    if (payload === null) throw new ChannelFault('handshake-refused');
    const [key, commitment] = [payload.slice(0, ENCAPSULATION_KEY_BYTES), payload.slice(ENCAPSULATION_KEY_BYTES)];
    // Importing the key may refuse it, or using it, depending on whose ML-KEM this is.
    const { ciphertext, sharedKey } = await this.#kem.encapsulate(key).catch(refuse);
    this.#message2 = await noise.writeMessage2(body.slice(0, KEY_BYTES), ciphertext);
    const { keys, hash } = await finish(noise, sharedKey);
    this.#promised = { commitment, hash };
    this.transcript = hash;
    return { kind: 'keys', send: handshakeFrame(2, this.#message2), keys };
  }

  /** @param {Bytes} body @returns {Promise<Progress>} */
  async #receiveMessage2(body) {
    expectLength(body, MESSAGE2_BYTES);
    if (isCopy(this.#message2, body)) return { kind: 'open-again' };
    this.#message2 = body;
    const [noise, pair, nonce] = [this.#noise, this.#pair, this.#nonce];
    this.#noise = this.#pair = this.#nonce = null;
    const ciphertext = noise && await noise.readMessage2(body);
    if (noise === null || pair === null || nonce === null || ciphertext === null) throw new ChannelFault('handshake-refused');
    const { keys, hash } = await finish(noise, await pair.decapsulate(ciphertext).catch(refuse));
    this.transcript = hash;
    return { kind: 'secure', keys, safety: await safetyCode(hash, nonce), opening: nonce };
  }

  /** @param {Bytes} nonce */
  #commitTo(nonce) {
    return sha256(utf8(`cipher-chat.v2 commit\0${this.#name}\0`), this.#room, nonce);
  }

  /** Uses up the ephemeral key and the psk: they serve one handshake. */
  #startNoise() {
    const [ephemeral, psk] = [this.#ephemeral, this.#psk];
    this.#ephemeral = this.#psk = null;
    if (ephemeral === null) throw new ChannelFault('handshake-refused');
    return Noise.start(this.#name, concat(utf8('cipher-chat.v2\0'), this.#room), ephemeral, psk);
  }
}

/**
 * The keys of both directions from both secrets. Noise's own keys serve nothing else.
 * @param {Noise} noise
 * @param {Bytes} shared ML-KEM's secret; it is erased.
 * @returns {Promise<{keys: Keys, hash: Bytes}>}
 */
async function finish(noise, shared) {
  const { aToB, bToA, hash } = await noise.finish();
  const input = concat(aToB, bToA, shared);
  for (const secret of [aToB, bToA, shared]) secret.fill(0);
  const [one, other] = await hkdf(utf8('cipher-chat.v2 keys'), input, 2, hash);
  input.fill(0);
  return { keys: { aToB: one, bToA: other }, hash };
}

/** @returns {never} */
function refuse() {
  throw new ChannelFault('handshake-refused');
}

/** @param {Bytes} body @param {number} length */
function expectLength(body, length) {
  if (body.length !== length) throw new ChannelFault('handshake-length');
}

/**
 * Whether this is a copy of the first one. A different one is a fault.
 * @param {Bytes | null} first
 * @param {Bytes} body
 */
function isCopy(first, body) {
  if (first !== null && !equal(first, body)) throw new ChannelFault('handshake-changed');
  return first !== null;
}
