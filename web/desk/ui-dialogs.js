/** Questions and explanations over the desk. */

import { belongsToInputMethod, el, openDialog } from '../dom.js';
import { setText } from '../i18n.js';
import { KEYS } from './keys.js';

/** @typedef {import('../i18n.js').Key} Key */

/**
 * Asks before a chat is ended, and for a last word.
 * @param {(word: string) => 'sent' | 'full' | 'over'} end
 */
export function askToEnd(end) {
  const word = el('textarea', { set: { rows: '3', dir: 'auto', autofocus: true, 'aria-describedby': 'desk-end-fault' } });
  const fault = el('p', { class: 'fault', set: { id: 'desk-end-fault', role: 'alert' } });
  return openDialog('desk-end', 'desk.end.heading', (close) => {
    const submit = (/** @type {Event} */ event) => {
      event.preventDefault();
      if (end(word.value.trim()) === 'full') setText(fault, 'desk.end.full');
      else close();
    };
    word.addEventListener('keydown', (event) => {
      if (event.key !== 'Enter' || !(event.ctrlKey || event.metaKey) || belongsToInputMethod(event)) return;
      submit(event);
    });
    return [
      el('p', { text: 'desk.end.lead' }),
      el(
        'form', { class: 'form', on: { submit } },
        el('label', { class: 'field' }, el('span', { class: 'name', text: 'desk.end.word' }), word), fault,
        el(
          'div', { class: 'actions end' },
          el('button', { class: 'button quiet', text: 'leave.stay', set: { type: 'button' }, on: { click: close } }),
          el('button', { class: 'button primary', text: 'desk.end.go', set: { type: 'submit' } }),
        ),
      ),
    ];
  });
}

/** Shows what each key does. @param {boolean} areOn @param {(on: boolean) => void} turn */
export function showKeys(areOn, turn) {
  const row = (/** @type {string} */ key, /** @type {Key} */ what) => [el('dt', {}, el('kbd', {}, key)), el('dd', { text: what })];
  const box = el('input', { set: { type: 'checkbox', checked: areOn } });
  box.addEventListener('change', () => turn(box.checked));
  return openDialog('desk-keys', 'desk.keys.heading', (close) => [
    el('p', { text: 'desk.keys.lead' }),
    el(
      'dl', { class: 'desk-key-list' }, ...row('1 – 9', 'desk.keys.number'),
      ...KEYS.flatMap(([key, act]) => row(key.toUpperCase(), `desk.keys.${act}`)), ...row('Esc', 'desk.keys.leave'),
    ),
    el('label', { class: 'choice' }, box, el('span', { text: 'desk.keys.on' })),
    el('div', { class: 'actions end' }, el('button', { class: 'button primary', text: 'safety.close', set: { type: 'button' }, on: { click: close } })),
  ]);
}
