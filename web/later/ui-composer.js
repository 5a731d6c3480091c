/**
 * Where a text is written. Enter sends, and Shift+Enter starts a new line. An on-screen keyboard has
 * no Shift+Enter: there Enter starts a new line, and the button sends.
 */

import { utf8 } from '../bytes.js';
import { belongsToInputMethod, el, icon } from '../dom.js';
import { setText } from '../i18n.js';
import { MAX_TEXT } from '../limits.js';
import { excerpt } from './excerpt.js';

/** @typedef {import('../transcript.js').ChatEntry} ChatEntry */
/**
 * What the text that is written is for, if it is no message of its own: an answer to another one, or
 * what that is to say from now on.
 * @typedef {{kind: 'reply' | 'edit', entry: ChatEntry} | null} Purpose
 */

/** Composers that were made: the desk shows several at once, whose faults are told apart by a number. */
let made = 0;

/** Somebody who has pressed no key for this long has stopped writing. */
const IDLE_MS = 4_000;

export class Composer {
  /** @type {(text: string, purpose: Purpose) => 'sent' | 'full' | 'over'} */ #send;
  /** @type {Purpose} */ #purpose = null;
  /** What was written before a message is changed. */ #before = '';
  /** @type {(active: boolean) => void} */ #typing;
  /** @type {ReturnType<typeof setTimeout> | undefined} */ #idle;
  #faultId = `write-fault-${++made}`;
  #input = el('textarea', {
    label: 'chat.write', placeholder: 'chat.write.placeholder',
    set: { rows: '1', autocomplete: 'off', dir: 'auto', disabled: true, 'aria-describedby': this.#faultId },
  });
  #button = el('button', { class: 'send', label: 'chat.send', title: 'chat.send', set: { type: 'submit', disabled: true } }, icon('send'));
  #fault = el('p', { class: 'fault', set: { id: this.#faultId, role: 'alert' } });
  #about = el('div', { class: 'about-what', set: { hidden: true } });
  node = el('form', { class: 'composer' }, this.#about, this.#fault, this.#input, this.#button);

  /**
   * @param {(text: string, purpose: Purpose) => 'sent' | 'full' | 'over'} send
   * @param {(active: boolean) => void} typing
   */
  constructor(send, typing) {
    this.#send = send;
    this.#typing = typing;
    this.#input.enterKeyHint = hasKeyboard() ? 'send' : 'enter';
    this.node.addEventListener('submit', (event) => {
      event.preventDefault();
      this.#submit();
    });
    this.#input.addEventListener('keydown', (event) => {
      if (event.key === 'Escape' && !belongsToInputMethod(event)) this.drop();
      if (event.key !== 'Enter' || event.shiftKey || belongsToInputMethod(event)) return;
      if (!hasKeyboard() && !event.ctrlKey && !event.metaKey) return;
      event.preventDefault();
      this.#submit();
    });
    this.#input.addEventListener('input', () => this.#changed());
  }

  enable() {
    this.#input.disabled = this.#button.disabled = false;
  }

  /** Takes the focus, unless that would open an on-screen keyboard. Returns whether it did. */
  focus() {
    if (this.#input.disabled || !hasKeyboard()) return false;
    this.#input.focus();
    return true;
  }

  /** What is written and not sent. */
  get draft() {
    return (this.#purpose?.kind === 'edit' ? this.#before : this.#input.value).trim();
  }

  /** Writes an answer to a message, or a message anew. @param {'reply' | 'edit'} kind @param {ChatEntry} entry */
  begin(kind, entry) {
    this.drop();
    this.#purpose = { kind, entry };
    const about = kind === 'reply' ? el('span', { class: 'quote-text', set: { dir: 'auto' } }, excerpt(entry.text)) : el('span', { text: 'edit.asks' });
    const drop = el('button', { class: 'drop', label: 'cancel', title: 'cancel', set: { type: 'button' }, on: { click: () => (this.drop(), this.#input.focus()) } }, icon('exit'));
    this.#about.replaceChildren(icon(kind), el('p', {}, el('span', { class: 'quote-who', text: kind === 'reply' ? 'reply.begun' : 'edit.begun' }), about), drop);
    this.#about.hidden = false;
    if (kind === 'edit') {
      this.#before = this.#input.value;
      this.#write(entry.text);
    }
    this.#input.focus();
  }

  /** What is written is a message of its own after all. */
  drop() {
    const purpose = this.#purpose;
    this.#purpose = null;
    this.#about.replaceChildren();
    this.#about.hidden = true;
    if (purpose?.kind !== 'edit') return;
    this.#write(this.#before);
    this.#before = '';
    this.#changed();
  }

  /** A message is gone: nothing is written about it any more. @param {ChatEntry} entry */
  gone(entry) {
    if (this.#purpose?.entry === entry) this.drop();
  }

  /** There is no room for more on the way. */
  full() {
    setText(this.#fault, 'chat.full');
  }

  roomAgain() {
    this.#fault.replaceChildren();
  }

  #submit() {
    const text = this.#input.value.trim();
    if (text === '' || this.#tooLong(text)) return;
    const isAsBefore = this.#purpose?.kind === 'edit' && this.#purpose.entry.text === text;
    const sent = isAsBefore ? 'sent' : this.#send(text, this.#purpose);
    if (sent === 'full') this.full();
    if (sent !== 'sent') return;
    this.#fault.replaceChildren();
    if (this.#purpose?.kind !== 'edit') this.#write('');
    clearTimeout(this.#idle);
    this.drop();
    this.#input.focus();
  }

  #changed() {
    this.#grow();
    if (!this.#tooLong(this.#input.value.trim())) this.#fault.replaceChildren();
    const writing = this.#input.value.trim() !== '';
    this.#typing(writing);
    clearTimeout(this.#idle);
    if (writing) this.#idle = setTimeout(() => this.#typing(false), IDLE_MS);
  }

  /** @param {string} text */
  #write(text) {
    this.#input.value = text;
    this.#grow();
  }

  /** @param {string} text */
  #tooLong(text) {
    const over = utf8(text).length - MAX_TEXT;
    if (over > 0) setText(this.#fault, 'chat.long', { over, max: MAX_TEXT });
    this.#input.setAttribute('aria-invalid', String(over > 0));
    return over > 0;
  }

  #grow() {
    this.#input.style.height = 'auto';
    this.#input.style.height = `${this.#input.scrollHeight}px`;
  }
}

/** Whether somebody types on keys, as far as a page can know: who points with a finger does not. */
function hasKeyboard() {
  return !matchMedia('(pointer: coarse)').matches;
}
