/** What only a chat needs of the page: loaded while somebody is looked for, not before. */

import { pause } from './clock.js';

/** @typedef {{Conversation: typeof import('./conversation.js').Conversation, screens: import('./conversation.js').Screens}} Parts */

/** After this time a part of the page that could not be loaded is asked for again. */
const LOAD_AGAIN_MS = 2_000;
/** After this time without it a person is told that the server does not answer, as when a connection is silent. */
const LOAD_SILENT_MS = 10_000;

/**
 * Loads a chat and its screen, again and again while the server is out of reach. `null` if it cannot
 * be had although the server answers: some browsers try a module only once.
 * @param {import('./ui-wait.js').Waiting} screen
 * @param {{isWanted: () => boolean, isReached: () => Promise<boolean>}} about Whether the person still
 *   waits on this screen, and whether the server answers.
 */
export async function loadChat(screen, { isWanted, isReached }) {
  for (let hasAnswered = false; ;) {
    const silent = setTimeout(() => screen.progress('wait.silent'), LOAD_SILENT_MS);
    const loaded = await loadOnce();
    clearTimeout(silent);
    if (loaded !== null || hasAnswered || !isWanted()) return loaded;
    screen.progress('wait.offline');
    await pause(LOAD_AGAIN_MS);
    hasAnswered = await isReached();
  }
}

/**
 * All its modules at once instead of import after import. `null` if they could not be loaded.
 * @returns {Promise<Parts | null>}
 */
export async function loadOnce() {
  const parts = [
    import('./active-chat.js'),
    import('./channel.js'),
    import('./exchange.js'),
    import('./helping.js'),
    import('./transcript.js'),
    import('./later/excerpt.js'),
    import('./later/kept-time.js'),
    import('./later/lasting.js'),
    import('./later/links.js'),
    import('./later/next-frame.js'),
    import('./later/ui-asks.js'),
    import('./later/ui-composer.js'),
    import('./later/ui-line.js'),
    import('./later/ui-log.js'),
    import('./later/ui-menu.js'),
  ];
  const chat = import('./conversation.js');
  const screen = import('./later/ui-chat.js');
  return Promise.all([chat, screen, ...parts]).then(([{ Conversation }, { ChatScreen }]) => ({ Conversation, screens: ChatScreen }), () => null);
}
