/**
 * What may be shown of a text that a stranger has written. The terminal client has the same policy;
 * both are tested with the cases of `schemas/vectors/text.json`.
 */

import { MARKS_PER_BASE, REPLACED } from './facts.js';

/** What is shown in place of a character that may not be shown. */
const REPLACEMENT = '\ufffd';
const MARK = /\p{M}/u;
/** Characters without a form of their own: marks after them go on the base before them. */
const JOINS = /[\u00ad\u180e\u200b-\u200d\u2060-\u2064\ufeff]/;

/**
 * The text as it may be shown: in NFC, with line feeds as its only line ends, without characters
 * that control or turn what is around them, and with a bounded number of marks on one base.
 * @param {string} text
 */
export function shown(text) {
  let result = '';
  let marks = 0;
  for (const char of text.replace(/\r\n?/g, '\n').normalize('NFC')) {
    if (MARK.test(char)) {
      marks += 1;
      if (marks > MARKS_PER_BASE) continue;
    } else if (!JOINS.test(char)) {
      marks = 0;
    }
    result += isReplaced(/** @type {number} */ (char.codePointAt(0))) ? REPLACEMENT : char;
  }
  return result;
}

/** @param {number} code */
function isReplaced(code) {
  return REPLACED.some(([first, last]) => first <= code && code <= last);
}
