/**
 * Noise (revision 34) `NN` and `NNpsk0` with X25519, AES-256-GCM and SHA-256 on WebCrypto, as
 * `docs/protocol.md` writes it out in section 3.1.
 */

import { concat, utf8 } from './bytes.js';

/** @typedef {import('./bytes.js').Bytes} Bytes */
/** @typedef {{privateKey: CryptoKey, publicKey: Bytes}} Ephemeral */
/** Noise's keys of both directions, and the handshake hash. @typedef {{aToB: Bytes, bToA: Bytes, hash: Bytes}} Split */

const EMPTY = new Uint8Array(0);
const KEY_BYTES = 32;

/** The shared secret would be all zero: the peer's key is of small order. */
export class WeakKey extends Error {}

/** Whether this browser has what the channel needs; without it the page does not chat. */
export async function canEncrypt() {
  return globalThis.crypto?.subtle !== undefined && newEphemeral().then(() => true, () => false);
}

/** A key pair for one room. The private half cannot be read out. @returns {Promise<Ephemeral>} */
export async function newEphemeral() {
  const pair = /** @type {CryptoKeyPair} */ (await crypto.subtle.generateKey({ name: 'X25519' }, false, ['deriveBits']));
  return { privateKey: pair.privateKey, publicKey: new Uint8Array(await crypto.subtle.exportKey('raw', pair.publicKey)) };
}

/** @param {...Uint8Array} parts @returns {Promise<Bytes>} */
export async function sha256(...parts) {
  return new Uint8Array(await crypto.subtle.digest('SHA-256', concat(...parts)));
}

/**
 * Encrypts under a number that is never used twice.
 * @param {CryptoKey} key
 * @param {number} number
 * @param {Bytes} plaintext
 * @param {Bytes} header What the ciphertext is bound to.
 * @returns {Promise<Bytes>}
 */
export async function seal(key, number, plaintext, header) {
  return new Uint8Array(await crypto.subtle.encrypt(aead(number, header), key, plaintext));
}

/**
 * Decrypts; `null` when it does not authenticate.
 * @param {CryptoKey} key
 * @param {number} number
 * @param {Bytes} ciphertext
 * @param {Bytes} header What the ciphertext is bound to.
 * @returns {Promise<Bytes | null>}
 */
export async function open(key, number, ciphertext, header) {
  const opened = await crypto.subtle.decrypt(aead(number, header), key, ciphertext).catch(() => null);
  return opened && new Uint8Array(opened);
}

/** @param {Bytes} bytes */
export function aesKey(bytes) {
  return crypto.subtle.importKey('raw', bytes, 'AES-GCM', false, ['encrypt', 'decrypt']);
}

/** What HKDF derives from, which cannot be read out. @param {Bytes} bytes */
export function hkdfKey(bytes) {
  return crypto.subtle.importKey('raw', bytes, 'HKDF', false, ['deriveBits']);
}

/**
 * HKDF with SHA-256 (RFC 5869): keys of 32 bytes each.
 * @param {Bytes} salt
 * @param {Bytes | CryptoKey} input Bytes, or what `hkdfKey` has made of them.
 * @param {number} parts
 * @param {Bytes} [info]
 * @returns {Promise<Bytes[]>}
 */
export async function hkdf(salt, input, parts, info = EMPTY) {
  const key = input instanceof Uint8Array ? await hkdfKey(input) : input;
  const bits = new Uint8Array(await crypto.subtle.deriveBits({ name: 'HKDF', hash: 'SHA-256', salt, info }, key, parts * KEY_BYTES * 8));
  const keys = Array.from({ length: parts }, (_, at) => bits.slice(at * KEY_BYTES, (at + 1) * KEY_BYTES));
  bits.fill(0);
  return keys;
}

/** The state of one handshake on one side: all that was mixed in so far. */
export class Noise {
  /** @type {Ephemeral} */ #ephemeral;
  /** Erased as soon as it is mixed in. @type {Bytes | null} */ #psk;
  /** @type {Bytes} */ #h;
  /** @type {Bytes} */ #ck;
  /** @type {Bytes | null} */ #key = null;
  /** Noise mixes public keys into the key where there is a psk (section 9.2). */ #hasPsk;

  /** @param {Bytes} name @param {Bytes} h @param {Ephemeral} ephemeral @param {Bytes | null} psk */
  constructor(name, h, ephemeral, psk) {
    this.#ck = name;
    this.#h = h;
    this.#ephemeral = ephemeral;
    this.#psk = psk;
    this.#hasPsk = psk !== null;
  }

  /**
   * @param {string} name The protocol's name, at most 32 bytes.
   * @param {Bytes} prologue
   * @param {Ephemeral} ephemeral
   * @param {Bytes | null} psk
   */
  static async start(name, prologue, ephemeral, psk) {
    const padded = new Uint8Array(KEY_BYTES);
    padded.set(utf8(name));
    const h = await sha256(padded, prologue);
    return new Noise(padded, h, ephemeral, psk);
  }

