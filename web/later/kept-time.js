/** How long a place in a chat is still kept for somebody who lost the connection, counting down. */

import { now } from '../clock.js';
import { el } from '../dom.js';
import { setText } from '../i18n.js';

/** @typedef {import('../i18n.js').Key} Key */

export class KeptTime {
  #key;
  /** @type {number | null} */ #until = null;
  /** @type {ReturnType<typeof setInterval> | undefined} */ #timer;
  node = el('span', { class: 'kept' });

  /** @param {Extract<Key, `chat.kept.${string}`>} key */
  constructor(key) {
    this.#key = key;
  }

  /** Counts down from `ms`; `null`: nothing to count. @param {number | null} ms */
  set(ms) {
    clearInterval(this.#timer);
    this.#until = ms === null ? null : now() + ms;
    if (ms !== null) this.#timer = setInterval(() => this.#show(), 1000);
    this.#show();
  }

  /** The same, unless it counts already. @param {number | null} ms */
  begin(ms) {
    if (this.#until === null) this.set(ms);
  }

  #show() {
    const seconds = this.#until === null ? 0 : Math.ceil((this.#until - now()) / 1000);
    if (seconds > 0) setText(this.node, this.#key, { time: `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}` });
    else this.node.replaceChildren();
  }
}
