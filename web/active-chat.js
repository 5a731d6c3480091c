/**
 * One chat: runs its channel (channel.js) with a clock and a timer, and keeps what was said
 * (transcript.js) for as long as it is shown.
 */

import { Channel } from './channel.js';
import { now } from './clock.js';
import { NONCE_BYTES } from './handshake.js';
import { Transcript } from './transcript.js';

/** @typedef {import('./bytes.js').Bytes} Bytes */
/** @typedef {import('./channel-end.js').ChannelEvent} ChannelEvent */
/** @typedef {import('./channel-end.js').ChannelEnd} ChannelEnd */
/** @typedef {import('./safety.js').SafetyCode} SafetyCode */

/** @typedef {import('./messages.js').Said} Said */
/** @typedef {import('./messages.js').Target} Target */
/** @typedef {import('./transcript.js').ChatEntry} ChatEntry */
/** @typedef {import('./transcript.js').Mark} Mark */
/** What the peer has done to a message that was there. @typedef {'reacted' | 'edited' | 'deleted'} Change */

/**
 * What the page is notified of.
 * @typedef {object} Listener
 * @property {(safety: SafetyCode) => void} secured
 * @property {(entry: ChatEntry) => void} message
 * @property {(entry: ChatEntry) => void} marked
 * @property {(entry: ChatEntry) => void} [changed] A message has to be shown anew, or no more. This and
 *   the next three are left out by who shows nothing but texts.
 * @property {(change: Change, entry: ChatEntry) => void} [peerChanged]
 * @property {(seconds: number) => void} [timer] After how long messages vanish from now on; 0: never.
 * @property {() => void} [unknown] The peer has sent something that this version cannot show.
 * @property {(shown: import('./helping.js').Shown) => Promise<import('./helping.js').Verdict>} [judge] What the
 *   credential of a helper is worth. Left out by who does not ask; then it is taken.
 * @property {(offer: import('./messages.js').Handover) => void} [handover] A helper who is believed offers that a colleague goes on.
 * @property {(active: boolean) => void} peerTyping
 * @property {() => void} windowOpen
 * @property {() => void} peerBye
 * @property {() => void} allReceived
 * @property {(reason: ChannelEnd) => void} ended
 */

export class ActiveChat {
  /** @type {Channel} */ #channel;
  /** @type {Listener} */ #listener;
  /** Own texts that are not acknowledged, by message number. @type {Map<number, ChatEntry>} */
  #pending = new Map();
  #transcript = new Transcript((entry) => this.#listener.changed?.(entry));
  /** @type {ReturnType<typeof setTimeout> | undefined} */ #timer;
  /** When the next message vanishes. @type {ReturnType<typeof setTimeout> | undefined} */ #vanishing;
  #open = true;

  /**
   * @param {Channel} channel
   * @param {Listener} listener
   */
  constructor(channel, listener) {
    this.#channel = channel;
    this.#listener = listener;
    channel.onEvent = (event) => this.#handle(event);
    this.#after(channel.start(now()));
  }

  /**
   * Opens the channel of a room.
   * @param {{side: 'a' | 'b', room: Bytes, psk: Bytes | null, kem: import('./kem.js').Kem,
   *   ephemeral: import('./noise.js').Ephemeral, part?: import('./helping.js').Part,
   *   send: (frame: Bytes, awaits: boolean) => void}} place
   * @param {Listener} listener
   */
  static open({ send, ...place }, listener) {
    const nonce = crypto.getRandomValues(new Uint8Array(NONCE_BYTES));
    const channel = new Channel({ ...place, nonce, random: Math.random });
    channel.onFrame = send;
    return new ActiveChat(channel, listener);
  }

  get isOver() {
    return this.#channel.isOver;
  }

  /** How many own texts are not acknowledged. */
  get unconfirmed() {
    return this.#pending.size;
  }

