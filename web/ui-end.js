/** After a chat: what was forgotten, and what cannot be. */

import { el } from './dom.js';
import { setText } from './i18n.js';

/** @typedef {import('./i18n.js').Key} Key */

/**
 * @param {Key} how Why the chat has ended.
 * @param {{again: (() => void) | null, home: () => void}} act
 */
export function endScreen(how, act) {
  const heading = el('h1', { text: 'end.heading', set: { tabindex: '-1' } });
  const note = el('p', { class: 'note warn', set: { hidden: true } });
  const again = act.again === null ? null
    : el('button', { class: 'button primary', text: 'end.again', set: { type: 'button' }, on: { click: act.again } });
  const home = el('button', { class: again === null ? 'button primary' : 'button quiet', text: 'end.home', set: { type: 'button' }, on: { click: act.home } });
  const node = el(
    'div', { class: 'screen narrow ended' },
    heading,
    el('p', { class: 'lead', text: how }),
    note,
    el('h2', { text: 'end.forgotten' }),
    el(
      'ul', { class: 'plain gone' },
      el('li', { text: 'end.forgotten.page' }), el('li', { text: 'end.forgotten.server' }), el('li', { text: 'end.forgotten.room' }),
    ),
    el('h2', { text: 'end.remains' }),
    el('ul', { class: 'plain' }, el('li', { text: 'end.remains.peer' })),
    el('div', { class: 'actions' }, again, home),
  );
  /** How many own texts were not acknowledged; known after the goodbye. @param {number} count */
  const undelivered = (count) => {
    if (count === 1) setText(note, 'end.undelivered.one');
    else setText(note, 'end.undelivered.many', { count });
    note.hidden = count === 0;
  };
  return { node, heading, undelivered };
}
