/** The choice of the page's language. */

import { el } from './dom.js';
import { LANGUAGES, isLanguage, language, setLanguage } from './i18n.js';

/** @param {() => void} changed */
export function languageChoice(changed) {
  const options = Object.entries(LANGUAGES).map(([tag, { name }]) => el('option', { set: { value: tag, lang: tag } }, name));
  const select = el('select', { class: 'languages', label: 'nav.language' }, ...options);
  select.value = language();
  select.addEventListener('change', async () => {
    if (isLanguage(select.value)) await setLanguage(select.value);
    // What could not be loaded is not shown as chosen.
    select.value = language();
    changed();
  });
  return select;
}