  /**
   * Sends a text, or a reply to a message.
   * @param {string} text
   * @param {ChatEntry | null} [answered]
   * @returns {{entry: ChatEntry} | {refused: 'full' | 'over'}}
   */
  send(text, answered = null) {
    const target = answered === null ? null : targetOf(answered);
    const sent = this.#say(target === null ? { kind: 'text', text } : { kind: 'reply', target, text });
    if ('refused' in sent) return sent;
    const entry = this.#transcript.add(now(), { mine: true, number: sent.number, text, mark: this.#open ? 'sent' : 'sending', target });
    this.#pending.set(sent.number, entry);
    this.#planVanishing();
    return { entry };
  }

  /** @param {ChatEntry} entry @param {string} text Empty: takes the reaction back. */
  react(entry, text) {
    const target = targetOf(entry);
    return this.#act({ kind: 'reaction', target, text }, () => this.#transcript.react(true, target, text));
  }

  /** Changes a text of one's own. @param {ChatEntry} entry @param {string} text */
  edit({ number }, text) {
    return this.#act({ kind: 'edit', number, text }, () => this.#transcript.edit(true, number, text));
  }

  /** Deletes a text of one's own on both sides. @param {ChatEntry} entry */
  delete({ number }) {
    return this.#act({ kind: 'delete', number }, () => this.#transcript.delete(true, number));
  }

  /** Messages vanish after `seconds` from now on; 0: no longer. @param {number} seconds */
  setTimer(seconds) {
    const { heard } = this.#channel;
    return this.#act({ kind: 'timer', seconds, heard }, (number) => this.#timerSet(true, { number, seconds, heard }));
  }

  /** Offers that a colleague goes on: a helper's. @param {import('./messages.js').Handover} offer */
  handOver(offer) {
    return this.#act({ kind: 'handover', ...offer }, () => {});
  }

