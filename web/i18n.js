/**
 * The page's languages. Every visible text has a key in en.js. `setText` binds a node to a key, so
 * that a change of language rewrites the page in place, and the draft and the focus stay.
 */

import { texts as en } from './en.js';

/** The keys of the page's own texts. @typedef {keyof typeof en} PageKey */
/** Those of the desk, too, which loads its texts beside them. @typedef {PageKey | keyof typeof import('./desk/en.js').texts} Key */
/** @typedef {Record<PageKey, string>} Texts */
/** What is named in a text; a function where that depends on the language. @typedef {Record<string, string | number | (() => string)>} Values */
/** @typedef {keyof typeof LANGUAGES} Language */

/**
 * Each language by its BCP 47 tag, with its own name. A new one is a file and a line here. Only the
 * one that is shown is loaded.
 */
export const LANGUAGES = {
  en: { name: 'English', load: () => Promise.resolve({ texts: en }) },
  ko: { name: '한국어', load: () => import('./languages/ko.js') },
  ja: { name: '日本語', load: () => import('./languages/ja.js') },
  es: { name: 'Español', load: () => import('./languages/es.js') },
  ar: { name: 'العربية', load: () => import('./languages/ar.js') },
};

/** Those that are written from right to left. @type {readonly Language[]} */
const RIGHT_TO_LEFT = ['ar'];

/** @type {Language} */
let current = 'en';
/** What was chosen last, while it is loaded. @type {Language} */
let wanted = 'en';
/** @type {Partial<Record<Key, string>>} */
let texts = en;
/** Loads what another screen says in a language. @type {(to: Language) => Promise<{texts: typeof texts}>} */
let loadMore = () => Promise.resolve({ texts: {} });

/** @type {WeakMap<Element, Map<string, {key: Key, values: Values}>>} */
const bound = new WeakMap();

export function language() {
  return current;
}

/** Another screen than the page has texts of its own. @param {typeof loadMore} load */
export function alsoSay(load) {
  loadMore = load;
}

/**
 * The first of a person's languages that the page speaks; English otherwise.
 * @param {readonly string[]} preferred BCP 47 tags, the preferred one first.
 * @returns {Language}
 */
export function choose(preferred) {
  const primaries = preferred.map((tag) => tag.toLowerCase().split('-')[0]);
  return primaries.find(isLanguage) ?? 'en';
}

/** @param {string} tag @returns {tag is Language} */
export function isLanguage(tag) {
  return Object.hasOwn(LANGUAGES, tag);
}

/**
 * Shows the page in a language. If its texts cannot be loaded, or another was chosen meanwhile, the
 * page stays as it is.
 * @param {Language} to
 */
export async function setLanguage(to) {
  wanted = to;
  const loaded = await Promise.all([LANGUAGES[to].load(), loadMore(to)]).catch(() => null);
  if (loaded === null || wanted !== to) return;
  texts = { ...loaded[0].texts, ...loaded[1].texts };
  current = to;
  document.documentElement.lang = to;
  document.documentElement.dir = RIGHT_TO_LEFT.includes(to) ? 'rtl' : 'ltr';
  for (const node of document.querySelectorAll('[data-text-key]')) rewrite(node);
}

/**
 * The text of a key in the page's language, with `{name}` replaced by the value of that name.
 * @param {Key} key
 * @param {Values} [values]
 */
export function translate(key, values = {}) {
  return /** @type {string} */ (texts[key]).replace(/\{(\w+)\}/g, (_, name) => {
    const value = values[name];
    return String(typeof value === 'function' ? value() : value);
  });
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