  /** Side `a` writes message 1. @param {Bytes} payload @returns {Promise<Bytes>} */
  async writeMessage1(payload) {
    await this.#mixMessage1(this.#ephemeral.publicKey);
    return concat(this.#ephemeral.publicKey, await this.#seal(payload));
  }

  /** Side `b` reads message 1: its payload, `null` if it is refused. @param {Bytes} message */
  async readMessage1(message) {
    await this.#mixMessage1(message.slice(0, KEY_BYTES));
    return this.#open(message.slice(KEY_BYTES));
  }

  /**
   * Side `b` writes message 2.
   * @param {Bytes} peer `a`'s public key.
   * @param {Bytes} payload
   * @returns {Promise<Bytes>}
   * @throws {WeakKey}
   */
  async writeMessage2(peer, payload) {
    await this.#mixMessage2(this.#ephemeral.publicKey, peer);
    return concat(this.#ephemeral.publicKey, await this.#seal(payload));
  }

  /**
   * Side `a` reads message 2: its payload, `null` if it is refused.
   * @param {Bytes} message
   * @throws {WeakKey}
   */
  async readMessage2(message) {
    const peer = message.slice(0, KEY_BYTES);
    await this.#mixMessage2(peer, peer);
    return this.#open(message.slice(KEY_BYTES));
  }

  /** The keys of both directions and the handshake hash. Nothing else is left. @returns {Promise<Split>} */
  async finish() {
    const [aToB, bToA] = await hkdf(this.#ck, EMPTY, 2);
    this.erase();
    return { aToB, bToA, hash: this.#h };
  }

  /** Erases what is secret. */
  erase() {
    this.#ck.fill(0);
    this.#key?.fill(0);
    this.#psk?.fill(0);
    this.#key = this.#psk = null;
  }

  /** @param {Bytes} ephemeral */
  async #mixMessage1(ephemeral) {
    if (this.#psk !== null) {
      const [ck, t, key] = await hkdf(this.#ck, this.#psk, 3);
      this.#psk.fill(0);
      this.#psk = null;
      this.#moveTo(ck, key);
      await this.#mixHash(t);
      t.fill(0);
    }
    await this.#mixEphemeral(ephemeral);
  }

  /** @param {Bytes} ephemeral @param {Bytes} peer */
  async #mixMessage2(ephemeral, peer) {
    await this.#mixEphemeral(ephemeral);
    const shared = await agree(this.#ephemeral.privateKey, peer);
    await this.#mixKey(shared);
    shared.fill(0);
  }

  /** @param {Bytes} ephemeral */
  async #mixEphemeral(ephemeral) {
    await this.#mixHash(ephemeral);
    if (this.#hasPsk) await this.#mixKey(ephemeral);
  }

  /** @param {Bytes} data */
  async #mixHash(data) {
    this.#h = await sha256(this.#h, data);
  }

  /** @param {Bytes} input */
  async #mixKey(input) {
    const [ck, key] = await hkdf(this.#ck, input, 2);
    this.#moveTo(ck, key);
  }

  /** Erases what these two take the place of. @param {Bytes} ck @param {Bytes} key */
  #moveTo(ck, key) {
    this.#ck.fill(0);
    this.#key?.fill(0);
    [this.#ck, this.#key] = [ck, key];
  }

  /** Encrypted once there is a key, and as it is before. @param {Bytes} payload */
  async #seal(payload) {
    const sealed = this.#key === null ? payload : await seal(await aesKey(this.#key), 0, payload, this.#h);
    await this.#mixHash(sealed);
    return sealed;
  }

  /** @param {Bytes} sealed */
  async #open(sealed) {
    const payload = this.#key === null ? sealed : await open(await aesKey(this.#key), 0, sealed, this.#h);
    await this.#mixHash(sealed);
    return payload;
  }
}

/** 4 zero bytes, then the big-endian number (Noise, section 12.4). @param {number} number @param {Bytes} header */
function aead(number, header) {
  const iv = new Uint8Array(12);
  new DataView(iv.buffer).setBigUint64(4, BigInt(number));
  return { name: 'AES-GCM', iv, additionalData: header };
}

/**
 * Refuses an all-zero result, as RFC 7748, section 6.1 advises.
 * @param {CryptoKey} privateKey
 * @param {Bytes} publicKey
 */
async function agree(privateKey, publicKey) {
  const peer = await crypto.subtle.importKey('raw', publicKey, { name: 'X25519' }, false, []);
  const bits = await crypto.subtle.deriveBits({ name: 'X25519', public: peer }, privateKey, KEY_BYTES * 8).catch(() => null);
  // Some implementations throw at an all-zero secret, others return it.
  if (bits === null || new Uint8Array(bits).every((byte) => byte === 0)) throw new WeakKey();
  return new Uint8Array(bits);
}
