/** The messages of a chat, in the order in which they came. */

import { announce, el, icon } from './dom.js';
import { setText } from './i18n.js';
import { partsOf } from './links.js';
import { shown } from './stranger-text.js';

/** @typedef {import('./active-chat.js').ChatEntry} ChatEntry */

/** Entries that are kept: more than anybody scrolls back. Older ones are removed. */
const LINES = 2_000;
/** Within this many pixels of the end, the log follows new entries. */
const NEAR_END = 80;

/** Hours and minutes as the device shows them, the same in every language. */
const TIME = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' });

export class MessageLog {
  /** @type {Map<ChatEntry, HTMLElement>} */ #marks = new Map();
  /** Whether the log follows new entries. */ #following = true;
  /** Its size when it was last looked at. */ #size = '';
  /** How many texts came since the log stopped to follow. */ #unseen = 0;
  /** The line that was added last, with what it shares with the next. @type {{line: HTMLElement, mine: boolean, time: string} | null} */
  #last = null;
  /** @type {(address: URL) => void} */ #open;
  #lines = el('div', { class: 'log', label: 'chat.log', set: { role: 'log', 'aria-live': 'off', tabindex: '0' } });
  #dots = el('div', { class: 'line dots', set: { 'aria-hidden': 'true' } }, el('span', {}, el('i'), el('i'), el('i')));
  #count = el('span');
  #down = el('button', { class: 'button down', set: { type: 'button', hidden: true }, on: { click: () => this.toEnd() } }, icon('down'), this.#count);
  node = el('div', { class: 'scroll' }, this.#lines, this.#down);

  /**
   * @param {Node} beginning What stands before the first message.
   * @param {(address: URL) => void} open What a click on an address does.
   */
  constructor(beginning, open) {
    this.#open = open;
    this.#lines.append(beginning, this.#dots);
    this.#lines.addEventListener('scroll', () => this.#scrolled());
    // When the log gets smaller (a keyboard, a banner, a longer draft), its end stays visible.
    new ResizeObserver(() => {
      this.#size = this.#currentSize();
      if (this.#following) this.toEnd();
    }).observe(this.#lines);
  }

  /** @param {ChatEntry} entry */
  add(entry) {
    const follow = entry.mine || this.#nearEnd();
    const text = shown(entry.text);
    const time = TIME.format(new Date());
    const mark = el('span', { class: 'mark' });
    const line = el(
      'div', { class: entry.mine ? 'line mine' : 'line' },
      el('span', { class: 'unseen', text: entry.mine ? 'chat.you' : 'chat.peer' }),
      el('p', { class: 'text', set: { dir: 'auto' } }, ...this.#nodesOf(text)),
      el('p', { class: 'meta' }, el('time', { set: { datetime: time } }, time), entry.mine ? mark : null),
    );
    // In a run of lines of the same minute, the last one tells it for all.
    if (this.#last?.mine === entry.mine && this.#last.time === time) this.#last.line.classList.add('continued');
    this.#last = { line, mine: entry.mine, time };
    this.#dots.before(line);
    if (entry.mine) {
      this.#marks.set(entry, mark);
      this.mark(entry);
    } else {
      announce('chat.says', { text });
    }
    while (this.#lines.childElementCount > LINES) this.#lines.firstElementChild?.remove();
    if (follow) return this.toEnd();
    this.#unseen += 1;
    this.#showDown();
  }

  /** The delivery state of an own text has changed. @param {ChatEntry} entry */
  mark(entry) {
    const mark = this.#marks.get(entry);
    if (mark === undefined) return;
    mark.replaceChildren(icon(entry.mark), el('span', { class: 'mark-word', text: `chat.mark.${entry.mark}` }));
    mark.dataset.mark = entry.mark;
    if (entry.mark === 'delivered' || entry.mark === 'lost') this.#marks.delete(entry);
  }

  /** Does something that makes the log longer; one that shows its end goes on showing it. @param {() => void} change */
  following(change) {
    const follow = this.#nearEnd();
    change();
    if (follow) this.toEnd();
  }

  toEnd() {
    this.#lines.scrollTop = this.#lines.scrollHeight;
    this.#unseen = 0;
    this.#down.hidden = true;
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
    const open = () => this.#open(address);
    const press = (/** @type {KeyboardEvent} */ event) => {
      if (event.key !== 'Enter') return;
      event.preventDefault();
      open();
    };
    return el('span', { class: 'address', set: { role: 'link', tabindex: '0', dir: 'ltr' }, on: { click: open, keydown: press } }, written);
  }

  #nearEnd() {
    const { scrollHeight, scrollTop, clientHeight } = this.#lines;
    return scrollHeight - scrollTop - clientHeight < NEAR_END;
  }

  #currentSize() {
    return `${this.#lines.clientWidth} ${this.#lines.clientHeight}`;
  }

  #scrolled() {
    // A new size scrolls, too. That is not what the person wants to look at.
    if (this.#size !== this.#currentSize()) return;
    this.#following = this.#nearEnd();
    if (this.#following) this.#unseen = 0;
    this.#showDown();
  }

  #showDown() {
    this.#down.hidden = this.#nearEnd();
    if (this.#unseen === 0) setText(this.#count, 'chat.down');
    else if (this.#unseen === 1) setText(this.#count, 'chat.down.one');
    else setText(this.#count, 'chat.down.many', { count: this.#unseen });
  }
}
