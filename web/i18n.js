/**
 * The page's languages. Every visible text has a key in en.js. `setText` binds a node to a key, so
 * that a change of language rewrites the page in place, and the draft and the focus stay.
 */

import { en } from './en.js';
import { ko } from './ko.js';

/** @typedef {keyof typeof en} Key */
/** @typedef {Record<string, string | number>} Values */
/** @typedef {'en' | 'ko'} Language */

/** @type {Record<Language, Record<Key, string>>} */
const TEXTS = { en, ko };

/** @type {Language} */
let current = 'en';

/** @type {WeakMap<Element, Map<string, {key: Key, values: Values}>>} */
const bound = new WeakMap();

export function language() {
  return current;
}

/**
 * The first of a person's languages that the page speaks; English otherwise.
 * @param {readonly string[]} preferred BCP 47 tags, the preferred one first.
 * @returns {Language}
 */
export function choose(preferred) {
  for (const tag of preferred) {
    const primary = tag.toLowerCase().split('-')[0];
    if (primary === 'en' || primary === 'ko') return primary;
  }
  return 'en';
}

/** @param {Language} to */
export function setLanguage(to) {
  current = to;
  document.documentElement.lang = to;
  for (const node of document.querySelectorAll('[data-text-key]')) rewrite(node);
}

/**
 * The text of a key in the page's language, with `{name}` replaced by the value of that name.
 * @param {Key} key
 * @param {Values} [values]
 */
export function translate(key, values = {}) {
  return TEXTS[current][key].replace(/\{(\w+)\}/g, (_, name) => String(values[name]));
}

/**
 * Writes the text of a key into a node or an attribute of it, and keeps it in the page's language.
 * @template {Element} E
 * @param {E} node
 * @param {Key} key
 * @param {Values} [values]
 * @param {string} [attribute] Such as `aria-label`; the text itself without.
 * @returns {E}
 */
export function setText(node, key, values = {}, attribute = '') {
  const said = bound.get(node) ?? new Map();
  said.set(attribute, { key, values });
  bound.set(node, said);
  node.setAttribute('data-text-key', '');
  rewrite(node);
  return node;
}

/** @param {Element} node */
function rewrite(node) {
  for (const [attribute, { key, values }] of bound.get(node) ?? []) {
    const text = translate(key, values);
    if (attribute === '') {
      if (node.textContent !== text) node.textContent = text;
    } else {
      node.setAttribute(attribute, text);
    }
  }
}
