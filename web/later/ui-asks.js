/** What is asked before a message is changed for both: dialogs of a chat. */

import { utf8 } from '../bytes.js';
import { el, openDialog } from '../dom.js';
import { setText } from '../i18n.js';
import { MAX_REACTION } from '../limits.js';
import { lasting } from './lasting.js';

/** After how many seconds messages vanish, as it is offered. */
const TIMERS = [0, 30, 300, 3_600, 86_400];

/** Asks for a reaction that the menu does not offer. @param {(text: string) => void} react */
export function askForReaction(react) {
  return openDialog('react', 'react.heading', (close) => {
    const fault = el('p', { class: 'fault', set: { id: 'react-fault', role: 'alert' } });
    const input = el('input', { set: { type: 'text', autocomplete: 'off', autofocus: true, dir: 'auto', required: true, 'aria-describedby': 'react-fault' } });
    const submit = (/** @type {SubmitEvent} */ event) => {
      event.preventDefault();
      const text = input.value.trim();
      if (text === '') return;
      if (utf8(text).length > MAX_REACTION) return void setText(fault, 'react.long');
      close();
      react(text);
    };
    return [
      el(
        'form', { class: 'form', on: { submit } },
        el('label', { class: 'field' }, el('span', { class: 'name', text: 'react.label' }), input, fault),
        el(
          'div', { class: 'actions end' },
          el('button', { class: 'button quiet', text: 'cancel', set: { type: 'button' }, on: { click: close } }),
          el('button', { class: 'button primary', text: 'react.go', set: { type: 'submit' } }),
        ),
      ),
    ];
  });
}

/** @param {() => void} go */
export function askToDelete(go) {
  return openDialog('delete', 'delete.heading', (close) => [
    el('p', { text: 'delete.lead' }),
    el(
      'div', { class: 'actions end' },
      el('button', { class: 'button quiet', text: 'cancel', set: { type: 'button', autofocus: true }, on: { click: close } }),
      el('button', { class: 'button danger', text: 'delete.go', set: { type: 'button' }, on: { click: () => (close(), go()) } }),
    ),
  ]);
}

/**
 * Asks whether a colleague of the helper is to go on.
 * @param {boolean} verified Whether this page knows by itself that it is a helper who asks.
 * @param {() => void} go
 */
export function askToGoOn(verified, go) {
  return openDialog('handover', 'handover.heading', (close) => [
    el('p', { text: 'handover.lead' }),
    verified ? null : el('p', { class: 'hint', text: 'handover.said' }),
    el(
      'div', { class: 'actions end' },
      // Enter, pressed by mistake, ends nothing.
      el('button', { class: 'button quiet', text: 'handover.stay', set: { type: 'button', autofocus: true }, on: { click: close } }),
      el('button', { class: 'button primary', text: 'handover.go', set: { type: 'button' }, on: { click: () => (close(), go()) } }),
    ),
  ]);
}

/**
 * Asks after how long messages vanish.
 * @param {number} seconds As it is now.
 * @param {(seconds: number) => void} set
 */
export function askForTimer(seconds, set) {
  return openDialog('timer', 'timer.heading', (close) => {
    const choices = TIMERS.map((offered) => el(
      'label', { class: 'choice' },
      el('input', { set: { type: 'radio', name: 'seconds', value: String(offered), required: true, checked: offered === seconds } }),
      offered === 0 ? el('span', { text: 'timer.off' }) : el('span', {}, lasting(offered)),
    ));
    const submit = (/** @type {SubmitEvent} */ event) => {
      event.preventDefault();
      const chosen = Number(new FormData(/** @type {HTMLFormElement} */ (event.target)).get('seconds'));
      close();
      set(chosen);
    };
    return [
      el('p', { text: 'timer.lead' }),
      el(
        'form', { class: 'form', on: { submit } },
        el('fieldset', { class: 'choices' }, el('legend', { class: 'name', text: 'timer.after' }), ...choices),
        el('p', { class: 'hint', text: 'timer.asks' }),
        el(
          'div', { class: 'actions end' },
          el('button', { class: 'button quiet', text: 'cancel', set: { type: 'button' }, on: { click: close } }),
          el('button', { class: 'button primary', text: 'timer.set', set: { type: 'submit' } }),
        ),
      ),
    ];
  });
}
