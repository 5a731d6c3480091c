/** A time in words of the page's language. */

import { language } from '../i18n.js';

/** From the longest: what divides a time evenly tells it. @type {[string, number][]} */
const UNITS = [['day', 86_400], ['hour', 3_600], ['minute', 60], ['second', 1]];

/**
 * Such as "5 minutes". Digits are those of the rest of the page, in every language.
 * @param {number} seconds
 * @param {'long' | 'short'} [how]
 */
export function lasting(seconds, how = 'long') {
  const [unit, length] = UNITS.find(([, length]) => seconds % length === 0) ?? UNITS[3];
  return new Intl.NumberFormat(`${language()}-u-nu-latn`, { style: 'unit', unit, unitDisplay: how }).format(seconds / length);
}
