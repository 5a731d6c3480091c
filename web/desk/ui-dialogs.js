/** Questions and explanations over the desk. */

import { announce, belongsToInputMethod, el, openDialog } from '../dom.js';
import { setText } from '../i18n.js';
import { secretOfInput } from '../invite.js';
import { atServer } from '../server.js';
import { KEYS } from './keys.js';

/** @typedef {import('../bytes.js').Bytes} Bytes */
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

/**
 * Asks for the invite of a chat that a colleague hands over, and shows the key that the colleague needs before.
 * @param {string} key The helper's own.
 * @param {(secret: Bytes) => void} take
 */
export function askForInvite(key, take) {
  const text = el('textarea', { set: { rows: '2', autocomplete: 'off', autocapitalize: 'off', spellcheck: 'false', autofocus: true, 'aria-describedby': 'desk-invite-fault' } });
  const fault = el('p', { class: 'fault', set: { id: 'desk-invite-fault', role: 'alert' } });
  return openDialog('desk-invited', 'desk.invited', (close) => {
    const submit = async (/** @type {Event} */ event) => {
      event.preventDefault();
      const secret = await secretOfInput(text.value, atServer().href);
      text.setAttribute('aria-invalid', String(!(secret instanceof Uint8Array)));
      if (secret instanceof Uint8Array) {
        close();
        return take(secret);
      }
      // What was typed is a secret: a fault names a place in it, never a word of it.
      if (typeof secret === 'string') setText(fault, `have.${secret}`);
      else setText(fault, `have.${secret.fault}`, { number: secret.number ?? 0 });
    };
    return [
      el('p', {}, el('span', { text: 'desk.pass.key' }), ' ', el('code', { class: 'desk-own-key', set: { dir: 'ltr' } }, key)),
      el('p', { text: 'desk.invited.lead' }),
      el(
        'form', { class: 'form', on: { submit } },
        el('label', { class: 'field' }, el('span', { class: 'name', text: 'have.text' }), text), fault,
        el(
          'div', { class: 'actions end' },
          el('button', { class: 'button quiet', text: 'cancel', set: { type: 'button' }, on: { click: close } }),
          el('button', { class: 'button primary', text: 'join.go', set: { type: 'submit' } }),
        ),
      ),
    ];
  });
}

/**
 * Asks to whom a chat is handed over; then shows the invite for that colleague.
 * @param {(text: string) => Promise<{link: string} | 'malformed' | 'own' | 'full' | 'over'>} hand
 */
export function askToHandOver(hand) {
  const text = el('textarea', { set: { rows: '3', autocomplete: 'off', autocapitalize: 'off', spellcheck: 'false', autofocus: true, 'aria-describedby': 'desk-hand-fault' } });
  const fault = el('p', { class: 'fault', set: { id: 'desk-hand-fault', role: 'alert' } });
  return openDialog('desk-hand', 'desk.hand.heading', (close) => {
    const content = el('div', { class: 'form' });
    const submit = async (/** @type {Event} */ event) => {
      event.preventDefault();
      const done = await hand(text.value);
      if (done === 'over') return close();
      if (typeof done === 'string') return void setText(fault, done === 'full' ? 'chat.full' : `desk.hand.${done}`);
      const link = el('input', { class: 'link', label: 'desk.hand.link', set: { type: 'text', readonly: true, dir: 'ltr' } });
      link.value = done.link;
      const copy = el('button', { class: 'button', text: 'invite.copy', set: { type: 'button' }, on: { click: () => void copied(link) } });
      content.replaceChildren(el('p', { text: 'desk.hand.asked', set: { role: 'status' } }), el('div', { class: 'copy' }, link, copy), closing(close));
      copy.focus();
    };
    content.append(
      el('p', { text: 'desk.hand.lead' }),
      el(
        'form', { class: 'form', on: { submit } },
        el('label', { class: 'field' }, el('span', { class: 'name', text: 'desk.hand.colleague' }), text), fault,
        el(
          'div', { class: 'actions end' },
          el('button', { class: 'button quiet', text: 'cancel', set: { type: 'button' }, on: { click: close } }),
          el('button', { class: 'button primary', text: 'desk.hand.go', set: { type: 'submit' } }),
        ),
      ),
    );
    return [content];
  });
}

/** @param {() => void} close */
function closing(close) {
  return el('div', { class: 'actions end' }, el('button', { class: 'button primary', text: 'safety.close', set: { type: 'button' }, on: { click: close } }));
}

/** Copies a link; where a browser refuses, it is at least selected. @param {HTMLInputElement} link */
async function copied(link) {
  link.select();
  if (await navigator.clipboard?.writeText(link.value).then(() => true, () => false)) announce('invite.copied');
}
