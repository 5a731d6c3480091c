/** What stands around all screens: the bar, the title, and where a screen is put. */

import { el } from './dom.js';
import { setText } from './i18n.js';
import { isEmbedded } from './server.js';
import { showHow } from './ui-dialogs.js';
import { exitButton, leaveFor, onThreeEscapes, openAlone } from './ui-exit.js';
import { languageChoice } from './ui-language.js';

export class Frame {
  #main = /** @type {HTMLElement} */ (document.getElementById('main'));
  #attention;
  /** Whether a screen has replaced what index.html says while the page loads. */ isShown = false;

  /** @param {import('./attention.js').Attention} attention Whose title it shows. */
  constructor(attention) {
    this.#attention = attention;
  }

  /** Fills the bar. @param {() => void} exit Leaves the page at once. */
  begin(exit) {
    document.body.classList.toggle('embedded', isEmbedded);
    const how = el('button', { class: 'textual how', text: 'nav.how', set: { type: 'button' }, on: { click: () => showHow() } });
    const bar = /** @type {HTMLElement} */ (document.getElementById('bar'));
    // Its first child is in index.html, so that something is seen before the modules are here.
    const brand = /** @type {HTMLAnchorElement} */ (bar.firstElementChild);
    if (isEmbedded) openAlone(brand);
    else setText(brand, 'nav.home', {}, 'aria-label');
    bar.append(el('div', { class: 'bar-tools' }, exitButton(exit), how, languageChoice(() => this.#showTitle())));
    onThreeEscapes(exit);
  }

  /**
   * Puts a screen in the place of the last one.
   * @param {{node: HTMLElement, heading: HTMLElement}} screen
   * @param {boolean} isChat
   */
  show({ node, heading }, isChat) {
    const first = !this.isShown;
    this.isShown = true;
    for (const dialog of document.querySelectorAll('dialog')) dialog.close();
    document.body.classList.toggle('chatting', isChat);
    this.#showTitle();
    this.#main.replaceChildren(node);
    scrollTo(0, 0);
    // Screen readers start at the new heading. The first screen they read from the top anyway.
    if (!first) heading.focus();
  }

  /** Whether the start screen is shown, and nobody is choosing on it: it may be shown anew. */
  get isStartUntouched() {
    return this.#main.querySelector('.start') !== null && !this.#main.querySelector('.ways')?.contains(document.activeElement);
  }

  /** Removes all that is shown. */
  clear() {
    this.#main.replaceChildren();
    for (const dialog of document.querySelectorAll('dialog')) dialog.remove();
  }

  /** Another page takes the place of this one, which is not told by a title. @param {string} url */
  leaveFor(url) {
    document.title = '';
    leaveFor(url);
  }

  #showTitle() {
    document.title = this.#attention.title;
  }
}
