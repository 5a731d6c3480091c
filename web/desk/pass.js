/** The helper's pass, as the desk needs it: who the helper is, for what, and for how long. */

import { fromBase64url, toBase64url } from '../bytes.js';
import { helperOf, readLink, readPass } from '../later/pass.js';

/** @typedef {import('../bytes.js').Bytes} Bytes */

/** Bytes of a key of Ed25519. */
const KEY_BYTES = 32;

/**
 * `topics`: `null` for all. `until`: ms since the Unix epoch. `key`: the public key, as it is shown.
 * @typedef {{helper: import('../later/pass.js').Helper, topics: string[] | null, until: number, key: string}} OwnPass
 */

/**
 * The public key of a colleague, from a pass, or as it is shown at the colleague's desk; `null` if it is neither.
 * A whole link is taken for its pass: what else it carries is not kept.
 * @param {string} text
 */
export function keyOfColleague(text) {
  const pass = readPass(readLink(text)?.pass ?? text.trim());
  const key = pass === null ? fromBase64url(text.trim()) : pass.key;
  return key?.length === KEY_BYTES ? key : null;
}

/**
 * Reads the link of a pass, or a pass whose secret is known. A link without a pass gives its secret: the
 * pass is asked for.
 * @param {string} text
 * @param {Bytes | null} known The secret of a link that came without its pass.
 * @param {number} now ms since the Unix epoch.
 * @returns {Promise<OwnPass | {secret: Bytes} | 'malformed' | 'expired'>}
 */
export async function ownPass(text, known, now) {
  const link = readLink(text) ?? (known === null ? null : { secret: known, pass: text.trim() });
  if (link === null) return 'malformed';
  if (link.pass === null) return { secret: link.secret };
  const said = readPass(link.pass);
  if (said === null || said.role !== 'offer') return 'malformed';
  const until = said.expires * 1000;
  if (until <= now) return 'expired';
  const helper = await helperOf(link.secret, link.pass).finally(() => link.secret.fill(0));
  // A pass of somebody else: the secret is not its key's.
  const key = toBase64url(helper.publicKey);
  if (key !== toBase64url(said.key)) return 'malformed';
  return { helper, topics: said.topics, until, key };
}
