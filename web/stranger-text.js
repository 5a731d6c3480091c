/**
 * What may be shown of a text that a stranger has written. The terminal client has the same policy;
 * both are tested with the cases of `schemas/vectors/text.json`.
 */

/** How many combining marks one base may have. Written languages need three or four. */
const MARKS_PER_BASE = 8;

/** First and last of the characters that are replaced. @type {readonly (readonly [number, number])[]} */
const REPLACED = [
  [0x0, 0x8], [0xb, 0x1f], [0x7f, 0x9f], [0x600, 0x605], [0x61c, 0x61c], [0x6dd, 0x6dd], [0x70f, 0x70f], [0x890, 0x891], [0x8e2, 0x8e2],
  [0x200e, 0x200f], [0x2028, 0x202e], [0x2065, 0x206f], [0xfff0, 0xfffb], [0x110bd, 0x110bd], [0x110cd, 0x110cd], [0x13430, 0x1343f],
  [0x1bca0, 0x1bca3], [0x1d173, 0x1d17a], [0xe0000, 0xe00ff], [0xe01f0, 0xe0fff],
];

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
