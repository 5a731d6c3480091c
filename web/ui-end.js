/** After a chat: what was forgotten, and what cannot be. */

import { el } from './dom.js';
import { setText } from './i18n.js';

/** @typedef {import('./i18n.js').Key} Key */
/** What can follow a chat. @typedef {{text: Key, go: () => void}} Again */

/**
 * @param {Key} how Why the chat has ended.
 * @param {{again: Again, home: () => void}} act
 */
export function endScreen(how, act) {
  const heading = el('h1', { text: 'end.heading', set: { tabindex: '-1' } });
  const lead = el('p', { class: 'lead', text: how, set: { role: 'status' } });
  const note = el('p', { class: 'note warn', set: { hidden: true } });
  const whole = el('p', { class: 'hint', text: 'end.received', set: { hidden: true } });
  const again = el('button', { class: 'button primary', text: act.again.text, set: { type: 'button' }, on: { click: act.again.go } });
  const home = el('button', { class: 'button quiet', text: 'end.home', set: { type: 'button' }, on: { click: act.home } });
  const node = el(
    'div', { class: 'screen narrow ended' },
    heading,
    lead,
    note, whole,
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
  /** The other side has acknowledged everything, the goodbye too. */
  const received = () => (whole.hidden = false);
  /** What has become of a report. @param {boolean} taken */
  const reported = (taken) => setText(lead, taken ? 'end.reported' : 'end.unreported');
  return { node, heading, undelivered, received, reported };
}
