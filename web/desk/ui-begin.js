/** Before a shift: what the desk is, and the bell, which browsers allow only after a click. */

import { el } from '../dom.js';
import { language, setText } from '../i18n.js';

/** @typedef {import('./pass.js').OwnPass} OwnPass */

/** @param {OwnPass | null} pass @param {(hasBell: boolean) => void} begin */
export function beginScreen(pass, begin) {
  const heading = el('h1', { text: 'desk.heading', set: { tabindex: '-1' } });
  const bell = el('input', { set: { type: 'checkbox', checked: true } });
  const submit = (/** @type {Event} */ event) => {
    event.preventDefault();
    begin(bell.checked);
  };
  const node = el(
    'form', { class: 'screen narrow desk-begin', on: { submit } },
    heading,
    el('p', { class: 'lead', text: 'desk.lead' }),
    passNote(pass),
    el('label', { class: 'choice' }, bell, el('span', { text: 'desk.begin.bell' })),
    el('p', { class: 'hint', text: 'desk.begin.forgotten' }),
    el('div', { class: 'actions' }, el('button', { class: 'button primary', text: 'desk.begin', set: { type: 'submit', autofocus: true } })),
  );
  return { node, heading };
}

/** What the helper's pass says. @param {OwnPass | null} pass */
function passNote(pass) {
  if (pass === null) return el('p', { class: 'hint', text: 'desk.pass.without' });
  const time = () => new Intl.DateTimeFormat(`${language()}-u-nu-latn`, { dateStyle: 'medium', timeStyle: 'short' }).format(pass.until);
  const topics = pass.topics === null ? null : el('p', { text: ['desk.pass.topics', { topics: pass.topics.join(', ') }] });
  return el('div', { class: 'note' }, el('p', { text: ['desk.pass.until', { time }] }), topics);
}

/** Instead, where the desk cannot be had. @param {import('../i18n.js').Key} why @param {() => void} again */
export function noDeskScreen(why, again) {
  const heading = el('h1', { text: 'desk.heading', set: { tabindex: '-1' } });
  const node = el(
    'div', { class: 'screen narrow' }, heading, el('p', { class: 'note warn', text: why }),
    el('div', { class: 'actions' }, el('button', { class: 'button primary', text: 'desk.again', set: { type: 'button' }, on: { click: again } })),
  );
  return { node, heading };
}

/**
 * Asks for the link of a pass, or for the pass whose secret the address carried.
 * @param {'required' | 'malformed' | 'expired'} why
 * @param {(text: string) => void} take
 */
export function passScreen(why, take) {
  const heading = el('h1', { text: 'desk.pass.heading', set: { tabindex: '-1' } });
  const text = el('textarea', { set: { rows: '3', autocomplete: 'off', autocapitalize: 'off', spellcheck: 'false', 'aria-describedby': 'desk-pass-fault' } });
  const fault = el('p', { class: 'fault', set: { id: 'desk-pass-fault', role: 'alert' } });
  if (why !== 'required') setText(fault, `desk.pass.${why}`);
  const submit = (/** @type {Event} */ event) => {
    event.preventDefault();
    take(text.value);
  };
  const node = el(
    'form', { class: 'screen narrow desk-begin', on: { submit } },
    heading, el('p', { class: 'lead', text: 'desk.pass.lead' }),
    el('label', { class: 'field' }, el('span', { class: 'name', text: 'desk.pass.text' }), text), fault,
    el('div', { class: 'actions' }, el('button', { class: 'button primary', text: 'desk.pass.go', set: { type: 'submit' } })),
  );
  return { node, heading };
}
