/** The helper's page: what is there before a shift, and what ends with it. */

import { Attention } from '../attention.js';
import { loadOnce } from '../chat-parts.js';
import { el } from '../dom.js';
import { choose, setLanguage, translate } from '../i18n.js';
import { findKem } from '../kem.js';
import { canEncrypt } from '../noise.js';
import { EXIT_URL, exitOf } from '../offer.js';
import { answerOf, request } from '../rest.js';
import { exitButton, leaveFor, onThreeEscapes } from '../ui-exit.js';
import { showHow } from '../ui-dialogs.js';
import { languageChoice } from '../ui-language.js';
import { ServiceStrip } from '../ui-service.js';
import { unsupportedScreen } from '../ui-start.js';
import { followViewport } from '../viewport.js';
import { deskOf } from './answers.js';
import { Desk } from './desk.js';
import { ownPass } from './pass.js';
import { sayAtDesk } from './texts.js';
import { beginScreen, noDeskScreen, passScreen } from './ui-begin.js';

class DeskPage {
  #attention = new Attention();
  #strip = new ServiceStrip();
  /** @type {Desk | null} */ #desk = null;
  /** @type {import('./pass.js').OwnPass | null} */ #pass = null;
  /** The secret of a link that came without its pass. @type {import('../bytes.js').Bytes | null} */ #secret = null;
  #exitUrl = EXIT_URL;
  #main = /** @type {HTMLElement} */ (document.getElementById('main'));

  async begin() {
    // What the address carries is a secret: it leaves the address bar and the history at once.
    const link = location.hash;
    if (link !== '') history.replaceState(null, '', location.pathname + location.search);
    sayAtDesk();
    await setLanguage(choose(navigator.languages));
    this.#bar();
    onThreeEscapes(() => this.#exit());
    followViewport();
    addEventListener('hashchange', () => location.reload());
    addEventListener('pagehide', () => this.#discard());
    addEventListener('pageshow', (event) => event.persisted && location.reload());
    addEventListener('beforeunload', (event) => this.#desk?.isNeeded && event.preventDefault());
    if (!(await canEncrypt())) return this.#show(unsupportedScreen());
    await this.#load(link);
  }

  #bar() {
    const bar = /** @type {HTMLElement} */ (document.getElementById('bar'));
    const how = el('button', { class: 'textual how', text: 'nav.how', set: { type: 'button' }, on: { click: () => showHow() } });
    bar.append(el('div', { class: 'bar-tools' }, exitButton(() => this.#exit()), how, languageChoice(() => this.#title())));
    this.#title();
  }

  #title() {
    document.title = `${translate('desk.title')} · ${this.#attention.title}`;
  }

  /** @param {{node: HTMLElement, heading: HTMLElement}} screen */
  #show({ node, heading }) {
    this.#main.replaceChildren(node);
    if (document.activeElement === document.body) heading.focus();
  }

  /**
   * Loads everything that a chat needs before anybody can come: nobody waits for it then.
   * @param {string} link What the address carried.
   */
  async #load(link) {
    const [status, set, kem, parts] = await Promise.all([
      request('GET', 'v1/status').then(answerOf), request('GET', 'v1/desk').then(answerOf), findKem(), loadOnce(),
    ]);
    if (kem === null) return this.#show(noDeskScreen('trouble.kem', () => void this.#load(link)));
    if (status === null || parts === null) return this.#show(noDeskScreen('desk.unreachable', () => void this.#load(link)));
    this.#exitUrl = exitOf(status);
    await this.#takePass(link, status.helpers === 'pass', () => this.#show(beginScreen(this.#pass, (hasBell) => {
      void this.#start({ means: { kem, screens: parts.screens }, set: deskOf(set), status, pass: this.#pass }, hasBell);
    })));
  }

  /**
   * Takes the pass of a link, or asks for it.
   * @param {string} link Empty without one.
   * @param {boolean} isNeeded Whether the server lets nobody else help.
   * @param {() => void} go
   */
  async #takePass(link, isNeeded, go) {
    const again = (/** @type {'required' | 'malformed' | 'expired'} */ why) => this.#show(passScreen(why, (text) => void this.#takePass(text, isNeeded, go)));
    if (link.trim().replace(/^#/, '') === '') return isNeeded || this.#secret !== null ? again('required') : go();
    const pass = await ownPass(link, this.#secret, Date.now());
    if (typeof pass === 'string') return again(pass);
    if ('secret' in pass) {
      this.#secret = pass.secret;
      return again('required');
    }
    this.#pass = pass;
    this.#secret = null;
    go();
  }

  /** @param {Omit<import('./desk.js').Tools, 'attention' | 'strip'>} tools @param {boolean} hasBell */
  async #start(tools, hasBell) {
    if (hasBell) await this.#attention.setSound(true);
    const desk = new Desk({ ...tools, attention: this.#attention, strip: this.#strip });
    this.#desk = desk;
    this.#main.replaceChildren(desk.node);
    desk.focus();
  }

  /** Leaves everything at once. */
  #exit() {
    this.#discard();
    document.title = '';
    leaveFor(this.#exitUrl);
  }

  /** Nothing stays in a page that the browser keeps for the way back. */
  #discard() {
    this.#desk?.end();
    this.#desk = this.#pass = null;
    this.#secret?.fill(0);
    this.#main.replaceChildren();
    for (const dialog of document.querySelectorAll('dialog')) dialog.remove();
  }
}

void new DeskPage().begin();
