/** The desk: the queue, the chats, and what belongs to the one that is looked at. */

import { toBase64url } from '../bytes.js';
import { now } from '../clock.js';
import { announce, el } from '../dom.js';
import { setText } from '../i18n.js';
import { linkOf, newSecret } from '../invite.js';
import { offerOf } from '../offer.js';
import { answerOf, request } from '../rest.js';
import { partner, stranger } from '../search.js';
import { atServer } from '../server.js';
import { ofStatus } from '../service.js';
import { Answers } from './answers.js';
import { Bell } from './bell.js';
import { meaningOf } from './keys.js';
import { keyOfColleague } from './pass.js';
import { isSomebodyWaiting, nextTopic, rowsOf } from './queue.js';
import { Seat } from './seat.js';
import { Shift } from './shift.js';
import { Aside } from './ui-aside.js';
import { askForInvite, askToEnd, askToHandOver, showKeys } from './ui-dialogs.js';
import { PlacesList } from './ui-places.js';
import { QueuePanel } from './ui-queue.js';

/** @typedef {import('../i18n.js').Key} Key */
/** @typedef {import('./keys.js').Act} Act */
/** @typedef {import('./ui-places.js').View} View */

/** How often the server is asked who waits: it tells something new as often. */
const ASK_MS = 10_000;
/** How often the time since the last word is shown anew. */
const CLOCK_MS = 10_000;

/**
 * @typedef {object} Tools
 * @property {import('./seat.js').Means} means
 * @property {{chats: number, answers: string[]}} set What the operator has set for the desk.
 * @property {any} status The answer of `GET /v1/status`.
 * @property {import('./pass.js').OwnPass | null} pass
 * @property {import('../attention.js').Attention} attention
 * @property {import('../ui-service.js').ServiceStrip} strip
 */

export class Desk {
  #tools; #shift; #bell;
  /** @type {Seat[]} */ #seats;
  /** @type {import('./queue.js').Row[]} */ #rows = [];
  /** What a place that has no chat says, instead of that nobody is here. @type {Map<number, [Key, import('../i18n.js').Values]>} */ #said = new Map();
  /** @type {View} */ #view = 'queue';
  #hasKeys = true;
  #timers;
  #queue; #list; #aside;
  #emptyText = el('p', { class: 'lead', set: { role: 'status' } });
  #emptyHint = el('p', { class: 'hint', text: 'desk.empty.hint' });
  #empty = el('div', { class: 'desk-empty' }, this.#emptyText, this.#emptyHint);
  #pane = el('section', { class: 'desk-pane', label: 'desk.nav', set: { tabindex: '-1' } }, this.#empty);
  node;

  /** @param {Tools} tools */
  constructor(tools) {
    this.#tools = tools;
    this.#shift = new Shift(tools.set.chats);
    this.#bell = new Bell(tools.attention);
    this.#seats = this.#shift.places.map((_, at) => this.#seat(at));
    this.#queue = new QueuePanel({
      next: () => this.#nextOrStop(), pause: () => this.#pause(), bell: () => void this.#turnBell(), keys: () => this.#showKeys(),
      invited: tools.pass && ((key) => () => askForInvite(key, (secret) => void partner(secret, 'offer').then((search) => this.#find(search, ''))))(tools.pass.key),
    });
    this.#list = new PlacesList(tools.set.chats, (at) => this.#select(at), (view) => this.#show(view));
    this.#aside = new Aside(new Answers(tools.set.answers), {
      use: (text) => this.#use(text), noted: (text) => (this.#shift.current.notes = text), end: () => this.#askToEnd(), hand: tools.pass && (() => this.#askToHandOver()),
    });
    this.node = el('div', { class: 'desk' }, this.#list.node, this.#queue.node, this.#aside.node, this.#pane);
    this.#timers = [setInterval(() => void this.#ask(), ASK_MS), setInterval(() => this.#update(), CLOCK_MS)];
    for (const [target, event] of /** @type {const} */ ([[document, 'visibilitychange'], [window, 'focus'], [window, 'blur']])) {
      target.addEventListener(event, () => this.#looked());
    }
    document.addEventListener('keydown', (event) => this.#pressed(event));
    this.#heard(tools.status);
    this.#looked();
  }

  /** Whether closing the page would end a chat. */
  get isNeeded() {
    return this.#shift.isNeeded;
  }

  focus() {
    this.#queue.focus();
  }

  /** Ends everything: nothing stays. */
  end() {
    for (const timer of this.#timers) clearInterval(timer);
    this.#bell.ring(false);
    for (const seat of this.#seats) seat.stop();
    this.#shift.end();
  }

  // Who waits ----------------------------------------------------------------------------------------------------

  async #ask() {
    const status = await answerOf(await request('GET', 'v1/status'));
    this.#queue.stale(status === null);
    if (status !== null) this.#heard(status);
  }

  /** @param {any} status */
  #heard(status) {
    this.#tools.strip.show(ofStatus(status));
    const { topics, presence } = offerOf(status);
    this.#rows = rowsOf(topics, presence, this.#tools.pass?.topics ?? null);
    this.#queue.rows(this.#rows, topics.length === 0 && (this.#tools.pass?.topics ?? null) === null);
    this.#update();
  }

  // What the helper does -----------------------------------------------------------------------------------------

  #nextOrStop() {
    const at = this.#shift.places.findIndex(({ state }) => state === 'seeking');
    if (at === -1) return this.#next();
    this.#seats[at].cancel();
    this.#shift.gaveUp(at);
    this.#update();
  }

  #next() {
    const { chosen, language } = this.#queue;
    const topic = chosen !== null && !this.#rows.some((row) => row.topic === chosen) ? chosen : nextTopic(this.#rows, chosen, this.#shift.lastTopic);
    /** @type {import('../protocol.js').Criteria} */
    const criteria = { role: 'offer' };
    if (topic !== '') criteria.topic = topic;
    if (language !== '') criteria.lang = language;
    this.#find(stranger(criteria), topic);
  }

