/** The public keys that sign passes, as text has them. */

import { fromBase64url } from './bytes.js';

/** @typedef {import('./bytes.js').Bytes} Bytes */

/** Bytes of a key of Ed25519. */
const KEY_BYTES = 32;

/** The keys of a list that may hold anything. @param {unknown} keys @returns {Bytes[]} */
export function keysOf(keys) {
  const bytes = Array.isArray(keys) ? keys.map((key) => (typeof key === 'string' ? fromBase64url(key) : null)) : [];
  return bytes.filter(isKey);
}

/** @param {Bytes | null} key @returns {key is Bytes} */
function isKey(key) {
  return key?.length === KEY_BYTES;
}
