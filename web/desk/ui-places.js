/** The list of a helper's chats: whose turn it is, what was not read, and how long nobody has written. */

import { el } from '../dom.js';
import { setText } from '../i18n.js';
import { lasting } from '../later/lasting.js';
import { sinceLastWord } from './shift.js';

/** @typedef {import('../i18n.js').Key} Key */
/** @typedef {import('./shift.js').Place} Place */
/** @typedef {'queue' | 'chat' | 'notes'} View */

export class PlacesList {
  /** @type {{button: HTMLButtonElement, topic: HTMLElement, state: HTMLElement, unread: HTMLElement}[]} */ #items;
  #views;
  node;

  /** @param {number} count @param {(at: number) => void} select @param {(view: View) => void} show */
  constructor(count, select, show) {
    const view = (/** @type {View} */ name, /** @type {Key} */ text) => el('button', { class: 'desk-view', text, set: { type: 'button' }, on: { click: () => show(name) } });
    this.#views = /** @type {const} */ ([['queue', view('queue', 'desk.nav.queue')], ['notes', view('notes', 'desk.nav.notes')]]);
    this.#items = Array.from({ length: count }, (_, at) => {
      const topic = el('bdi', { class: 'desk-place-topic' });
      const name = el('span', { class: 'desk-place-name' }, el('span', { text: ['desk.place', { number: at + 1 }] }), ' ', topic);
      const state = el('span', { class: 'desk-place-state' });
      const unread = el('span', { class: 'desk-unread', set: { hidden: true } });
      const button = el('button', { class: 'desk-place', set: { type: 'button', 'aria-keyshortcuts': String(at + 1) }, on: { click: () => select(at) } }, name, unread, state);
      return { button, topic, state, unread };
    });
    const [[, queue], [, notes]] = this.#views;
    this.node = el(
      'nav', { class: 'desk-places', label: 'desk.nav' }, queue,
      el('ul', {}, ...this.#items.map(({ button }) => el('li', {}, button))), notes,
    );
  }

  /** @param {readonly Place[]} places @param {number} selected @param {View} view @param {number} now */
  show(places, selected, view, now) {
    for (const [name, button] of this.#views) button.setAttribute('aria-current', String(name === view));
    for (const [at, { button, topic, state, unread }] of this.#items.entries()) {
      const place = places[at];
      topic.textContent = place.topic;
      const [key, values] = stateOf(place, now);
      setText(state, key, values);
      unread.hidden = place.unread === 0;
      setText(unread, 'desk.place.unread', { count: place.unread });
      button.setAttribute('aria-current', String(at === selected));
      button.dataset.state = place.state === 'chat' && !place.isAnswered ? 'new' : place.state;
    }
  }
}

/** @param {Place} place @param {number} now @returns {[Key, import('../i18n.js').Values]} */
function stateOf({ state, isAnswered, lastWord }, now) {
  if (state !== 'chat') return [`desk.place.${state}`, {}];
  if (!isAnswered) return ['desk.place.new', {}];
  const seconds = lastWord === null ? 0 : sinceLastWord(lastWord.at, now);
  const whose = lastWord?.mine ? 'mine' : 'theirs';
  return seconds === 0 ? [`desk.place.${whose}.now`, {}] : [`desk.place.${whose}`, { time: () => lasting(seconds, 'short') }];
}
