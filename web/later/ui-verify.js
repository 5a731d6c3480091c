/** How somebody who knows nothing of programs checks this page, and what that does and does not prove. */

import { el } from '../dom.js';
import { atServer } from '../server.js';

/** @typedef {import('../i18n.js').Key} Key */

export function verifyScreen() {
  const heading = el('h1', { text: 'verify.heading', set: { tabindex: '-1' } });
  const server = atServer().href.replace(/\/$/, '');
  const node = el(
    'article', { class: 'screen narrow verify' },
    heading,
    el('p', { class: 'lead', text: 'verify.lead' }),
    part('verify.program.heading', el('p', { text: 'verify.program' }), command(`cipher-chat page --verify ${server}`)),
    part('verify.hash.heading', el('p', { text: 'verify.hash' }), command(`curl -s ${server}/ | sha256sum`)),
    part('verify.proves.heading', el('p', { text: 'verify.proves' })),
    part('verify.not.heading', el('ul', { class: 'plain' }, el('li', { text: 'verify.not.you' }), el('li', { text: 'verify.not.later' }), el('li', { text: 'verify.not.peer' }))),
    part('verify.sure.heading', el('p', { text: 'verify.sure' })),
  );
  return { node, heading };
}

/** @param {Key} title @param {...Node} content */
function part(title, ...content) {
  return el('section', {}, el('h2', { text: title }), ...content);
}

/** What is typed into a terminal, which runs from left to right in every language. @param {string} text */
function command(text) {
  return el('pre', { class: 'command', set: { dir: 'ltr', translate: 'no' } }, text);
}
