/** What a helper's credential is worth, and what has to be asked for that. */

import { equal } from '../bytes.js';
import { keysOf } from '../pass-keys.js';
import { answerOf } from '../rest.js';
import { helpsWith, isCurrent, readCredential, readPass, readRevocations, verifyCredential } from './pass.js';

/** @typedef {import('../bytes.js').Bytes} Bytes */
/** @typedef {import('./pass.js').Pass} Pass */

/**
 * What is known of a helper. Only `verified` deserves a sign that people trust: the operator's key, which
 * this program has brought with it, has signed the pass, and a new list does not name it. `unlisted`: the
 * same without such a list. `said`: the key is the server's word alone. `unknown`: there is no key.
 * @typedef {'verified' | 'unlisted' | 'said' | 'unknown'} Standing
 */
/** @typedef {{verdict: import('../helping.js').Verdict, standing: Standing | null, pass: Pass | null}} Judged */
/**
 * What a pass has to be for: a topic, or whoever was chosen by an invite. `colleague`: SHA-256 of the only
 * key that will do, after a handover.
 * @typedef {{criteria: import('../protocol.js').Criteria, colleague?: Bytes}} Wanted
 */

/**
 * @param {import('../helping.js').Shown} shown
 * @param {Wanted} wanted
 * @param {readonly Bytes[]} pinned The keys that this program has brought with it.
 * @param {import('../rest.js').Call} call How the server is called.
 * @param {number} now Milliseconds since the Unix epoch.
 * @returns {Promise<Judged>}
 * @throws Where there is no Ed25519.
 */
export async function judge(shown, wanted, pinned, call, now) {
  const keys = pinned.length > 0 ? pinned : keysOf((await answerOf(await call('GET', 'v1/status')))?.pass_keys);
  if (keys.length === 0) return withoutKeys(shown, wanted);
  const pass = await verifyCredential(shown.body, keys, shown.transcript, shown.side, now);
  if (typeof pass === 'string' || !(await isFor(pass, wanted))) return REFUSED;
  const response = await call('GET', 'v1/passes/revoked');
  const list = response?.ok ? await readRevocations((await response.text()).trim(), keys, now) : 'unreadable';
  const isList = typeof list !== 'string';
  // A list does not forget: an old one that names the pass is as good as a new one.
  if (isList && list.ids.has(pass.id)) return REFUSED;
  // Who has the page from a server trusts its word in all else. Its helpers hand over, too: to people
  // of whom it could have said the same from the start.
  if (pinned.length === 0) return { verdict: 'believed', standing: 'said', pass };
  return isList && isCurrent(list, now) ? { verdict: 'believed', standing: 'verified', pass } : { verdict: 'taken', standing: 'unlisted', pass };
}

/** @type {Judged} */
const REFUSED = { verdict: 'refused', standing: null, pass: null };

/** Anybody may have made the pass; and of a colleague nothing is known either. @param {import('../helping.js').Shown} shown @param {Wanted} wanted @returns {Judged} */
function withoutKeys({ body }, { colleague }) {
  const credential = readCredential(body);
  const pass = credential && readPass(credential.pass);
  return pass === null || colleague !== undefined ? REFUSED : { verdict: 'taken', standing: 'unknown', pass };
}

/** @param {Pass} pass @param {Wanted} wanted */
async function isFor(pass, { criteria, colleague }) {
  if (colleague !== undefined && !equal(new Uint8Array(await crypto.subtle.digest('SHA-256', pass.key)), colleague)) return false;
  return criteria.invite === undefined ? helpsWith(pass, criteria.topic) : pass.role === 'offer';
}
