/** The screen of a chat. */

import { announce, el, icon, unsay } from '../dom.js';
import { setText } from '../i18n.js';
import { askToOpen } from '../ui-dialogs.js';
import { shown } from '../stranger-text.js';
import { excerpt } from './excerpt.js';
import { KeptTime } from './kept-time.js';
import { lasting } from './lasting.js';
import { askForReaction, askForTimer, askToDelete, askToGoOn } from './ui-asks.js';
import { Composer } from './ui-composer.js';
import { MessageLog } from './ui-log.js';
import { openMenu } from './ui-menu.js';

/** @typedef {import('../i18n.js').Key} Key */
/** @typedef {import('../transcript.js').ChatEntry} ChatEntry */
/** @typedef {import('./ui-composer.js').Purpose} Purpose */
/** @typedef {'sent' | 'full' | 'over'} Outcome */

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
 * @property {(text: string, purpose: Purpose) => Outcome} send
 * @property {(entry: ChatEntry, text: string) => Outcome} react Empty: takes the reaction back.
 * @property {(entry: ChatEntry) => Outcome} delete
 * @property {(seconds: number) => Outcome} setTimer
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
  /** After how long messages vanish; 0: never. */ #seconds = 0;
  /** The menu of a message that is open. @type {{entry: ChatEntry, close: () => void} | null} */ #menu = null;
  #typing = false;
  #secured = false;
  /** Whether the other side has to prove first that it is a helper. */ #awaitsHelper = false;
  #over = false;
  /** @type {import('./standing.js').Standing} */ #standing = 'unknown';

  heading = el('h1', { text: 'chat.peer', set: { tabindex: '-1' } });
  #status = el('p', { class: 'state', text: 'chat.securing' });
  #dot = el('span', { class: 'dot' });
  #check = el('button', { class: 'textual', text: 'chat.begin.check', set: { type: 'button' }, on: { click: () => this.#acts.safety() } });
  #notice = el('span');
  #banner = el('p', { class: 'banner', set: { hidden: true } }, this.#notice, ' ', this.#kept.self.node, this.#kept.peer.node);
  #safety = action('shield', 'chat.code', () => this.#acts.safety());
  #timer = action('timer', 'timer.tool', () => askForTimer(this.#seconds, (seconds) => this.#did(this.#acts.setTimer(seconds))));
  #tools;
  #foot;
  node;

  /** @param {boolean} invited @param {Acts} acts */
  constructor(invited, acts) {
    this.#acts = acts;
    const beginning = el('div', { class: 'begin' }, el('p', { text: invited ? 'chat.begin.invite' : 'chat.begin.random' }), invited ? this.#check : null, acts.alerts);
    this.#log = new MessageLog(beginning, {
      open: askToOpen,
      menu: (entry, button) => this.#openMenu(entry, button),
      takeBack: (entry) => this.#did(acts.react(entry, '')),
    });
    this.#composer = new Composer(acts.send, acts.typing);
    this.#safety.disabled = this.#timer.disabled = true;
    const next = acts.next === null ? null : action('next', 'chat.next', acts.next);
    this.#tools = el('div', { class: 'tools' }, this.#safety, this.#timer, action('report', 'chat.report', acts.report), next, action('leave', 'chat.leave', acts.leave));
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
    this.#safety.disabled = this.#timer.disabled = false;
    this.#composer.enable();
    this.#show();
    announce('chat.online');
  }

  /** Nothing is sent or shown before the other side has proved to be a helper. */
  awaitHelper() {
    this.#awaitsHelper = true;
    this.#show();
  }

  /** What is known of the helper on the other side. @param {import('./standing.js').Standing} standing */
  helper(standing) {
    this.#standing = standing;
    if (standing === 'unknown') return;
    if (standing === 'verified') {
      setText(this.heading, 'helper.badge');
      this.heading.classList.add('verified');
    }
    this.#note(`helper.${standing}`);
  }

  /** A helper who is believed offers that a colleague goes on. @param {() => void} go */
  handover(go) {
    announce('handover.heading');
    askToGoOn(this.#standing === 'verified', () => !this.#over && go());
  }

  /** @param {ChatEntry} entry */
  add(entry) {
    this.#log.add(entry);
  }

  /** The delivery state of an own text has changed. @param {ChatEntry} entry */
  mark(entry) {
    this.#log.mark(entry);
  }

  /** A message is another one now, or is gone. @param {ChatEntry} entry */
  changed(entry) {
    if (entry.state !== 'shown') {
      unsay();
      if (this.#menu?.entry === entry) this.#menu.close();
      this.#composer.gone(entry);
    }
    this.#log.changed(entry);
  }

  /** The peer has done something to a message, which is shown already. @param {import('../active-chat.js').Change} change @param {ChatEntry} entry */
  peerChanged(change, { text, reactions }) {
    announce(`chat.${change}`, { text: shown(text), reaction: excerpt(reactions.theirs) });
  }

  /** From now on messages vanish after `seconds`; 0: no longer. @param {number} seconds */
  timer(seconds) {
    this.#seconds = seconds;
    const name = /** @type {Element} */ (this.#timer.querySelector('.tool-name'));
    for (const [node, attribute] of /** @type {const} */ ([[name, ''], [this.#timer, 'title']])) {
      if (seconds === 0) setText(node, 'timer.tool', {}, attribute);
      else setText(node, 'timer.short', { time: () => lasting(seconds, 'short') }, attribute);
    }
    this.#timer.classList.toggle('set', seconds !== 0);
    this.#note(seconds === 0 ? 'timer.ended' : 'timer.on', { time: () => lasting(seconds) });
  }

  /** The peer has sent something that this version cannot show. */
  unknown() {
    this.#note('chat.unknown');
  }

  /** @param {Key} key @param {import('../i18n.js').Values} [values] */
  #note(key, values) {
    this.#log.note(key, values);
    announce(key, values);
  }

  /** @param {ChatEntry} entry @param {HTMLButtonElement} button */
  #openMenu(entry, button) {
    // It may be gone already, and be seen until the next frame.
    if (entry.state !== 'shown') return;
    const { react } = this.#acts;
    const close = openMenu(entry, button, {
      react: (entry, text) => this.#did(react(entry, text)),
      reactOther: (entry) => askForReaction((text) => entry.state === 'shown' && this.#did(react(entry, text))),
      reply: (entry) => this.#composer.begin('reply', entry),
      edit: (entry) => this.#composer.begin('edit', entry),
      delete: (entry) => askToDelete(() => this.#did(this.#acts.delete(entry)) && this.focus()),
      copy: (entry) => void copied(entry.text),
    }, this.#over);
    this.#menu = { entry, close };
  }

  /** Tells if something could not be sent. @param {Outcome} outcome */
  #did(outcome) {
    if (outcome === 'full') this.#composer.full();
    return outcome === 'sent';
  }

  /** @param {boolean} active */
  peerTyping(active) {
    if (active === this.#typing) return;
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
   * @param {{again: import('../ui-end.js').Again, clear: () => void}} act
   */
  over(why, act) {
    this.#over = true;
    this.#typing = false;
    this.#menu?.close();
    const draft = this.#composer.draft;
    this.#show();
    this.#tools.remove();
    this.#check.remove();
    const reason = el('h2', { text: why, set: { tabindex: '-1' } });
    for (const kept of Object.values(this.#kept)) kept.set(null);
    const again = el('button', { class: 'button primary', text: act.again.text, set: { type: 'button' }, on: { click: act.again.go } });
    const clear = el('button', { class: 'button', text: 'over.clear', set: { type: 'button' }, on: { click: act.clear } });
    const report = el('button', { class: 'button quiet', text: 'chat.report', set: { type: 'button' }, on: { click: this.#acts.report } });
    setTimeout(() => report.remove(), REPORT_MS);
    const foot = el('div', { class: 'over' }, reason, unsent(draft), el('p', { class: 'hint', text: 'over.keep' }), el('div', { class: 'actions' }, again, clear, report));
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
    if (!this.#secured) return this.#awaitsHelper ? 'chat.proving' : 'chat.securing';
    return this.#typing ? 'chat.typing' : 'chat.online';
  }
}

/**
 * @param {'shield' | 'timer' | 'report' | 'next' | 'leave'} picture
 * @param {Key} name
 * @param {() => void} click
 */
function action(picture, name, click) {
  return el('button', { class: `tool ${picture}`, title: name, set: { type: 'button' }, on: { click } }, icon(picture), el('span', { class: 'tool-name', text: name }));
}

/** Takes a text to the clipboard, which a browser may refuse. @param {string} text */
async function copied(text) {
  if (await navigator.clipboard?.writeText(text).then(() => true, () => false)) announce('invite.copied');
}

/** What was being written when the chat ended, for the person to keep. @param {string} draft */
function unsent(draft) {
  if (draft === '') return null;
  const text = el('textarea', { set: { rows: '2', readonly: true, dir: 'auto' } });
  text.value = draft;
  return el('label', { class: 'unsent' }, el('span', { class: 'hint', text: 'over.draft' }), text);
}
