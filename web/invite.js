/**
 * Invite links: `https://host/#<secret>`, 128 random bits that never reach a server. From them
 * come, separately, the code under which the two wait and the key that their handshake is bound to:
 * who knows the code learns nothing of the key.
 */

import { fromBase64url, toBase64url, utf8 } from './bytes.js';

/** @typedef {import('./bytes.js').Bytes} Bytes */

const SECRET_BYTES = 16;

/** @returns {Bytes} A new secret. */
export function newSecret() {
  return crypto.getRandomValues(new Uint8Array(SECRET_BYTES));
}

/**
 * The link that carries a secret in its fragment.
 * @param {Bytes} secret
 * @param {string} page The address of this page.
 */
export function linkOf(secret, page) {
  const link = new URL(page);
  link.search = '';
  link.hash = toBase64url(secret);
  return link.href;
}

/**
 * The secret of a fragment (`#…`); `null` when there is none, `'malformed'` when it cannot be one.
 * @param {string} fragment
 * @returns {Bytes | null | 'malformed'}
 */
export function secretOf(fragment) {
  const text = fragment.replace(/^#/, '');
  if (text === '') return null;
  const secret = fromBase64url(text);
  return secret?.length === SECRET_BYTES ? secret : 'malformed';
}

/**
 * What both say in `find`, so that the server brings them together.
 * @param {Bytes} secret
 */
export async function codeOf(secret) {
  return toBase64url(await derive(secret, 'cipher-chat.v1 invite code', 16));
}

/**
 * The key that the server cannot know, for the handshake.
 * @param {Bytes} secret
 */
export function pskOf(secret) {
  return derive(secret, 'cipher-chat.v1 invite psk', 32);
}

/**
 * HKDF-SHA256 without salt (RFC 5869).
 * @param {Bytes} secret
 * @param {string} label
 * @param {number} length Bytes.
 */
async function derive(secret, label, length) {
  const key = await crypto.subtle.importKey('raw', secret, 'HKDF', false, ['deriveBits']);
  const how = { name: 'HKDF', hash: 'SHA-256', salt: new Uint8Array(0), info: utf8(label) };
  return new Uint8Array(await crypto.subtle.deriveBits(how, key, length * 8));
}
