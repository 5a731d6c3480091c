/** The screen of a chat. */

import { announce, el, icon } from './dom.js';
import { setText } from './i18n.js';
import { KeptTime } from './kept-time.js';
import { Composer } from './ui-composer.js';
import { askToOpen } from './ui-dialogs.js';
import { MessageLog } from './ui-log.js';

/** @typedef {import('./i18n.js').Key} Key */
/** @typedef {import('./active-chat.js').ChatEntry} ChatEntry */

/** How long the server takes a report after the end: who insults and leaves first is reported all the same. */
const REPORT_MS = 60_000;

/**
 * The own connection: `offline` the device has no network, `lost` the server cannot be reached,
 * `silent` it does not answer.
 * @typedef {'online' | 'offline' | 'lost' | 'silent'} OwnState
 */

/**
 * What a person can do in a chat.
 * @typedef {object} Acts
 * @property {(text: string) => 'sent' | 'full' | 'over'} send
 * @property {(active: boolean) => void} typing
 * @property {() => void} safety
 * @property {(() => void) | null} next `null` when there is nobody else to meet.
 * @property {() => void} leave
 * @property {() => void} report
 * @property {HTMLElement} alerts Opens the choice of alerts.
 */

export class ChatScreen {
  /** @type {Acts} */ #acts;
  /** @type {Composer} */ #composer;
  /** @type {MessageLog} */ #log;
  #peerOnline = true;
  /** @type {OwnState} */ #own = 'online';
  /** How long the own place is kept, and the peer's. */
  #kept = { self: new KeptTime('chat.kept.self'), peer: new KeptTime('chat.kept.peer') };
  #typing = false;
  #secured = false;
  #over = false;

  heading = el('h1', { text: 'chat.peer', set: { tabindex: '-1' } });
  #status = el('p', { class: 'state', text: 'chat.securing' });
  #dot = el('span', { class: 'dot' });
  #check = el('button', { class: 'textual', text: 'chat.begin.check', set: { type: 'button' }, on: { click: () => this.#acts.safety() } });
  #notice = el('span');
  #banner = el('p', { class: 'banner', set: { hidden: true } }, this.#notice, ' ', this.#kept.self.node, this.#kept.peer.node);
  #safety = action('shield', 'chat.code', () => this.#acts.safety());
  #tools;
  #foot;
  node;

