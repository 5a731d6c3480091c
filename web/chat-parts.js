/** What only a chat needs of the page: loaded while somebody is looked for, not before. */

/**
 * Loads the screen of a chat, all its modules at once instead of import after import. `null` if they
 * could not be loaded.
 * @returns {Promise<typeof import('./later/ui-chat.js').ChatScreen | null>}
 */
export async function loadChat() {
  const parts = [
    import('./later/excerpt.js'),
    import('./later/kept-time.js'),
    import('./later/lasting.js'),
    import('./later/links.js'),
    import('./later/ui-asks.js'),
    import('./later/ui-composer.js'),
    import('./later/ui-line.js'),
    import('./later/ui-log.js'),
    import('./later/ui-menu.js'),
  ];
  const screen = import('./later/ui-chat.js');
  return Promise.all([screen, ...parts]).then(([{ ChatScreen }]) => ChatScreen, () => null);
}
