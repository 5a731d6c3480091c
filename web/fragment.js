/** What the address carries behind its `#`, and takes to no server: an invite, or which server to talk to. */

import { secretOf } from './invite.js';
import { isEmbedded, isFile, serverOfFragment } from './server.js';

/**
 * Reads it, and removes it from the address bar and the history at once: it may be a secret.
 * @returns {{secret: ReturnType<typeof secretOf>, server: URL | null}}
 */
export function takeFragment() {
  const { hash, pathname, search } = location;
  if (hash !== '') history.replaceState(null, '', pathname + search);
  // The page around a frame knows the frame's address: an invite there would be no secret.
  const holdsNoInvite = isEmbedded || (isFile && hash.startsWith('#server='));
  return { secret: secretOf(holdsNoInvite ? '' : hash), server: isFile ? serverOfFragment(hash) : null };
}
