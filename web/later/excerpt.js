/** A text of anybody, short and in one line: what is quoted, and what stands on a chip. */

import { shown } from '../stranger-text.js';

/** Characters of a quote: about what a wide window shows in its line. */
const LONGEST = 120;

/** @param {string} text */
export function excerpt(text) {
  const characters = [...shown(text).replace(/\s+/gu, ' ').trim()];
  return characters.length > LONGEST ? `${characters.slice(0, LONGEST).join('')}…` : characters.join('');
}
