/** One chat: runs its channel (channel.js) with clock and timer, and keeps what the page shows of it. Gone when the chat is. */

import { Channel } from './channel.js';
import { newEphemeral } from './noise.js';

/** @typedef {import('./bytes.js').Bytes} Bytes */
/** @typedef {import('./channel.js').ChannelEvent} ChannelEvent */
/** @typedef {import('./channel.js').EndReason} EndReason */
/** @typedef {import('./safety.js').SafetyCode} SafetyCode */

/** @typedef {'sending' | 'sent' | 'delivered' | 'lost'} Mark */
/** @typedef {{mine: boolean, text: string, mark: Mark}} Line */

/**
 * What the page hears of a chat.
 * @typedef {object} Listener
 * @property {(safety: SafetyCode) => void} secured
 * @property {(line: Line) => void} message
 * @property {(line: Line) => void} marked
 * @property {(active: boolean) => void} peerTyping
 * @property {() => void} windowOpen
 * @property {() => void} peerBye
 * @property {(reason: EndReason) => void} ended
 */

/** The monotonic clock, ms: a change of the wall clock moves no timer. */
const now = () => performance.now();

export class Talk {
  /** @type {Channel} */ #channel;
  /** @type {Listener} */ #listener;
  /** Own lines that are not delivered, by message number. @type {Map<number, Line>} */ #pending = new Map();
  /** @type {ReturnType<typeof setTimeout> | undefined} */ #timer;
  #open = true;

  /**
   * @param {Channel} channel
   * @param {Listener} listener
   */
  constructor(channel, listener) {
    this.#channel = channel;
    this.#listener = listener;
    channel.onEvent = (event) => this.#heard(event);
    this.#after(channel.start(now()));
  }

  /**
   * Opens the channel of a room.
   * @param {{side: 'a' | 'b', room: Bytes, psk: Bytes | null, send: (frame: Bytes) => void}} place
   * @param {Listener} listener
   */
  static async open({ side, room, psk, send }, listener) {
    const channel = new Channel({ side, room, psk, ephemeral: await newEphemeral(), random: Math.random });
    channel.onFrame = send;
    return new Talk(channel, listener);
  }

  get isOver() {
    return this.#channel.isOver;
  }

  /** How many own lines nobody has confirmed. */
  get unconfirmed() {
    return this.#pending.size;
  }

  /**
   * @param {string} text
   * @returns {{line: Line} | {refused: 'full' | 'over'}}
   */
  say(text) {
    const sent = this.#channel.sendText(now(), text);
    if ('refused' in sent) return { refused: sent.refused === 'full' ? 'full' : 'over' };
    /** @type {Line} */
    const line = { mine: true, text, mark: this.#open ? 'sent' : 'sending' };
    this.#pending.set(sent.number, line);
    this.#after(sent.done);
    return { line };
  }

  /** @param {boolean} active */
  typing(active) {
    this.#after(this.#channel.setTyping(now(), active));
  }

  /** @param {Bytes} frame */
  frame(frame) {
    this.#after(this.#channel.handleFrame(now(), frame));
  }

  /** What the connection says of the way to the other side. @param {'link-up' | 'link-down' | 'peer-online' | 'peer-away'} news */
  way(news) {
    const channel = this.#channel;
    this.#open = news === 'link-up' || news === 'peer-online';
    if (news === 'link-up') this.#after(channel.linkUp(now()));
    if (news === 'link-down') this.#after(channel.linkDown(now()));
    if (news === 'peer-online') this.#after(channel.peerOnline(now()));
    if (news === 'peer-away') this.#after(channel.peerAway(now()));
    if (!this.#open) return;
    for (const line of this.#pending.values()) this.#mark(line, 'sent');
  }

  /** Says goodbye; resolves when the other side has heard it or enough time has passed. */
  async bye() {
    const ended = new Promise((resolve) => {
      this.#listener = { ...SILENT, ended: resolve };
    });
    if (this.isOver) return;
    // With nobody there to hear it, a goodbye would only keep the person waiting.
    this.#after(this.#open ? this.#channel.bye(now()) : this.#channel.close());
    await ended;
  }

  /** The room is over: drops the keys. */
  close() {
    this.#after(this.#channel.close());
  }

  /** @param {ChannelEvent} event */
  #heard(event) {
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
      case 'window-open':
        return this.#listener.windowOpen();
      case 'ended':
        return this.#listener.ended(event.reason);
    }
  }

  /** @param {number} number @param {'delivered' | 'lost'} mark */
  #settled(number, mark) {
    const line = this.#pending.get(number);
    if (line === undefined) return;
    if (mark === 'delivered') this.#pending.delete(number);
    this.#mark(line, mark);
  }

  /** @param {Line} line @param {Mark} mark */
  #mark(line, mark) {
    if (line.mark === mark) return;
    line.mark = mark;
    this.#listener.marked(line);
  }

  /** Sets the timer anew once an input has been worked off. @param {Promise<void>} input */
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
  secured: () => {}, message: () => {}, marked: () => {}, peerTyping: () => {}, windowOpen: () => {}, peerBye: () => {}, ended: () => {},
};
