/**
 * Invite links: `https://host/#<secret>`, 128 random bits that never reach a server. From them
 * come, separately, the code under which the two wait and the key that their handshake is bound to:
 * who knows the code learns nothing of the key.
 */

import { fromBase64url, toBase64url, utf8 } from './bytes.js';

/** @typedef {import('./bytes.js').Bytes} Bytes */

const SECRET_BYTES = 16;

/** Characters of a secret in a link. */
const SECRET_CHARACTERS = 22;

/** What people paste around a link or a secret, and what belongs to neither. */
const AROUND = /^[\s\u00ad\u200b-\u200f\u2060\ufeff.,;:!?'"`*|\\()[\]{}<>“”„‘’‚«»‹›…、。，．）（」「』『】【]*$/u;

/** The secret as words: twelve of 11 bits each, the last 4 of which are a checksum. */
const SECRET_WORDS = 12;
const WORD_BITS = 11;
const CHECK_BITS = 4;

/** So many letters tell every word from every other. */
const LETTERS = 4;

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
  const rest = decoded(text.slice(SECRET_CHARACTERS));
  const secret = fromBase64url(rest !== null && AROUND.test(rest) ? text.slice(0, SECRET_CHARACTERS) : text);
  return secret?.length === SECRET_BYTES ? secret : 'malformed';
}

/**
 * Decodes `%20` and the like; `null` when that gives no text.
 * @param {string} text
 */
function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return null;
  }
}

/**
 * The secret as twelve words, to be read out (BIP-39).
 * @param {Bytes} secret
 */
export async function wordsOf(secret) {
  const bits = [...secret].map((byte) => byte.toString(2).padStart(8, '0')).join('') + (await checksum(secret));
  const indices = Array.from({ length: SECRET_WORDS }, (_, at) => parseInt(bits.slice(at * WORD_BITS, (at + 1) * WORD_BITS), 2));
  const { WORDS } = await import('./later/words.js');
  return indices.map((index) => WORDS[index]);
}

/**
 * Why words are not an invite: their number is not twelve, or the word with this number (from 1) is
 * not on the list, or they do not fit together.
 * @typedef {{ fault: 'count' | 'unknown', number: number } | { fault: 'checksum', number: null }} WordsFault
 */

/**
 * The secret of twelve words, which may be shortened to their first four letters.
 * @param {string} text Anything but letters may be between the words.
 * @returns {Promise<Bytes | WordsFault>}
 */
export async function secretOfWords(text) {
  const written = (text.match(/[a-z]+/gi) ?? []).map((word) => word.toLowerCase());
  if (written.length !== SECRET_WORDS) return { fault: 'count', number: written.length };
  const { WORDS } = await import('./later/words.js');
  const indices = written.map((word) => WORDS.findIndex((listed) => listed === word || (word.length >= LETTERS && listed.startsWith(word))));
  const unknown = indices.indexOf(-1);
  if (unknown !== -1) return { fault: 'unknown', number: unknown + 1 };
  const bits = indices.map((index) => index.toString(2).padStart(WORD_BITS, '0')).join('');
  const secret = Uint8Array.from({ length: SECRET_BYTES }, (_, at) => parseInt(bits.slice(at * 8, (at + 1) * 8), 2));
  return bits.endsWith(await checksum(secret)) ? secret : { fault: 'checksum', number: null };
}

/**
 * The secret of an invite that somebody has typed or pasted: a link of this server, the secret of one,
 * or words.
 * @param {string} text
 * @param {string} page The address of this page.
 * @returns {Promise<Bytes | WordsFault | 'malformed' | 'elsewhere'>}
 */
export async function secretOfInput(text, page) {
  const [, host] = text.match(/:\/\/([^/#\s]+)/) ?? [];
  if (host !== undefined && host.toLowerCase() !== new URL(page).host) return 'elsewhere';
  const typed = text.includes('#') ? text.slice(text.indexOf('#')) : text.trim();
  if (host === undefined && !text.includes('#') && (typed.match(/[a-z]+/gi) ?? []).length > 1 && /[\s,.;]/.test(typed)) return secretOfWords(text);
  return secretOf(typed) ?? 'malformed';
}

/**
 * The first bits of the secret's SHA-256.
 * @param {Bytes} secret
 */
async function checksum(secret) {
  const [first] = new Uint8Array(await crypto.subtle.digest('SHA-256', secret));
  return first.toString(2).padStart(8, '0').slice(0, CHECK_BITS);
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
