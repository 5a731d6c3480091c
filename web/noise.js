/**
 * Noise (revision 34) `NN` and `NNpsk0` with X25519, AES-256-GCM and SHA-256 on WebCrypto, as
 * `docs/protocol.md` writes it out in section 3.1. Payloads are empty.
 */

import { concat, utf8 } from './bytes.js';

/** @typedef {import('./bytes.js').Bytes} Bytes */
/** @typedef {{privateKey: CryptoKey, publicKey: Bytes}} Ephemeral */
/** @typedef {{aToB: CryptoKey, bToA: CryptoKey, hash: Bytes}} Keys */

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
 * @returns {Promise<Bytes>}
 */
export async function seal(key, number, plaintext) {
  return new Uint8Array(await crypto.subtle.encrypt({ name: 'AES-GCM', iv: nonce(number) }, key, plaintext));
}

/**
 * Decrypts; `null` when it does not authenticate.
 * @param {CryptoKey} key
 * @param {number} number
 * @param {Bytes} ciphertext
 * @returns {Promise<Bytes | null>}
 */
export async function open(key, number, ciphertext) {
  const opened = await crypto.subtle.decrypt({ name: 'AES-GCM', iv: nonce(number) }, key, ciphertext).catch(() => null);
  return opened && new Uint8Array(opened);
}

/** The state of one handshake on one side: all that was mixed in so far. */
export class Noise {
  /** @type {Ephemeral} */ #ephemeral;
  /** @type {Bytes | null} */ #psk;
  /** @type {Bytes} */ #h;
  /** @type {Bytes} */ #ck;
  /** @type {Bytes | null} */ #key = null;

  /** @param {Bytes} name @param {Bytes} h @param {Ephemeral} ephemeral @param {Bytes | null} psk */
  constructor(name, h, ephemeral, psk) {
    this.#ck = name;
    this.#h = h;
    this.#ephemeral = ephemeral;
    this.#psk = psk;
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
    return new Noise(padded, await sha256(padded, prologue), ephemeral, psk);
  }

  /** Side `a` writes message 1. @returns {Promise<Bytes>} */
  async writeMessage1() {
    await this.#mixMessage1(this.#ephemeral.publicKey);
    return concat(this.#ephemeral.publicKey, await this.#sealEmpty());
  }

  /** Side `b` reads message 1; `false` if it is refused. @param {Bytes} message */
  async readMessage1(message) {
    await this.#mixMessage1(message.slice(0, KEY_BYTES));
    return this.#openEmpty(message.slice(KEY_BYTES));
  }

  /**
   * Side `b` writes message 2.
   * @param {Bytes} peer `a`'s public key.
   * @returns {Promise<Bytes>}
   * @throws {WeakKey}
   */
  async writeMessage2(peer) {
    await this.#mixMessage2(this.#ephemeral.publicKey, peer);
    return concat(this.#ephemeral.publicKey, await this.#sealEmpty());
  }

  /**
   * Side `a` reads message 2; `false` if it is refused.
   * @param {Bytes} message
   * @throws {WeakKey}
   */
  async readMessage2(message) {
    const peer = message.slice(0, KEY_BYTES);
    await this.#mixMessage2(peer, peer);
    return this.#openEmpty(message.slice(KEY_BYTES));
  }

  /** The keys of both directions and the handshake hash. @returns {Promise<Keys>} */
  async finish() {
    const [aToB, bToA] = await hkdf(this.#ck, EMPTY, 2);
    return { aToB: await aesKey(aToB), bToA: await aesKey(bToA), hash: this.#h };
  }

  /** @param {Bytes} ephemeral */
  async #mixMessage1(ephemeral) {
    if (this.#psk !== null) {
      const [ck, t, key] = await hkdf(this.#ck, this.#psk, 3);
      this.#ck = ck;
      this.#key = key;
      await this.#mixHash(t);
    }
    await this.#mixEphemeral(ephemeral);
  }

  /** @param {Bytes} ephemeral @param {Bytes} peer */
  async #mixMessage2(ephemeral, peer) {
    await this.#mixEphemeral(ephemeral);
    await this.#mixKey(await agree(this.#ephemeral.privateKey, peer));
  }

  /** @param {Bytes} ephemeral */
  async #mixEphemeral(ephemeral) {
    await this.#mixHash(ephemeral);
    if (this.#psk !== null) await this.#mixKey(ephemeral);
  }

  /** @param {Bytes} data */
  async #mixHash(data) {
    this.#h = await sha256(this.#h, data);
  }

  /** @param {Bytes} input */
  async #mixKey(input) {
    [this.#ck, this.#key] = await hkdf(this.#ck, input, 2);
  }

  /** The empty payload: a tag once there is a key, nothing before. */
  async #sealEmpty() {
    const sealed = this.#key === null ? EMPTY
      : new Uint8Array(await crypto.subtle.encrypt(this.#aead(), await aesKey(this.#key), EMPTY));
    await this.#mixHash(sealed);
    return sealed;
  }

  /** @param {Bytes} sealed */
  async #openEmpty(sealed) {
    if (this.#key === null) {
      if (sealed.length > 0) return false;
    } else {
      const opened = await crypto.subtle.decrypt(this.#aead(), await aesKey(this.#key), sealed).catch(() => null);
      if (opened === null || opened.byteLength > 0) return false;
    }
    await this.#mixHash(sealed);
    return true;
  }

  #aead() {
    return { name: 'AES-GCM', iv: nonce(0), additionalData: this.#h };
  }
}

/** 4 zero bytes, then the big-endian number (Noise, section 12.4). @param {number} number */
function nonce(number) {
  const iv = new Uint8Array(12);
  new DataView(iv.buffer).setBigUint64(4, BigInt(number));
  return iv;
}

/** @param {Bytes} bytes */
function aesKey(bytes) {
  return crypto.subtle.importKey('raw', bytes, 'AES-GCM', false, ['encrypt', 'decrypt']);
}

/** @param {Bytes} salt @param {Bytes} input @param {number} parts @returns {Promise<Bytes[]>} */
async function hkdf(salt, input, parts) {
  const key = await crypto.subtle.importKey('raw', input, 'HKDF', false, ['deriveBits']);
  const bits = await crypto.subtle.deriveBits({ name: 'HKDF', hash: 'SHA-256', salt, info: EMPTY }, key, parts * KEY_BYTES * 8);
  return Array.from({ length: parts }, (_, at) => new Uint8Array(bits.slice(at * KEY_BYTES, (at + 1) * KEY_BYTES)));
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