  /** @param {boolean} invited @param {Acts} acts */
  constructor(invited, acts) {
    this.#acts = acts;
    const beginning = el('div', { class: 'begin' }, el('p', { text: invited ? 'chat.begin.invite' : 'chat.begin.random' }), invited ? this.#check : null, acts.alerts);
    this.#log = new MessageLog(beginning, askToOpen);
    this.#composer = new Composer(acts.send, acts.typing);
    this.#safety.disabled = true;
    const next = acts.next === null ? null : action('next', 'chat.next', acts.next);
    this.#tools = el('div', { class: 'tools' }, this.#safety, action('report', 'chat.report', acts.report), next, action('leave', 'chat.leave', acts.leave));
    this.#foot = el('footer', {}, this.#composer.node);
    this.node = el(
      'div', { class: 'chat' },
      el('header', { class: 'chat-bar' }, this.#dot, el('div', { class: 'who' }, this.heading, this.#status), this.#tools),
      this.#banner,
      this.#log.node,
      this.#foot,
    );
    this.#show();
  }

  /** The handshake is done: texts may be sent. */
  secured() {
    this.#secured = true;
    this.#safety.disabled = false;
    this.#composer.enable();
    this.#show();
    announce('chat.online');
  }

  /** @param {ChatEntry} entry */
  add(entry) {
    this.#log.add(entry);
  }

  /** The delivery state of an own text has changed. @param {ChatEntry} entry */
  mark(entry) {
    this.#log.mark(entry);
  }

  /** @param {boolean} active */
  peerTyping(active) {
    this.#typing = active;
    this.#log.following(() => this.#show());
  }

  /** @param {boolean} online @param {number | null} [keptMs] How long the place of the peer is kept. */
  peerOnline(online, keptMs = null) {
    if (online === this.#peerOnline) return;
    this.#peerOnline = online;
    this.#kept.peer.set(online ? null : keptMs);
    this.#show();
    announce(online ? 'chat.online' : 'chat.away.long');
  }

  /** @param {OwnState} state @param {number | null} [keptMs] How long the own place is kept. */
  selfState(state, keptMs = null) {
    if (state === this.#own) return;
    this.#own = state;
    if (state === 'online') this.#kept.self.set(null);
    else this.#kept.self.begin(keptMs);
    this.#show();
    announce(state === 'online' ? 'chat.self.back' : `chat.self.${state}`);
  }

  /** There is room again for a text that was refused. */
  windowOpen() {
    this.#composer.roomAgain();
  }

  focus() {
    if (!this.#composer.focus()) this.heading.focus();
  }

  /**
   * The peer or the server has ended the chat. Its texts stay until the person goes on.
   * @param {Key} why
   * @param {{again: import('./ui-end.js').Again, clear: () => void}} act
   */
  over(why, act) {
    this.#over = true;
    this.#typing = false;
    this.#show();
    this.#tools.remove();
    this.#check.remove();
    const reason = el('h2', { text: why, set: { tabindex: '-1' } });
    for (const kept of Object.values(this.#kept)) kept.set(null);
    const again = el('button', { class: 'button primary', text: act.again.text, set: { type: 'button' }, on: { click: act.again.go } });
    const clear = el('button', { class: 'button', text: 'over.clear', set: { type: 'button' }, on: { click: act.clear } });
    const report = el('button', { class: 'button quiet', text: 'chat.report', set: { type: 'button' }, on: { click: this.#acts.report } });
    setTimeout(() => report.remove(), REPORT_MS);
    const foot = el('div', { class: 'over' }, reason, unsent(this.#composer.draft), el('p', { class: 'hint', text: 'over.keep' }), el('div', { class: 'actions' }, again, clear, report));
    this.#log.following(() => this.#foot.replaceChildren(foot));
    announce(why);
    reason.focus();
  }

  #show() {
    setText(this.#status, this.#state());
    this.#dot.className = `dot ${this.#over ? 'gone' : this.#own !== 'online' || !this.#peerOnline ? 'away' : this.#secured ? 'online' : 'securing'}`;
    this.node.classList.toggle('typing', this.#state() === 'chat.typing');
    const notice = this.#over ? null : this.#own !== 'online' ? /** @type {const} */ (`chat.self.${this.#own}`) : !this.#peerOnline ? 'chat.away.long' : null;
    this.#banner.hidden = notice === null;
    if (notice !== null) setText(this.#notice, notice);
    this.#kept.self.node.hidden = this.#own === 'online';
    this.#kept.peer.node.hidden = this.#own !== 'online';
  }

  /** @returns {Key} */
  #state() {
    if (this.#over) return 'chat.gone';
    if (this.#own !== 'online') return 'chat.self.state';
    if (!this.#peerOnline) return 'chat.away';
    if (!this.#secured) return 'chat.securing';
    return this.#typing ? 'chat.typing' : 'chat.online';
  }
}

/**
 * @param {'shield' | 'report' | 'next' | 'leave'} picture
 * @param {Key} name
 * @param {() => void} click
 */
function action(picture, name, click) {
  return el('button', { class: `tool ${picture}`, title: name, set: { type: 'button' }, on: { click } }, icon(picture), el('span', { class: 'tool-name', text: name }));
}

/** What was being written when the chat ended, for the person to keep. @param {string} draft */
function unsent(draft) {
  if (draft === '') return null;
  const text = el('textarea', { set: { rows: '2', readonly: true, dir: 'auto' } });
  text.value = draft;
  return el('label', { class: 'unsent' }, el('span', { class: 'hint', text: 'over.draft' }), text);
}
