/** Bytes and their text forms. */

const encoder = new TextEncoder();

/** @typedef {Uint8Array<ArrayBuffer>} Bytes */

/**
 * The UTF-8 form of a text.
 * @param {string} text
 * @returns {Bytes}
 */
export function utf8(text) {
  return encoder.encode(text);
}

/**
 * Joins arrays of bytes.
 * @param {...Uint8Array} parts
 * @returns {Bytes}
 */
export function concat(...parts) {
  const whole = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/**
 * Whether two public values are equal. Not for secrets: its running time depends on the values.
 * @param {Uint8Array} one
 * @param {Uint8Array} two
 */
export function equal(one, two) {
  return one.length === two.length && one.every((byte, at) => byte === two[at]);
}

/**
 * Unpadded base64url (RFC 4648, section 5).
 * @param {Uint8Array} bytes
 */
export function toBase64url(bytes) {
  const binary = String.fromCharCode(...bytes);
  return btoa(binary).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
}

/**
 * Reads unpadded base64url in its one canonical form; `null` when it is not.
 * @param {string} text
 * @returns {Bytes | null}
 */
export function fromBase64url(text) {
  if (!/^[A-Za-z0-9_-]*$/.test(text) || text.length % 4 === 1) return null;
  const binary = atob(text.replaceAll('-', '+').replaceAll('_', '/'));
  const bytes = Uint8Array.from(binary, (character) => character.charCodeAt(0));
  // A last character with stray bits would give one secret two spellings.
  return toBase64url(bytes) === text ? bytes : null;
}
