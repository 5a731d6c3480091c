/**
 * Admission by work: an operator may ask for a proof that a browser has calculated for a moment, so
 * that thousands of sessions cost somebody something (docs/protocol.md, "Admission by work"). WebCrypto
 * calculates beside the page, which stays responsive.
 */

/** @typedef {import('./bytes.js').Bytes} Bytes */

/**
 * The answer of `GET /v1/challenge`.
 * @typedef {object} Puzzle
 * @property {{parameters: {algorithm: string, cost: number, keyLength: number, keyPrefix: string,
 *   nonce: string, salt: string}, signature: string}} challenge
 * @property {number} counters The solution is below it, and each number is equally likely.
 */
/** @typedef {{signature: string, solution: {counter: number, derivedKey: string}}} Proof */

const ALGORITHM = 'PBKDF2/SHA-256';
const KEY_BYTES = 32;
/**
 * A puzzle that takes more hashes is no admission but an attack on the visitor: a hundred times what a
 * slow telephone calculates in ten seconds.
 */
const MOST_HASHES = 200_000_000;
/** Calculations that are given to WebCrypto at once: enough for every processor, few enough to cancel. */
const AT_ONCE = 16;

/**
 * Solves a puzzle; `null` when it was cancelled, or cannot be solved.
 * @param {Puzzle} puzzle
 * @param {AbortSignal} signal
 * @param {(share: number) => void} progress Takes the share of the counters that were tried.
 * @returns {Promise<Proof | null>}
 */
export async function solve({ challenge, counters }, signal, progress) {
  const { algorithm, cost, keyLength, keyPrefix, nonce, salt } = challenge.parameters;
  const [password, salted] = [fromHex(nonce), fromHex(salt)];
  const known = algorithm === ALGORITHM && keyLength === KEY_BYTES && password !== null && salted !== null;
  if (!known || !(cost > 0) || !(counters > 0) || cost * counters > MOST_HASHES) return null;
  for (let first = 0; first < counters; first += AT_ONCE) {
    if (signal.aborted) return null;
    progress(first / counters);
    const tried = Array.from({ length: Math.min(AT_ONCE, counters - first) }, (_, at) => derive(password, first + at, salted, cost));
    const keys = await Promise.all(tried);
    const found = keys.findIndex((key) => key.startsWith(keyPrefix));
    if (found !== -1) return signal.aborted ? null : { signature: challenge.signature, solution: { counter: first + found, derivedKey: keys[found] } };
  }
  return null;
}

/**
 * @param {Bytes} nonce
 * @param {number} counter
 * @param {Bytes} salt
 * @param {number} iterations
 */
async function derive(nonce, counter, salt, iterations) {
  const password = new Uint8Array(nonce.length + 4);
  password.set(nonce);
  new DataView(password.buffer).setUint32(nonce.length, counter);
  const key = await crypto.subtle.importKey('raw', password, 'PBKDF2', false, ['deriveBits']);
  return toHex(new Uint8Array(await crypto.subtle.deriveBits({ name: 'PBKDF2', hash: 'SHA-256', salt, iterations }, key, KEY_BYTES * 8)));
}

/** @param {Uint8Array} bytes */
function toHex(bytes) {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** @param {string} text @returns {Bytes | null} */
function fromHex(text) {
  return /^([0-9a-f]{2})+$/.test(text) ? Uint8Array.from(text.match(/../g) ?? [], (pair) => parseInt(pair, 16)) : null;
}
