/** After a chat: what was forgotten, and what cannot be. */

import { el } from './dom.js';

/** @typedef {import('./i18n.js').Key} Key */

/**
 * @param {Key} how Why the chat has ended.
 * @param {number} lost Own messages that were not confirmed.
 * @param {{again: (() => void) | null, home: () => void}} act
 */
export function endScreen(how, lost, act) {
  const heading = el('h1', { say: 'end.heading', set: { tabindex: '-1' } });
  const undelivered = lost === 0 ? null
    : el('p', { class: 'note warn', say: lost === 1 ? 'end.undelivered.one' : ['end.undelivered.many', { count: lost }] });
  const again = act.again === null ? null
    : el('button', { class: 'button primary', say: 'end.again', set: { type: 'button' }, on: { click: act.again } });
  const home = el('button', { class: again === null ? 'button primary' : 'button quiet', say: 'end.home', set: { type: 'button' }, on: { click: act.home } });
  const node = el(
    'div', { class: 'screen narrow ended' },
    heading,
    el('p', { class: 'lead', say: how }),
    undelivered,
    el('h2', { say: 'end.forgotten' }),
    el(
      'ul', { class: 'plain gone' },
      el('li', { say: 'end.forgotten.page' }), el('li', { say: 'end.forgotten.server' }), el('li', { say: 'end.forgotten.room' }),
    ),
    el('h2', { say: 'end.remains' }),
    el('ul', { class: 'plain' }, el('li', { say: 'end.remains.peer' })),
    el('div', { class: 'actions' }, again, home),
  );
  return { node, heading };
}
