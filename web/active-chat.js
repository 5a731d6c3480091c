/**
 * One chat: runs its channel (channel.js) with a clock and a timer, and keeps the entries that the
 * page shows.
 */

import { Channel } from './channel.js';
import { now } from './clock.js';
import { NONCE_BYTES } from './handshake.js';

/** @typedef {import('./bytes.js').Bytes} Bytes */
/** @typedef {import('./channel.js').ChannelEvent} ChannelEvent */
/** @typedef {import('./channel-end.js').ChannelEnd} ChannelEnd */
/** @typedef {import('./safety.js').SafetyCode} SafetyCode */

/** @typedef {'sending' | 'sent' | 'delivered' | 'lost'} Mark */
/** @typedef {{mine: boolean, text: string, mark: Mark}} ChatEntry */

/**
 * What the page is notified of.
 * @typedef {object} Listener
 * @property {(safety: SafetyCode) => void} secured
 * @property {(entry: ChatEntry) => void} message
 * @property {(entry: ChatEntry) => void} marked
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
  /** @type {ReturnType<typeof setTimeout> | undefined} */ #timer;
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
   *   ephemeral: import('./noise.js').Ephemeral, send: (frame: Bytes, awaits: boolean) => void}} place
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
   * @param {string} text
   * @returns {{entry: ChatEntry} | {refused: 'full' | 'over'}}
   */
  send(text) {
    const sent = this.#channel.sendText(now(), text);
    if ('refused' in sent) return { refused: sent.refused === 'full' ? 'full' : 'over' };
    /** @type {ChatEntry} */
    const entry = { mine: true, text, mark: this.#open ? 'sent' : 'sending' };
    this.#pending.set(sent.number, entry);
    this.#after(sent.done);
    return { entry };
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

  /** The room is over: drops the keys. */
  close() {
    this.#after(this.#channel.close());
  }

  /** @param {ChannelEvent} event */
  #handle(event) {
    switch (event.kind) {
      case 'secured':
        return this.#listener.secured(event.safety);
      case 'message':
        this.#listener.peerTyping(false);
        return this.#listener.message({ mine: false, text: event.text, mark: 'delivered' });
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

/** @type {Listener} */
const SILENT = {
  secured: () => {}, message: () => {}, marked: () => {}, peerTyping: () => {}, windowOpen: () => {}, peerBye: () => {}, allReceived: () => {},
  ended: () => {},
};
