/** Who waits, and what a helper does about it: take the next one, pause, the bell. */

import { el, icon } from '../dom.js';
import { setText } from '../i18n.js';
import { sentences } from '../outlook-words.js';
import { languageSelect } from '../ui-start.js';
import { WHOEVER } from './queue.js';

/** @typedef {import('../outlook.js').Outlook} Outlook */
/** @typedef {import('./queue.js').Row} Row */

/** What a helper can do here. @typedef {{next: () => void, pause: () => void, bell: () => void, keys: () => void, invited: (() => void) | null}} QueueActs */

export class QueuePanel {
  /** The topics, as they are shown. */ #shown = '';
  /** @type {Map<string | null, HTMLElement>} */ #counts = new Map();
  #topics = el('fieldset', { class: 'desk-topics' });
  #own = el('input', { set: { type: 'text', autocomplete: 'off', autocapitalize: 'off', spellcheck: 'false', maxlength: '64' } });
  #ownField = el('label', { class: 'field', set: { hidden: true } }, el('span', { class: 'name', text: 'desk.queue.own' }), this.#own);
  /** Any at first: nobody waits because of the helper's. */ #language = languageSelect('');
  #unknown = el('p', { class: 'hint', text: 'desk.queue.unknown' });
  #stale = el('p', { class: 'fault', text: 'desk.queue.stale', set: { hidden: true, role: 'status' } });
  #outlook = el('p', { class: 'hint' });
  #said = el('p', { class: 'hint', set: { role: 'status' } });
  #next; #pause; #bell;
  node;

  /** @param {QueueActs} acts */
  constructor(acts) {
    this.#next = el('button', { class: 'button primary desk-next', text: 'desk.next', set: { type: 'button' }, on: { click: acts.next } });
    this.#pause = el('button', { class: 'button', text: 'desk.pause', set: { type: 'button' }, on: { click: acts.pause } });
    this.#bell = el('button', { class: 'button desk-bell', set: { type: 'button' }, on: { click: acts.bell } }, icon('bell'), el('span', { text: 'desk.bell' }));
    this.node = el(
      'section', { class: 'desk-queue', set: { 'aria-labelledby': 'desk-queue' } },
      el('h1', { text: 'desk.queue', set: { id: 'desk-queue', tabindex: '-1' } }),
      el('div', { class: 'desk-acts' }, this.#next, this.#pause, this.#bell),
      this.#stale, this.#said, this.#outlook,
      this.#topics, this.#ownField, this.#unknown,
      el('label', { class: 'field' }, el('span', { class: 'name', text: 'desk.language' }), this.#language),
      el(
        'div', { class: 'desk-more' },
        acts.invited && el('button', { class: 'textual', text: 'desk.invited', set: { type: 'button' }, on: { click: acts.invited } }),
        el('button', { class: 'textual', text: 'desk.keys', set: { type: 'button', 'aria-keyshortcuts': '?' }, on: { click: acts.keys } }),
      ),
    );
  }

  /** The topic that the helper has chosen; `null` for whatever is most needed. */
  get chosen() {
    if (!this.#ownField.hidden) return this.#own.value.trim();
    const value = this.#topics.querySelector('input:checked')?.getAttribute('value') ?? 'whoever';
    return value === 'whoever' ? WHOEVER : value.slice(1);
  }

  /** The language that the helper takes; empty for any. */
  get language() {
    return this.#language.value;
  }

  /** @param {Row[]} rows @param {boolean} isFree Whether any topic may be typed. */
  rows(rows, isFree) {
    this.#ownField.hidden = !isFree;
    this.#topics.hidden = isFree;
    const shown = JSON.stringify(rows.map(({ topic }) => topic));
    if (!isFree && shown !== this.#shown) this.#list(rows);
    this.#shown = shown;
    for (const { topic, waiting } of rows) {
      const count = this.#counts.get(topic);
      if (count === undefined) continue;
      count.hidden = waiting === null;
      if (waiting !== null) setText(count, `desk.queue.${waiting}`);
      count.parentElement?.classList.toggle('waits', waiting === 'few' || waiting === 'many');
    }
    this.#unknown.hidden = rows.some(({ waiting }) => waiting !== null);
  }

  /** @param {Row[]} rows */
  #list(rows) {
    const before = this.#topics.querySelector('input:checked')?.getAttribute('value') ?? 'whoever';
    this.#counts = new Map(rows.map(({ topic }) => [topic, el('small', { class: 'there' })]));
    const choice = (/** @type {string} */ value, /** @type {HTMLElement} */ name, /** @type {HTMLElement | null} */ count) => el(
      'label', { class: 'choice' },
      el('input', { set: { type: 'radio', name: 'topic', value, checked: value === before } }), name, count,
    );
    const ofRows = rows.map(({ topic }) => choice(
      `:${topic}`, topic === '' ? el('span', { text: 'desk.queue.no-topic' }) : el('span', { set: { dir: 'auto' } }, topic), this.#counts.get(topic) ?? null,
    ));
    this.#topics.replaceChildren(
      el('legend', { class: 'name', text: 'desk.queue.topic' }),
      choice('whoever', el('span', { text: 'desk.queue.whoever' }), null), ...ofRows,
    );
    const chosen = this.#topics.querySelector('input:checked') ?? this.#topics.querySelector('input');
    if (chosen instanceof HTMLInputElement) chosen.checked = true;
  }

  /** Whether the server has not answered lately. @param {boolean} isStale */
  stale(isStale) {
    this.#stale.hidden = !isStale;
  }

  /** @param {Outlook | null} outlook What somebody who looks for the next one may expect. */
  outlook(outlook) {
    const said = outlook === null ? [] : sentences(outlook, 'offer');
    this.#outlook.replaceChildren(...said.flatMap(([key, values]) => [el('span', { text: [key, values] }), ' ']));
  }

  /** @param {{isSeeking: boolean, canTake: boolean, isPaused: boolean, hasBell: boolean}} state */
  show({ isSeeking, canTake, isPaused, hasBell }) {
    setText(this.#next, isSeeking ? 'desk.next.stop' : 'desk.next');
    this.#next.classList.toggle('primary', !isSeeking);
    this.#next.disabled = !isSeeking && !canTake;
    setText(this.#pause, isPaused ? 'desk.resume' : 'desk.pause');
    this.#bell.setAttribute('aria-pressed', String(hasBell));
    setText(this.#bell, hasBell ? 'desk.bell.on' : 'desk.bell.off', {}, 'title');
    this.#said.hidden = isSeeking || canTake;
    if (!this.#said.hidden) setText(this.#said, isPaused ? 'desk.paused' : 'desk.full');
  }

  focus() {
    (this.#next.disabled ? this.#pause : this.#next).focus();
  }
}
