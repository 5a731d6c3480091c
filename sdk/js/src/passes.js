/** Helpers: the own pass, and what is known of that of the other side. */

import { ChatError } from './errors.js';
import { toBase64url } from './page/bytes.js';
import { helperOf, readLink, readPass } from './page/later/pass.js';
import { judge } from './page/later/standing.js';
import { keysOf } from './page/pass-keys.js';

/** @typedef {import('./page/bytes.js').Bytes} Bytes */
/** @typedef {import('./page/later/pass.js').Helper} Helper */
/** @typedef {import('./page/later/standing.js').Judged} Judged */
/** @typedef {import('./page/search.js').Search} Search */

/**
 * What a client knows of helpers: its own pass, and the operator's keys.
 * @typedef {{helper: Helper | null, pinned: readonly Bytes[]}} Passes
 */
/**
 * The pass of the other side. `verified`: one of the keys that were given to `connect` has signed it, and the
 * operator's list of revoked passes, at most a day old, does not name it. `unlisted`: the same without such
 * a list. `said`: the key is the server's word alone. `unknown`: there is no key. `topics`: `null` for
 * all. `expires`: seconds since the Unix epoch. `id`: the same for as long as the pass lives.
 * @typedef {{readonly standing: import('./page/later/standing.js').Standing, readonly topics: readonly string[] | null,
 *   readonly expires: number, readonly id: string}} HelperPass
 */

/** @param {string | undefined} link @returns {Promise<Helper | null>} @throws {ChatError} `bad-pass` */
export async function helperFor(link) {
  if (link === undefined) return null;
  const read = readLink(link);
  if (read === null || read.pass === null) throw new ChatError('bad-pass');
  const helper = await helperOf(read.secret, read.pass).catch(() => null);
  const key = readPass(read.pass)?.key;
  if (helper === null || key === undefined || toBase64url(key) !== toBase64url(helper.publicKey)) throw new ChatError('bad-pass');
  return helper;
}

/** @param {string | readonly string[] | undefined} keys @throws {ChatError} `bad-key` */
export function keysFrom(keys) {
  const given = keys === undefined ? [] : [keys].flat();
  const read = keysOf(given);
  // A key that is left out would let everybody in.
  if (read.length !== given.length || (keys !== undefined && given.length === 0)) throw new ChatError('bad-key');
  return read;
}

/**
 * The public key of a colleague, of a pass or by itself.
 * @param {string} colleague
 * @throws {ChatError} `bad-pass`
 */
export async function hashOfColleague(colleague) {
  const key = readPass(colleague)?.key ?? keysOf([colleague])[0];
  if (key === undefined) throw new ChatError('bad-pass');
  return new Uint8Array(await crypto.subtle.digest('SHA-256', key));
}

/**
 * What a side is in the chat of a search.
 * @param {Passes} passes
 * @param {Search} search
 * @returns {import('./page/helping.js').Part}
 */
export function partIn({ helper, pinned }, { criteria: { role }, colleague }) {
  if (role === 'offer' && helper !== null) return { helper };
  if (role !== 'seek') return null;
  return { seeks: pinned.length > 0 || colleague !== undefined ? 'required' : 'welcome' };
}

/**
 * What a credential is worth. Where it cannot be checked, it is as if none had come.
 * @param {import('./page/helping.js').Shown} shown
 * @param {Search} search
 * @param {readonly Bytes[]} pinned
 * @param {import('./page/rest.js').Call} call
 * @returns {Promise<Judged>}
 */
export function judged(shown, search, pinned, call) {
  return judge(shown, search, pinned, call, Date.now()).catch(() => ({ verdict: 'unproved', standing: null, pass: null }));
}

/** What is told of it. @param {Judged} judged @returns {HelperPass | null} */
export function told({ standing, pass }) {
  return standing === null || pass === null ? null : Object.freeze({ standing, topics: pass.topics, expires: pass.expires, id: pass.id });
}