  /**
   * Sends something that changes what is here, and changes it.
   * @param {Said} said
   * @param {(number: number) => unknown} change
   * @returns {'sent' | 'full' | 'over'}
   */
  #act(said, change) {
    const sent = this.#say(said);
    if ('refused' in sent) return sent.refused;
    change(sent.number);
    return 'sent';
  }

  /** @param {Said} said @returns {{number: number} | {refused: 'full' | 'over'}} */
  #say(said) {
    const sent = this.#channel.send(now(), said);
    if ('refused' in sent) return { refused: sent.refused === 'full' ? 'full' : 'over' };
    this.#after(sent.done);
    return sent;
  }

  /** @param {boolean} active */
  typing(active) {
    this.#after(this.#channel.setTyping(now(), active));
  }

  /** @param {Bytes} frame */
  frame(frame) {
    this.#after(this.#channel.handleFrame(now(), frame));
  }

  /**
   * The connection to the server or to the peer has changed.
   * @param {import('./path.js').PathChange} change
   */
  pathChanged(change) {
    this.#open = change === 'link-up' || change === 'peer-online';
    this.#after(this.#channel.pathChanged(now(), change));
    if (!this.#open) return;
    for (const entry of this.#pending.values()) this.#mark(entry, 'sent');
  }

  /**
   * Says goodbye. Resolves when the peer has acknowledged it, or enough time has passed.
   * @returns {Promise<boolean>} Whether the peer has received everything, the goodbye too.
   */
  async bye() {
    let received = false;
    const ended = new Promise((resolve) => {
      this.#listener = { ...SILENT, allReceived: () => (received = true), ended: resolve };
    });
    if (this.isOver) return false;
    // A goodbye that cannot arrive would only keep the person waiting.
    this.#after(this.#open ? this.#channel.bye(now()) : this.#channel.close());
    await ended;
    return received;
  }

  /** The room is over: drops the keys. What was said stays, and vanishes when its time comes. */
  close() {
    this.#after(this.#channel.close());
  }

  /** Nobody sees any more what was said: wipes it. */
  wipe() {
    clearTimeout(this.#vanishing);
    this.#listener = { ...this.#listener, changed: undefined };
    this.#transcript.clear();
  }

  /** @param {ChannelEvent} event */
  #handle(event) {
    switch (event.kind) {
      case 'secured':
        return this.#listener.secured(event.safety);
      case 'message':
      case 'reply':
        return this.#received(event.number, event.text, event.kind === 'reply' ? event.target : null);
      case 'reaction': {
        const entry = this.#transcript.react(false, event.target, event.text);
        return event.text === '' ? undefined : this.#peerChanged('reacted', entry);
      }
      case 'edit':
        return this.#peerChanged('edited', this.#transcript.edit(false, event.edits, event.text));
      case 'delete':
        return this.#peerChanged('deleted', this.#transcript.delete(false, event.deletes));
      case 'timer':
        return this.#timerSet(false, event);
      case 'credential':
        return void this.#judge(event);
      case 'handover':
        return this.#listener.handover?.(event);
      case 'unknown':
        return this.#listener.unknown?.();
      case 'delivered':
      case 'not-delivered':
        return this.#settled(event.number, event.kind === 'delivered' ? 'delivered' : 'lost');
      case 'peer-typing':
        return this.#listener.peerTyping(event.active);
      case 'peer-bye':
        return this.#listener.peerBye();
      case 'all-received':
        return this.#listener.allReceived();
      case 'window-open':
        return this.#listener.windowOpen();
      case 'ended':
        return this.#listener.ended(event.reason);
    }
  }

  /** @param {import('./helping.js').Shown} shown */
  async #judge(shown) {
    const verdict = await (this.#listener.judge?.(shown) ?? 'taken');
    void this.#after(this.#channel.judge(now(), verdict));
  }

  /** @param {number} number @param {string} text @param {Target | null} target */
  #received(number, text, target) {
    this.#listener.peerTyping(false);
    const entry = this.#transcript.add(now(), { mine: false, number, text, mark: 'delivered', target });
    this.#listener.message(entry);
    this.#planVanishing();
  }

  /** @param {Change} change @param {ChatEntry | undefined} entry */
  #peerChanged(change, entry) {
    if (entry !== undefined) this.#listener.peerChanged?.(change, entry);
  }

  /** @param {boolean} mine @param {import('./transcript.js').Timer} timer */
  #timerSet(mine, timer) {
    if (this.#transcript.setTimer(mine, timer)) this.#listener.timer?.(this.#transcript.seconds);
  }

  /** Wakes when the next message vanishes. */
  #planVanishing() {
    clearTimeout(this.#vanishing);
    const at = this.#transcript.nextEnd;
    if (at === null) return;
    this.#vanishing = setTimeout(() => {
      this.#transcript.vanish(now());
      this.#planVanishing();
    }, Math.max(0, at - now()));
  }

  /** @param {number} number @param {'delivered' | 'lost'} mark */
  #settled(number, mark) {
    const entry = this.#pending.get(number);
    if (entry === undefined) return;
    if (mark === 'delivered') this.#pending.delete(number);
    this.#mark(entry, mark);
  }

  /** @param {ChatEntry} entry @param {Mark} mark */
  #mark(entry, mark) {
    if (entry.mark === mark) return;
    entry.mark = mark;
    this.#listener.marked(entry);
  }

  /** Sets the timer again after an input has been handled. @param {Promise<void>} input */
  async #after(input) {
    await input;
    clearTimeout(this.#timer);
    const at = this.#channel.nextTimeout;
    if (at === null) return;
    this.#timer = setTimeout(() => this.#after(this.#channel.handleTimeout(now())), Math.max(0, at - now()));
  }
}

/** How the own side names a message. @param {ChatEntry} entry @returns {Target} */
function targetOf({ mine, number }) {
  return { own: mine, number };
}

/** @type {Listener} */
const SILENT = {
  secured: () => {}, message: () => {}, marked: () => {}, peerTyping: () => {}, windowOpen: () => {}, peerBye: () => {}, allReceived: () => {},
  ended: () => {},
};
