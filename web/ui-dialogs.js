/** Dialogs: questions and explanations over a screen. */

import { el, openDialog } from './dom.js';
import { CATEGORIES } from './facts.js';
import { SIGNS } from './safety.js';
import { atServer, isFile } from './server.js';

/** @typedef {import('./facts.js').Category} Category */
/** @typedef {import('./safety.js').SafetyCode} SafetyCode */

/**
 * Shows the safety code, and what comparing it proves.
 * @param {SafetyCode} code
 * @param {boolean} invited Whether the two met through a link.
 */
export function showSafety(code, invited) {
  const signs = code.emoji.map((index) => el(
    'li', {},
    el('span', { class: 'sign-picture', set: { 'aria-hidden': 'true' } }, SIGNS[index]),
    el('span', { class: 'sign-name', text: /** @type {import('./i18n.js').Key} */ (`emoji.${index}`) }),
  ));
  return openDialog('safety', 'safety.heading', (close) => [
    el('p', { text: 'safety.lead' }),
    el('ol', { class: 'signs' }, ...signs),
    el('p', { class: 'numbers' }, el('span', { class: 'name', text: 'safety.numbers' }), el('output', {}, code.numbers.join(' '))),
    el('p', { class: 'note', text: invited ? 'safety.invite' : 'safety.random' }),
    el('div', { class: 'actions end' }, el('button', { class: 'button primary', text: 'safety.close', set: { type: 'button' }, on: { click: close } })),
  ]);
}

/**
 * Asks before a chat is ended.
 * @param {'leave' | 'next'} what
 * @param {() => void} go
 */
export function askToLeave(what, go) {
  return openDialog('leave', what === 'next' ? 'leave.next.heading' : 'leave.heading', (close) => [
    el('p', { text: 'leave.lead' }),
    el(
      'div', { class: 'actions end' },
      // Enter, pressed by mistake, ends nothing.
      el('button', { class: 'button quiet', text: 'leave.stay', set: { type: 'button', autofocus: true }, on: { click: close } }),
      el('button', {
        class: 'button primary', text: what === 'next' ? 'leave.next' : 'leave.go', set: { type: 'button' },
        on: { click: () => (close(), go()) },
      }),
    ),
  ]);
}

/**
 * Asks before an address from a message is opened, and shows where it leads: all of it, as the
 * browser would send it, since letters of other scripts may look like those of a known name.
 * @param {URL} address
 */
export function askToOpen(address) {
  const rest = address.href.slice(address.origin.length);
  return openDialog('open', 'open.heading', (close) => [
    el('p', { text: 'open.lead' }),
    el('p', { class: 'whole', set: { dir: 'ltr' } }, `${address.protocol}//`, el('strong', {}, address.host), rest === '/' ? '' : rest),
    el(
      'div', { class: 'actions end' },
      el('button', { class: 'button quiet', text: 'cancel', set: { type: 'button', autofocus: true }, on: { click: close } }),
      el('a', {
        class: 'button primary', text: 'open.go',
        set: { href: address.href, target: '_blank', rel: 'noopener noreferrer nofollow', referrerpolicy: 'no-referrer' },
        on: { click: close },
      }),
    ),
  ]);
}

/** @param {(category: Category) => void} report */
export function askForReport(report) {
  return openDialog('report', 'report.heading', (close) => {
    const choices = CATEGORIES.map((category) => el(
      'label', { class: 'choice' },
      el('input', { set: { type: 'radio', name: 'category', value: category, required: true } }),
      el('span', { text: `report.${category}` }),
    ));
    const submit = (/** @type {SubmitEvent} */ event) => {
      event.preventDefault();
      const chosen = new FormData(/** @type {HTMLFormElement} */ (event.target)).get('category');
      close();
      report(/** @type {Category} */ (chosen));
    };
    return [
      el('p', { text: 'report.lead' }),
      el(
        'form', { class: 'form', on: { submit } },
        el('fieldset', { class: 'choices' }, el('legend', { class: 'name', text: 'report.category' }), ...choices),
        el('p', { class: 'hint', text: 'report.danger' }),
        el(
          'div', { class: 'actions end' },
          el('button', { class: 'button quiet', text: 'cancel', set: { type: 'button' }, on: { click: close } }),
          el('button', { class: 'button danger', text: 'report.send', set: { type: 'submit' } }),
        ),
      ),
    ];
  });
}

/** What the page protects and what it cannot. */
export function showHow() {
  const points = /** @type {const} */ (['sealed', 'quantum', 'delivery', 'server', 'stranger', isFile ? 'file' : 'page', 'peer', 'tab']);
  return openDialog('how', 'how.heading', (close) => [
    el('ul', { class: 'plain' }, ...points.map((point) => el('li', { text: `how.${point}` }))),
    // In another tab: this one may be in a chat.
    isFile ? null : el('p', {}, el('a', { text: 'how.verify', set: { href: atServer('verify').href, target: '_blank', rel: 'noopener' } })),
    el('div', { class: 'actions end' }, el('button', { class: 'button primary', text: 'safety.close', set: { type: 'button' }, on: { click: close } })),
  ]);
}
