/** One message of a chat: what it answers, what it says, and what was done to it. */

import { el, icon } from '../dom.js';
import { shown } from '../stranger-text.js';
import { excerpt } from './excerpt.js';
import { partsOf } from './links.js';

/** @typedef {import('../transcript.js').ChatEntry} ChatEntry */

/**
 * What can be done with a line.
 * @typedef {object} LineActs
 * @property {(address: URL) => void} open
 * @property {(entry: ChatEntry) => void} jump Shows another message.
 * @property {(entry: ChatEntry, button: HTMLButtonElement) => void} menu
 * @property {(entry: ChatEntry) => void} takeBack Takes the own reaction back.
 */

/** Hours and minutes as the device shows them, the same in every language. */
const TIME = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' });

/** What is not only signs. The fonts of emoji have digits, too, which nobody wants to read. */
const WORD = /[\p{L}\p{N}]/u;

export class MessageLine {
  time = TIME.format(new Date());
  #entry;
  #acts;
  #quote = el('div', { class: 'quoting' });
  #text = el('p', { class: 'text', set: { dir: 'auto' } });
  /** Opens the menu. Of all of them in a log, Tab reaches one. */
  more;
  #reactions = el('div', { class: 'reactions' });
  #edited = el('span', { class: 'edited', text: 'edit.edited' });
  #mark = el('span', { class: 'mark' });
  node;

  /** @param {ChatEntry} entry @param {LineActs} acts */
  constructor(entry, acts) {
    this.#entry = entry;
    this.#acts = acts;
    const { mine } = entry;
    this.more = el('button', {
      class: 'more', label: 'act.open', set: { type: 'button', 'aria-haspopup': 'menu', 'aria-expanded': 'false', tabindex: '-1' },
      on: { click: (event) => this.#openMenu(event) },
    }, icon('more'));
    this.node = el(
      'div', { class: mine ? 'line mine' : 'line' },
      el('span', { class: 'unseen', text: mine ? 'chat.you' : 'chat.peer' }),
      this.#quote,
      el('div', { class: 'said' }, this.#text, this.more),
      this.#reactions,
      el('p', { class: 'meta' }, this.#edited, el('time', { set: { datetime: this.time } }, this.time), mine ? this.#mark : null),
    );
    if (mine) this.showMark();
    this.show();
  }

  /** Opens the menu, unless it is open: then the browser closes it. @param {MouseEvent} event */
  #openMenu(event) {
    if (this.more.popoverTargetElement !== null) return;
    event.preventDefault();
    this.#acts.menu(this.#entry, this.more);
  }

  /** Shows the message as it is now. */
  show() {
    const { answers, edited, state, text } = this.#entry;
    const isShown = state === 'shown';
    this.node.classList.toggle('stand-in', !isShown);
    this.#quote.replaceChildren(...(answers === null || !isShown ? [] : [this.#quoted(answers)]));
    if (isShown) this.#text.replaceChildren(...this.#nodesOf(shown(text)));
    else this.#text.replaceChildren(el('span', { text: 'delete.gone' }));
    this.more.hidden = !isShown;
    this.#edited.hidden = !edited;
    this.#reactions.replaceChildren(...this.#chips());
  }

  /** Shows the delivery state. */
  showMark() {
    const { mark } = this.#entry;
    this.#mark.replaceChildren(icon(mark), el('span', { class: 'mark-word', text: `chat.mark.${mark}` }));
    this.#mark.dataset.mark = mark;
  }

  /** @param {ChatEntry | 'gone'} answered */
  #quoted(answered) {
    const head = el('span', { class: 'unseen', text: 'reply.quoted' });
    if (answered === 'gone') return el('p', { class: 'quote gone' }, icon('reply'), head, el('span', { text: 'reply.gone' }));
    return el(
      'button', { class: 'quote', set: { type: 'button' }, on: { click: () => this.#acts.jump(answered) } },
      icon('reply'), head,
      el('span', { class: 'quote-who', text: answered.mine ? 'chat.you' : 'chat.peer' }),
      el('span', { class: 'quote-text', set: { dir: 'auto' } }, excerpt(answered.text)),
    );
  }

  #chips() {
    const { mine, theirs } = this.#entry.reactions;
    const chip = (/** @type {string} */ text) => el('span', { class: WORD.test(text) ? 'reaction-text' : 'reaction-text emoji', set: { dir: 'auto' } }, text);
    const [own, other] = [excerpt(mine), excerpt(theirs)];
    return [
      other === '' ? null : el('span', { class: 'reaction' }, el('span', { class: 'unseen', text: 'react.theirs' }), chip(other)),
      own === '' ? null : el(
        'button', { class: 'reaction own', title: 'react.back', set: { type: 'button' }, on: { click: () => this.#acts.takeBack(this.#entry) } },
        el('span', { class: 'unseen', text: 'react.mine' }), chip(own), el('span', { class: 'unseen', text: 'react.back' }),
      ),
    ].filter((node) => node !== null);
  }

  /** @param {string} text */
  #nodesOf(text) {
    return partsOf(text).map(({ text: written, address }) => (address === null ? document.createTextNode(written) : this.#link(written, address)));
  }

  /**
   * An address that asks before it opens. It is no `a`, which a middle click or a drag would open
   * without a question.
   * @param {string} written @param {URL} address
   */
  #link(written, address) {
    const open = () => this.#acts.open(address);
    const press = (/** @type {KeyboardEvent} */ event) => {
      if (event.key !== 'Enter') return;
      event.preventDefault();
      open();
    };
    return el('span', { class: 'address', set: { role: 'link', tabindex: '0', dir: 'ltr' }, on: { click: open, keydown: press } }, written);
  }
}
