/**
 * ML-KEM-768 (FIPS 203): the half of the key agreement that a quantum computer does not break.
 * WebCrypto's where the browser has it, otherwise the vendored one, which is loaded only then.
 */

/** @typedef {import('./bytes.js').Bytes} Bytes */

/**
 * The key pair of one handshake. `decapsulate` works once: the decapsulation key is gone after it.
 * @typedef {{encapsulationKey: Bytes, decapsulate: (ciphertext: Bytes) => Promise<Bytes>}} KemPair
 */
/**
 * One implementation. `encapsulate` throws when it refuses the key.
 * @typedef {object} Kem
 * @property {'webcrypto' | 'noble'} name
 * @property {() => Promise<KemPair>} generate
 * @property {(encapsulationKey: Bytes) => Promise<{ciphertext: Bytes, sharedKey: Bytes}>} encapsulate
 */

/** Lengths, bytes (FIPS 203, table 3). */
export const ENCAPSULATION_KEY_BYTES = 1184;
export const CIPHERTEXT_BYTES = 1088;

const ALGORITHM = { name: 'ML-KEM-768' };
/** The module is no part of the page where it is not needed. */
const VENDORED = './vendor/noble-ml-kem.js';

/** What was found; a failure is not kept, because only loading the module may have failed. @type {Promise<Kem | null> | null} */
let found = null;

/**
 * The implementation that works in this browser; `null` if there is none.
 * @returns {Promise<Kem | null>}
 */
export async function findKem() {
  found ??= firstThatWorks();
  const kem = await found;
  if (kem === null) found = null;
  return kem;
}

async function firstThatWorks() {
  const own = webCrypto();
  if (own !== null && await works(own)) return own;
  const other = await vendored().catch(() => null);
  return other !== null && await works(other) ? other : null;
}

/** Whether both sides of one agreement come to the same key. @param {Kem} kem */
async function works(kem) {
  try {
    const pair = await kem.generate();
    const { ciphertext, sharedKey } = await kem.encapsulate(pair.encapsulationKey);
    const same = await pair.decapsulate(ciphertext);
    const lengths = [pair.encapsulationKey.length, ciphertext.length, sharedKey.length];
    return lengths.join() === [ENCAPSULATION_KEY_BYTES, CIPHERTEXT_BYTES, 32].join() && sharedKey.every((byte, at) => byte === same[at]);
  } catch {
    return false;
  }
}

/** WebCrypto's ("Modern Algorithms in the Web Cryptography API"). @returns {Kem | null} */
export function webCrypto() {
  // The types that the page is checked with do not know it yet.
  const subtle = /** @type {any} */ (crypto.subtle);
  if (typeof subtle.encapsulateBits !== 'function') return null;
  return {
    name: 'webcrypto',
    generate: async () => {
      const { publicKey, privateKey } = await subtle.generateKey(ALGORITHM, false, ['encapsulateBits', 'decapsulateBits']);
      const decapsulate = once(privateKey, async (key, ciphertext) => new Uint8Array(await subtle.decapsulateBits(ALGORITHM, key, ciphertext)));
      return { encapsulationKey: new Uint8Array(await subtle.exportKey('raw-public', publicKey)), decapsulate };
    },
    encapsulate: async (encapsulationKey) => {
      const key = await subtle.importKey('raw-public', encapsulationKey, ALGORITHM, false, ['encapsulateBits']);
      const { ciphertext, sharedKey } = await subtle.encapsulateBits(ALGORITHM, key);
      return { ciphertext: new Uint8Array(ciphertext), sharedKey: new Uint8Array(sharedKey) };
    },
  };
}

/** @returns {Promise<Kem>} */
export async function vendored() {
  const { ml_kem768: kem } = await import(VENDORED);
  return {
    name: 'noble',
    generate: async () => {
      const { publicKey, secretKey } = kem.keygen();
      const decapsulate = once(secretKey, async (key, ciphertext) => {
        try {
          return kem.decapsulate(ciphertext, key);
        } finally {
          key.fill(0);
        }
      });
      return { encapsulationKey: publicKey, decapsulate };
    },
    encapsulate: async (encapsulationKey) => {
      const { cipherText: ciphertext, sharedSecret: sharedKey } = kem.encapsulate(encapsulationKey);
      return { ciphertext, sharedKey };
    },
  };
}

/**
 * Lets a secret be used once, and forgets it then.
 * @template T
 * @param {T} secret
 * @param {(secret: T, ciphertext: Bytes) => Promise<Bytes>} use
 * @returns {(ciphertext: Bytes) => Promise<Bytes>}
 */
function once(secret, use) {
  /** @type {T | null} */
  let kept = secret;
  return async (ciphertext) => {
    const taken = kept;
    kept = null;
    if (taken === null) throw new Error('a decapsulation key is used once');
    return use(taken, ciphertext);
  };
}
