/**
 * Who a help line's helpers are: the operator's keys as this page knows them, and what checks passes,
 * which is loaded where there are such keys.
 */

import { fromBase64url } from './bytes.js';

/** @typedef {import('./bytes.js').Bytes} Bytes */

/** Bytes of a key of Ed25519. */
const KEY_BYTES = 32;

/** The keys that the server tells: no more than what this server says. @param {any} status The answer of `GET /v1/status`. */
export function keysOf(status) {
  const told = Array.isArray(status.pass_keys) ? status.pass_keys : [];
  return told.map((/** @type {unknown} */ key) => (typeof key === 'string' ? fromBase64url(key) : null)).filter(isKey);
}

/** @param {Bytes | null} key @returns {key is Bytes} */
function isKey(key) {
  return key?.length === KEY_BYTES;
}

/** What reads, makes and checks passes. */
export function loadPasses() {
  return import('./later/pass.js');
}
