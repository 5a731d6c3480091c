/** Invites: links and words by which two people meet who know each other. */

import { ChatError } from './errors.js';
import { linkOf, newSecret, secretOfInput, wordsOf } from './page/invite.js';
import { partner } from './page/search.js';

/** @typedef {import('./page/bytes.js').Bytes} Bytes */

/**
 * An invite that was made here. It is secret: whoever has it can take the other side's place.
 * @typedef {{readonly link: string, readonly words: string}} Invite `words`: the same, to be read out.
 */

/** The secrets of invites that were made here. @type {WeakMap<Invite, Bytes>} */
const made = new WeakMap();

/** @param {URL} server @returns {Promise<Invite>} */
export async function newInvite(server) {
  const secret = newSecret();
  const invite = Object.freeze({ link: linkOf(secret, server.href), words: (await wordsOf(secret)).join(' ') });
  made.set(invite, secret);
  return invite;
}

/** The secret of an invite that was made here. @param {Invite} invite */
export function secretIn(invite) {
  return made.get(invite);
}

/**
 * The search for the other person of an invite: of one that was made here, or of a link, its end, or its words.
 * @param {Invite | string} invite
 * @param {URL} server
 * @param {import('./page/protocol.js').Role} [role] Of who was given one; `offer` for a colleague to whom a helper hands over.
 * @throws {ChatError} `bad-invite`
 */
export async function searchBy(invite, server, role = 'seek') {
  if (typeof invite !== 'string') {
    const secret = secretIn(invite);
    if (secret === undefined) throw new ChatError('bad-invite');
    return partner(secret, 'offer');
  }
  const secret = await secretOfInput(invite, server.href);
  if (!(secret instanceof Uint8Array)) throw new ChatError('bad-invite', typeof secret === 'string' ? secret : secret.fault);
  return partner(secret, role);
}
