/**
 * What a person looks for, together with the key that belongs to it. The two are one value, so that
 * a chat by invite is never opened without the key of its own invite.
 */

import { codeOf, pskOf } from './invite.js';

/** @typedef {import('./bytes.js').Bytes} Bytes */
/** @typedef {import('./protocol.js').Criteria} Criteria */
/** @typedef {import('./protocol.js').Role} Role */
/** `colleague`: SHA-256 of the key of the only helper who will do, after a handover. @typedef {{readonly criteria: Criteria, readonly psk: Bytes | null, readonly colleague?: Bytes}} Search */

/**
 * Somebody unknown.
 * @param {Criteria} criteria
 * @returns {Search}
 */
export function stranger(criteria) {
  return { criteria, psk: null };
}

/**
 * The other person of an invite.
 * @param {Bytes} secret
 * @param {Role} role `offer` for who made the invite, `seek` for who opened it.
 * @returns {Promise<Search>}
 */
export async function partner(secret, role) {
  const [invite, psk] = await Promise.all([codeOf(secret), pskOf(secret)]);
  return { criteria: { invite, role }, psk };
}

/**
 * The colleague of a helper who hands over.
 * @param {import('./messages.js').Handover} offer
 * @returns {Promise<Search>}
 */
export async function colleagueOf({ invite, colleague }) {
  return { ...(await partner(invite, 'seek')), colleague };
}

/**
 * Erases the key of a search that nothing has come of.
 * @param {Search | null} search
 */
export function forget(search) {
  search?.psk?.fill(0);
}
