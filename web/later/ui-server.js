/** Which server a page from a file talks to. Nothing is sent anywhere before it is answered. */

import { belongsToInputMethod, el } from '../dom.js';
import { setText } from '../i18n.js';
import { serverOf } from '../server.js';

/**
 * @param {URL | null} named The server that the address of the file names.
 * @param {(server: URL) => void} take
 */
export function serverScreen(named, take) {
  const heading = el('h1', { text: 'server.heading', set: { tabindex: '-1' } });
  const text = el('input', { set: { type: 'text', dir: 'ltr', inputmode: 'url', autocomplete: 'off', autocapitalize: 'off', spellcheck: 'false', enterkeyhint: 'go', placeholder: 'https://', 'aria-describedby': 'server-fault' } });
  text.value = named?.href ?? '';
  const fault = el('p', { class: 'fault', set: { id: 'server-fault', role: 'alert' } });
  const go = () => {
    const server = serverOf(text.value);
    text.setAttribute('aria-invalid', String(server === null));
    if (server !== null) return take(server);
    setText(fault, 'server.wrong');
    text.focus();
  };
  text.addEventListener('keydown', (event) => {
    if (event.key === 'Enter' && !belongsToInputMethod(event)) go();
  });
  const node = el(
    'div', { class: 'screen narrow server' },
    heading,
    el('p', { class: 'lead', text: 'server.lead' }),
    named === null ? null : el('p', { class: 'note warn', text: 'server.asked' }),
    el('div', { class: 'form' }, el('label', { class: 'field' }, el('span', { class: 'name', text: 'server.address' }), text), fault,
      el('button', { class: 'button primary', text: 'server.go', set: { type: 'button' }, on: { click: go } })),
  );
  return { node, heading };
}
