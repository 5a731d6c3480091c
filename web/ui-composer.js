/**
 * Where a text is written. Enter sends, and Shift+Enter starts a new line. An on-screen keyboard has
 * no Shift+Enter: there Enter starts a new line, and the button sends.
 */

import { utf8 } from './bytes.js';
import { belongsToInputMethod, el, icon } from './dom.js';
import { setText } from './i18n.js';

/** Longest text of the channel, UTF-8 bytes. */
const TEXT_BYTES = 8 * 1024;
/** Somebody who has pressed no key for this long has stopped writing. */
const IDLE_MS = 4_000;

export class Composer {
  /** @type {(text: string) => 'sent' | 'full' | 'over'} */ #send;
  /** @type {(active: boolean) => void} */ #typing;
  /** @type {ReturnType<typeof setTimeout> | undefined} */ #idle;
  #input = el('textarea', {
    label: 'chat.write', placeholder: 'chat.write.placeholder',
    set: { rows: '1', autocomplete: 'off', dir: 'auto', disabled: true, 'aria-describedby': 'write-fault' },
  });
  #button = el('button', { class: 'send', label: 'chat.send', title: 'chat.send', set: { type: 'submit', disabled: true } }, icon('send'));
  #fault = el('p', { class: 'fault', set: { id: 'write-fault', role: 'alert' } });
  node = el('form', { class: 'composer' }, this.#fault, this.#input, this.#button);

  /**
   * @param {(text: string) => 'sent' | 'full' | 'over'} send
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
    return this.#input.value.trim();
  }

  roomAgain() {
    this.#fault.replaceChildren();
  }

  #submit() {
    const text = this.#input.value.trim();
    if (text === '' || this.#tooLong(text)) return;
    const sent = this.#send(text);
    if (sent === 'full') setText(this.#fault, 'chat.full');
    if (sent !== 'sent') return;
    this.#input.value = '';
    this.#grow();
    this.#fault.replaceChildren();
    clearTimeout(this.#idle);
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
  #tooLong(text) {
    const over = utf8(text).length - TEXT_BYTES;
    if (over > 0) setText(this.#fault, 'chat.long', { over, max: TEXT_BYTES });
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
