/** The messages of a chat, in the order in which they came. */

import { announce, el, icon } from '../dom.js';
import { setText } from '../i18n.js';
import { shown } from '../stranger-text.js';
import { NextFrame } from './next-frame.js';
import { MessageLine } from './ui-line.js';

/** @typedef {import('../i18n.js').Key} Key */
/** @typedef {import('../i18n.js').Values} Values */
/** @typedef {import('../transcript.js').ChatEntry} ChatEntry */

/** Lines between messages that are kept, such as those of a timer. A peer may cause many. */
const NOTES = 200;
/** Within this many pixels of the end, the log follows new entries. */
const NEAR_END = 80;
/**
 * Lines that are shown anew in one frame; the others wait for the next. A peer can change one text that
 * all others quote, and lines of the longest texts take a third of a millisecond each.
 */
const SHOWN_PER_FRAME = 50;
/** How long a message is marked that somebody was led to. */
const FOUND_MS = 1_500;

export class MessageLog {
  /** @type {Map<ChatEntry, MessageLine>} */ #shown = new Map();
  /** What has to be shown anew, in the order in which it changed. @type {Set<ChatEntry>} */ #stale = new Set();
  #frame = new NextFrame(() => this.#settle());
  /** Whether the log goes to its end with the next frame. */ #follows = false;
  /** @type {HTMLElement[]} */ #notes = [];
  /** The one line whose menu Tab reaches. @type {MessageLine | null} */ #reached = null;
  /** Whether the log follows new entries. */ #following = true;
  /** Its size when it was last looked at. */ #size = '';
  /** How many texts came since the log stopped to follow. */ #unseen = 0;
  /** The line that was added last, with what it shares with the next. @type {{line: HTMLElement, mine: boolean, time: string} | null} */
  #last = null;
  #acts;
  #lines = el('div', { class: 'log', label: 'chat.log', set: { role: 'log', 'aria-live': 'off', tabindex: '0' } });
  #dots = el('div', { class: 'line dots', set: { 'aria-hidden': 'true' } }, el('span', {}, el('i'), el('i'), el('i')));
  #count = el('span');
  #down = el('button', { class: 'button down', set: { type: 'button', hidden: true }, on: { click: () => this.toEnd() } }, icon('down'), this.#count);
  node = el('div', { class: 'scroll' }, this.#lines, this.#down);

  /**
   * @param {Node} beginning What stands before the first message.
   * @param {Omit<import('./ui-line.js').LineActs, 'jump'>} acts
   */
  constructor(beginning, acts) {
    this.#acts = { ...acts, jump: (/** @type {ChatEntry} */ entry) => this.#jump(entry) };
    this.#lines.append(beginning, this.#dots);
    this.#lines.addEventListener('scroll', () => this.#scrolled());
    this.#lines.addEventListener('keydown', (event) => this.#walk(event));
    // When the log gets smaller (a keyboard, a banner, a longer draft), its end stays visible.
    new ResizeObserver(() => {
      this.#size = this.#currentSize();
      if (this.#following) this.toEnd();
    }).observe(this.#lines);
  }

  /** @param {ChatEntry} entry */
  add(entry) {
    const line = new MessageLine(entry, this.#acts);
    const { mine } = entry;
    // In a run of lines of the same minute, the last one tells it for all.
    if (this.#last?.mine === mine && this.#last.time === line.time) this.#last.line.classList.add('continued');
    this.#last = { line: line.node, mine, time: line.time };
    this.#shown.set(entry, line);
    if (!this.#lines.contains(document.activeElement) || this.#reached === null) this.#reach(line);
    if (!mine) announce('chat.says', { text: shown(entry.text) });
    this.#append(line.node, mine, !mine);
  }

  /** A line between the messages. @param {Key} key @param {Values} [values] */
  note(key, values = {}) {
    const line = el('p', { class: 'note-line', text: [key, values] });
    this.#last = null;
    this.#notes.push(line);
    if (this.#notes.length > NOTES) this.#notes.shift()?.remove();
    this.#append(line, false, false);
  }

  /** The delivery state of an own text has changed. @param {ChatEntry} entry */
  mark(entry) {
    this.#shown.get(entry)?.showMark();
  }

  /** A message is another one now, or is gone. It is shown so with the next frame, however often it changes until then. @param {ChatEntry} entry */
  changed(entry) {
    if (!this.#shown.has(entry)) return;
    this.#unsettle();
    this.#stale.add(entry);
  }

  /** Does something that makes the log longer; one that shows its end goes on showing it. @param {() => void} change */
  following(change) {
    this.#unsettle();
    change();
  }

  /**
   * The log is about to change. Where it stands is asked once before all changes of a frame, and it is
   * moved once after them: each makes the browser lay the whole log out.
   */
  #unsettle() {
    if (!this.#frame.isAsked) this.#follows = this.#nearEnd();
    this.#frame.ask();
  }

  #settle() {
    for (const entry of [...this.#stale].slice(0, SHOWN_PER_FRAME)) {
      this.#stale.delete(entry);
      this.#showAnew(entry);
    }
    this.#following = this.#follows;
    if (this.#follows) this.toEnd();
    else this.#showDown();
    if (this.#stale.size > 0) this.#unsettle();
  }

  /** @param {ChatEntry} entry */
  #showAnew(entry) {
    const line = this.#shown.get(entry);
    if (line === undefined) return;
    const hadFocus = line.node.contains(document.activeElement);
    if (entry.state === 'gone') this.#remove(entry, line);
    else line.show();
    if (this.#reached === line && entry.state !== 'shown') this.#reach([...this.#shown.values()].findLast(({ more }) => !more.hidden) ?? null);
    if (hadFocus && !line.node.contains(document.activeElement)) this.#lines.focus();
  }

  toEnd() {
    this.#lines.scrollTop = this.#lines.scrollHeight;
    this.#unseen = 0;
    this.#down.hidden = true;
  }

  /** @param {HTMLElement} line @param {boolean} always Whether the log goes to its end for it. @param {boolean} counts */
  #append(line, always, counts) {
    this.#unsettle();
    this.#follows ||= always;
    this.#dots.before(line);
    if (counts && !this.#follows) this.#unseen += 1;
  }

  /** @param {ChatEntry} entry @param {MessageLine} line */
  #remove(entry, { node }) {
    // The line before it tells its time itself now.
    if (!node.classList.contains('continued')) node.previousElementSibling?.classList.remove('continued');
    if (this.#last?.line === node) this.#last = null;
    this.#shown.delete(entry);
    node.remove();
  }

  /** Leads to a message. @param {ChatEntry} entry */
  #jump(entry) {
    const line = this.#shown.get(entry);
    if (line === undefined) return;
    line.node.scrollIntoView({ block: 'center' });
    this.#reach(line);
    line.more.focus({ preventScroll: true });
    line.node.classList.add('found');
    setTimeout(() => line.node.classList.remove('found'), FOUND_MS);
  }

  /** @param {MessageLine | null} line */
  #reach(line) {
    this.#reached?.more.setAttribute('tabindex', '-1');
    this.#reached = line;
    line?.more.setAttribute('tabindex', '0');
  }

  /** Arrows go from message to message, once the focus is on one. @param {KeyboardEvent} event */
  #walk(event) {
    const lines = [...this.#shown.values()].filter(({ more }) => !more.hidden);
    const at = lines.findIndex(({ more }) => more === event.target);
    const to = { ArrowUp: at - 1, ArrowDown: at + 1, Home: 0, End: lines.length - 1 }[event.key];
    if (at === -1 || to === undefined) return;
    event.preventDefault();
    const line = lines[Math.min(Math.max(to, 0), lines.length - 1)];
    this.#reach(line);
    line.more.focus();
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
    // The log has grown, and is moved with the next frame.
    if (this.#frame.isAsked) return;
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
