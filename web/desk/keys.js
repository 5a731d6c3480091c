/**
 * The desk by keyboard: single keys, which do nothing while somebody writes. Escape leaves what is
 * written in. They can be turned off, for those who speak to their computer.
 */

/** @typedef {'next' | 'pause' | 'sound' | 'write' | 'notes' | 'answers' | 'end' | 'report' | 'hand' | 'safety' | 'queue' | 'after' | 'before' | 'help'} Act */

/** What each key does. The letters are the same in every language: they are places on a keyboard. @type {readonly (readonly [string, Act])[]} */
export const KEYS = [
  ['n', 'next'], ['p', 'pause'], ['s', 'sound'], ['q', 'queue'], ['j', 'after'], ['k', 'before'], ['w', 'write'], ['o', 'notes'], ['a', 'answers'],
  ['c', 'safety'], ['h', 'hand'], ['e', 'end'], ['r', 'report'], ['?', 'help'],
];

/**
 * What a key press means: an act, a place to look at (from 0), or nothing.
 * @param {{key: string, code: string, ctrlKey: boolean, metaKey: boolean, altKey: boolean}} event
 * @param {boolean} isWriting Whether the focus is where text goes.
 * @returns {Act | number | null}
 */
export function meaningOf({ key, code, ctrlKey, metaKey, altKey }, isWriting) {
  if (isWriting || ctrlKey || metaKey || altKey) return null;
  if (/^[1-9]$/.test(key)) return Number(key) - 1;
  const known = KEYS.find(([letter]) => letter === key.toLowerCase());
  if (known !== undefined) return known[1];
  // On keyboards of other scripts, the key in the same place.
  const [, letter] = /^Key([A-Z])$/.exec(code) ?? [];
  if (letter === undefined || /^[a-z]$/i.test(key)) return null;
  return KEYS.find(([own]) => own === letter.toLowerCase())?.[1] ?? null;
}
