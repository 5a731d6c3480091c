/**
 * Who a help line's helpers are, as far as this page can know: by keys that it has brought with it, or
 * by the server's word. What checks passes is loaded where it is needed.
 */

import { keysOf } from './pass-keys.js';
import { request } from './rest.js';
import { isFile } from './server.js';

/**
 * The keys that stand in a page of the person's own. What a server's page brings with it is no more than
 * the server's word.
 */
const pinned = isFile ? keysOf(document.querySelector('meta[name=cipher-chat-helper-keys]')?.getAttribute('content')?.split(' ')) : [];

/** Whether this page checks helpers by itself, whatever a server says. */
export const hasKeys = pinned.length > 0;

/**
 * What this side is in the chat of a search.
 * @param {import('./search.js').Search} search
 * @returns {import('./helping.js').Part}
 */
export function partOf({ criteria, colleague }) {
  if (criteria.role !== 'seek') return null;
  return { seeks: hasKeys || colleague !== undefined ? 'required' : 'welcome' };
}

/** Loads what checks passes. */
export async function loadPasses() {
  const parts = import('./later/pass.js');
  const standing = import('./later/standing.js');
  await parts;
  return standing;
}

/**
 * What a helper's credential is worth. Where it cannot be checked, it is as if none had come.
 * @param {import('./helping.js').Shown} shown
 * @param {import('./search.js').Search} search
 * @returns {Promise<import('./later/standing.js').Judged>}
 */
export async function judgeHelper(shown, search) {
  try {
    const { judge } = await loadPasses();
    return await judge(shown, search, pinned, request, Date.now());
  } catch {
    return { verdict: 'unproved', standing: null, pass: null };
  }
}