  /** @param {import('../search.js').Search} search @param {string} topic */
  #find(search, topic) {
    const at = this.#shift.take(topic);
    if (at === null) return this.#update();
    this.#said.delete(at);
    this.#seats[at].find(search);
    this.#update();
  }

  #pause() {
    if (this.#shift.isPaused) this.#shift.resume();
    else for (const at of this.#shift.pause()) this.#seats[at].cancel();
    this.#update();
  }

  async #turnBell() {
    await this.#tools.attention.setSound(!this.#tools.attention.hasSound);
    this.#update();
  }

  /** @param {number} at */
  #select(at) {
    this.#shift.select(at);
    this.#show('chat');
    this.#seats[this.#shift.selected].chat?.screen.focus();
  }

  /** @param {View} view */
  #show(view) {
    this.#view = view;
    this.#update();
  }

  /** Writes a ready answer where the helper writes, to be read again before it is sent. @param {string} text */
  #use(text) {
    const input = this.#seats[this.#shift.selected].chat?.screen.node.querySelector('.composer textarea');
    if (!(input instanceof HTMLTextAreaElement) || input.disabled) return false;
    this.#show('chat');
    input.setRangeText(text, input.selectionStart, input.selectionEnd, 'end');
    input.dispatchEvent(new Event('input'));
    input.focus();
    return true;
  }

  #askToEnd() {
    const at = this.#shift.selected;
    if (this.#shift.current.state === 'chat') askToEnd((word) => this.#end(at, word));
  }

  #askToHandOver() {
    const { chat } = this.#seats[this.#shift.selected];
    const own = this.#tools.pass?.key;
    if (chat === null || own === undefined || this.#shift.current.state !== 'chat') return;
    askToHandOver(async (text) => {
      const key = keyOfColleague(text);
      if (key === null) return 'malformed';
      if (toBase64url(key) === own) return 'own';
      const secret = newSecret();
      const colleague = new Uint8Array(await crypto.subtle.digest('SHA-256', key));
      const sent = chat.handOver({ invite: secret, colleague });
      return sent === 'sent' ? { link: linkOf(secret, atServer().href) } : sent;
    });
  }

  /** @param {number} at @param {string} [word] */
  #end(at, word) {
    // Meanwhile the other side may have ended it: then it is still shown.
    if (this.#shift.places[at].state !== 'chat') return 'over';
    const sent = this.#seats[at].end(word);
    if (sent === 'full') return sent;
    this.#said.set(at, ['desk.ended', {}]);
    // Without a goodbye the place is free already.
    if (this.#shift.places[at].state === 'chat') this.#shift.parted(at);
    this.#update();
    return sent;
  }

  #showKeys() {
    showKeys(this.#hasKeys, (on) => (this.#hasKeys = on));
  }

  // What happens in a place --------------------------------------------------------------------------------------

  /** @param {number} at */
  #seat(at) {
    const { attention, strip } = this.#tools;
    const shift = this.#shift;
    return new Seat(this.#tools.means, this.#tools.pass?.helper ?? null, {
      progress: (key, values = {}) => (this.#said.set(at, [key, values]), this.#update()),
      outlook: (outlook) => this.#queue.outlook(outlook),
      came: ({ screen }) => {
        this.#said.delete(at);
        this.#pane.append(screen.node);
        // Whoever writes to somebody else is not torn away.
        if (shift.current.state !== 'chat') this.#shift.selected = at;
        shift.came(at, now());
        if (at === shift.selected) this.#view = 'chat';
        attention.happened('came');
        this.#queue.outlook(null);
        this.#update();
        if (at === shift.selected) screen.heading.focus();
      },
      heard: () => (shift.heard(at, now()), attention.happened('wrote'), this.#update()),
      said: () => (shift.said(at, now()), this.#update()),
      over: () => (shift.ended(at), attention.happened('left'), this.#update()),
      failed: (why) => (this.#said.set(at, [why, {}]), shift.clear(at), announce(why), this.#update()),
      parted: () => (shift.clear(at), this.#update()),
      reported: (taken) => (this.#said.set(at, [taken ? 'end.reported' : 'end.unreported', {}]), this.#update()),
      closed: () => void this.#ask(),
      service: (service) => strip.show(service),
      leave: () => void this.#end(at),
      next: () => {
        this.#seats[at].clear();
        shift.clear(at);
        this.#next();
      },
    });
  }

  #looked() {
    this.#shift.isSeen = document.visibilityState === 'visible' && document.hasFocus();
    this.#shift.look();
    this.#update();
  }

  // Keys ---------------------------------------------------------------------------------------------------------

  /** @param {KeyboardEvent} event */
  #pressed(event) {
    if (!this.node.isConnected || document.querySelector('dialog[open], .menu') !== null) return;
    const isWriting = document.activeElement?.matches('textarea, select, input:not([type="radio"], [type="checkbox"])') === true;
    if (event.key === 'Escape' && isWriting) return this.#pane.focus();
    const meaning = this.#hasKeys ? meaningOf(event, isWriting) : event.key === '?' && !isWriting ? 'help' : null;
    if (meaning === null) return;
    event.preventDefault();
    if (typeof meaning === 'number') this.#select(meaning);
    else this.#act(meaning);
  }

  /** @param {Act} act */
  #act(act) {
    const chat = this.#seats[this.#shift.selected].chat;
    switch (act) {
      case 'next':
        return this.#nextOrStop();
      case 'pause':
        return this.#pause();
      case 'sound':
        return void this.#turnBell();
      case 'queue':
        return (this.#show('queue'), this.#queue.focus());
      case 'after':
      case 'before':
        return this.#select(this.#shift.neighbour(act === 'after' ? 1 : -1));
      case 'write':
        return (this.#show('chat'), chat?.screen.focus());
      case 'notes':
        return (this.#show('notes'), this.#aside.focusNotes());
      case 'answers':
        return (this.#show('notes'), this.#aside.focusAnswers());
      case 'safety':
        return (this.#show('chat'), this.#press('.tool.shield'));
      case 'report':
        return (this.#show('chat'), this.#press('.tool.report'));
      case 'hand':
        return this.#askToHandOver();
      case 'end':
        return this.#askToEnd();
      case 'help':
        return this.#showKeys();
    }
  }

  /** @param {string} button */
  #press(button) {
    const found = this.#seats[this.#shift.selected].chat?.screen.node.querySelector(button);
    if (found instanceof HTMLButtonElement) found.click();
  }

  // What is seen -------------------------------------------------------------------------------------------------

  #update() {
    const shift = this.#shift;
    const { current } = shift;
    if (this.#view === 'chat') shift.look();
    this.node.dataset.view = this.#view;
    this.#queue.show({
      isSeeking: shift.places.some(({ state }) => state === 'seeking'), canTake: shift.canTake, isPaused: shift.isPaused, hasBell: this.#tools.attention.hasSound,
    });
    this.#list.show(shift.places, shift.selected, this.#view, now());
    this.#aside.chat({ notes: current.notes, isChat: current.state === 'chat' || current.state === 'over', isOpen: current.state === 'chat' });
    for (const [at, { chat }] of this.#seats.entries()) if (chat !== null) chat.screen.node.hidden = at !== shift.selected;
    this.#empty.hidden = this.#seats[shift.selected].chat !== null;
    const [key, values] = this.#said.get(shift.selected) ?? ['desk.empty', {}];
    setText(this.#emptyText, key, values);
    this.#emptyHint.hidden = current.state !== 'free' || !shift.canTake;
    this.#bell.ring(shift.rings(isSomebodyWaiting(this.#rows)));
  }
}
