/** The desk's texts in each language. Only those of the language that is shown are loaded. */

import { alsoSay } from '../i18n.js';
import { texts as en } from './en.js';

/** @typedef {import('../i18n.js').Language} Language */
/** @typedef {Record<keyof typeof en, string>} DeskTexts */

/** @type {Record<Language, () => Promise<{texts: DeskTexts}>>} */
export const TEXTS = {
  en: () => Promise.resolve({ texts: en }),
  ko: () => import('./languages/ko.js'),
  ja: () => import('./languages/ja.js'),
  es: () => import('./languages/es.js'),
  ar: () => import('./languages/ar.js'),
};

/** From now on every language has the desk's texts, too. */
export function sayAtDesk() {
  alsoSay((to) => TEXTS[to]());
}
