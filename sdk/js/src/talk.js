/**
 * The channel of one room from the match to the end, and what comes of each text: what the page does
 * beside its screens.
 */

import { ActiveChat } from './page/active-chat.js';
import { fromBase64url } from './page/bytes.js';
import { newEphemeral } from './page/noise.js';
import { SIGNS } from './page/safety.js';
import { shown } from './page/stranger-text.js';

/** @typedef {import('./page/active-chat.js').ChatEntry} ChatEntry */
/** @typedef {import('./page/bytes.js').Bytes} Bytes */
/** @typedef {import('./page/channel-end.js').ChannelEnd} ChannelEnd */

/**
 * Seven signs, and the same as three numbers of five digits. The two people compare them over another
 * channel: equal codes prove that nobody sits between. Compared inside the chat they prove nothing.
 * @typedef {{readonly emoji: readonly string[], readonly numbers: string}} SafetyCode
 */

/**
 * Why a chat has ended. `self`: `end` or `report` was called here. `bye`: the other side has said
 * goodbye, which nobody in between can say for it. `left`, `expired`, `reported`, `shutdown`: what the
 * server says. `away`: it ended while this side had no connection. `unsafe`: the channel was changed on
 * its way, or its other end broke the rules. `no-proof`: nobody has proved in time to be a helper. The others: the session has ended.
 * @typedef {'self' | 'bye' | import('./page/facts.js').EndReason | 'away' | 'no-proof' | 'unsafe'
 *   | Extract<import('./page/protocol.js').ConnectionEvent, {kind: 'failed'}>['why']} EndReason
 */

/**
 * @typedef {object} End
 * @property {EndReason} reason
 * @property {string} [detail] Of `unsafe`: the channel's own word (docs/protocol.md, section 8).
 * @property {boolean} received After `end`: whether the other side has received everything.
 * @property {readonly string[]} unsent Own texts that the other side may not have received, in order.
 */

/**
 * A text of one's own. `id` counts from 1 in each chat. `delivered` never rejects: it tells whether the
 * other side's program has received it, as soon as that is certain.
 * @typedef {{readonly id: number, readonly text: string, readonly state: import('./page/active-chat.js').Mark,
 *   readonly delivered: Promise<boolean>}} Sent
 */

/**
 * What a talk tells.
 * @typedef {object} Owner
 * @property {(frame: Bytes, awaits: boolean) => void} send
 * @property {() => void} secured
 * @property {import('./page/helping.js').Part} part
 * @property {(shown: import('./page/helping.js').Shown) => Promise<import('./page/helping.js').Verdict>} judge
 * @property {(offer: import('./page/messages.js').Handover) => void} handover
 * @property {(event: import('./chat.js').ChatEvents['text']) => void} text
 * @property {<T extends 'reaction' | 'edited' | 'deleted' | 'timer' | 'unknown'>(type: T, event: import('./chat.js').ChatEvents[T]) => void} tell
 * @property {(sent: Sent) => void} settled A text was delivered, or is lost.
 * @property {(active: boolean) => void} typing
 * @property {() => void} ready
 * @property {() => void} closed The channel is closed by its two ends: the room is to be left.
 */

/** The channel ends that are nobody's fault. @type {readonly ChannelEnd[]} */
const USUAL = ['bye', 'peer-bye', 'closed'];
/** How many frames are kept while the keys of a room are made. The other side repeats what is lost. */
const EARLY_FRAMES = 8;

export class Talk {
  /** @type {SafetyCode | null} */ safety = null;
  /** Whether nothing can be sent any more. */ isOver = false;
  /** Resolves when the channel is closed and each text has an end. @type {Promise<End>} */ ended;
  #owner;
  /** @type {ActiveChat | null} */ #active = null;
  /** @type {Bytes[]} */ #early = [];
  #isClosed = false;
  /** Why it ends, as soon as that is known. @type {{reason: EndReason, detail?: string} | null} */ #why = null;
  /** Own texts that have no end yet. @type {Map<ChatEntry, {sent: Sent, settle: (delivered: boolean) => void}>} */
  #pending = new Map();
  #count = 0;
  /** The numbers by which messages are told apart, those of each side from 1. @type {WeakMap<ChatEntry, number>} */ #ids = new WeakMap();
  #heard = 0;
  /** @type {(end: End) => void} */ #end = () => {};

  /** @param {Owner} owner */
  constructor(owner) {
    this.#owner = owner;
    this.ended = new Promise((resolve) => (this.#end = resolve));
  }

  /**
   * Opens the channel of a room. Returns whether the server named one.
   * @param {string} roomId
   * @param {'a' | 'b'} side
   * @param {Bytes | null} psk The key of the invite, if there is one.
   * @param {import('./page/kem.js').Kem} kem
   */
  async open(roomId, side, psk, kem) {
    const room = fromBase64url(roomId);
    if (room === null) return false;
    const ephemeral = await newEphemeral();
    if (this.#isClosed) {
      psk?.fill(0);
      return true;
    }
    this.#active = ActiveChat.open({ side, room, psk, kem, ephemeral, part: this.#owner.part, send: this.#owner.send }, this.#listener());
    for (const frame of this.#early.splice(0)) this.#active.frame(frame);
    return true;
  }

  /** @param {Bytes} frame */
  frame(frame) {
    if (this.#active !== null) this.#active.frame(frame);
    else if (this.#early.length < EARLY_FRAMES) this.#early.push(frame);
  }

  /** @param {import('./page/path.js').PathChange} change */
  pathChanged(change) {
    this.#active?.pathChanged(change);
  }

  /** @param {boolean} active */
  typing(active) {
    if (!this.isOver) this.#active?.typing(active);
  }

  /** @param {string} text @returns {Sent | 'full' | 'over'} */
  send(text) {
    const said = this.isOver ? undefined : this.#active?.send(text);
    if (said === undefined) return 'over';
    if ('refused' in said) return said.refused;
    const { entry } = said;
    /** @type {(delivered: boolean) => void} */
    let settle = () => {};
    const delivered = /** @type {Promise<boolean>} */ (new Promise((resolve) => (settle = resolve)));
    const sent = {
      id: ++this.#count, text, delivered,
      get state() {
        return entry.mark;
      },
    };
    this.#pending.set(entry, { sent, settle });
    this.#ids.set(entry, sent.id);
    return sent;
  }

  /** Offers that a colleague goes on. @param {import('./page/messages.js').Handover} offer */
  handOver(offer) {
    return this.isOver ? 'over' : this.#active?.handOver(offer) ?? 'over';
  }

  /** Says goodbye after all that was sent before, and closes the channel. */
  async bye() {
    if (this.isOver) return;
    this.isOver = true;
    this.#why = { reason: 'self' };
    const received = await (this.#active?.bye() ?? false);
    this.#close(received);
    this.#owner.closed();
  }

  /**
   * The chat ends at once, without a goodbye.
   * @param {EndReason} reason Counts unless the two ends have said another before.
   * @param {string} [detail]
   */
  over(reason, detail) {
    this.isOver = true;
    this.#why ??= detail === undefined ? { reason } : { reason, detail };
    // A goodbye that is under way ends with the channel, and goes on in `bye`.
    const isLeaving = this.#why.reason === 'self' && reason !== 'self';
    this.#active?.close();
    if (!isLeaving) this.#close(false);
  }

  /** Every text gets its end. @param {boolean} received */
  #close(received) {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#early = [];
    this.#active?.close();
    const unsent = [...this.#pending.values()].filter(({ sent }) => sent.state !== 'delivered').map(({ sent }) => sent.text);
    for (const entry of [...this.#pending.keys()]) this.#settled(entry);
    this.#end({ ...(this.#why ?? { reason: 'self' }), received, unsent });
  }

  /** @param {ChatEntry} entry */
  #settled(entry) {
    const pending = this.#pending.get(entry);
    if (pending === undefined) return;
    this.#pending.delete(entry);
    pending.settle(entry.mark === 'delivered');
    this.#owner.settled(pending.sent);
  }

  /** @returns {import('./page/active-chat.js').Listener} */
  #listener() {
    const owner = this.#owner;
    return {
      secured: ({ emoji, numbers }) => {
        this.safety = Object.freeze({ emoji: Object.freeze(emoji.map((place) => SIGNS[place])), numbers: numbers.join(' ') });
        owner.secured();
      },
      message: (entry) => {
        this.#ids.set(entry, ++this.#heard);
        const { answers, text } = entry;
        owner.text({ id: this.#heard, text: shown(text), raw: text, replyTo: answers === null || answers === 'gone' ? answers : this.#name(answers) });
      },
      peerChanged: (change, entry) => {
        const { reactions, text } = entry;
        const of = this.#name(entry);
        if (change === 'reacted') owner.tell('reaction', { to: of, text: shown(reactions.theirs), raw: reactions.theirs });
        else if (change === 'edited') owner.tell('edited', { id: of.id, text: shown(text), raw: text });
        else owner.tell('deleted', { id: of.id });
      },
      timer: (seconds) => owner.tell('timer', { seconds }),
      unknown: () => owner.tell('unknown', {}),
      judge: (credential) => owner.judge(credential),
      handover: (offer) => owner.handover(offer),
      // What is lost is told at the end, in order.
      marked: (entry) => entry.mark === 'delivered' && this.#settled(entry),
      peerTyping: (active) => owner.typing(active),
      windowOpen: () => owner.ready(),
      peerBye: () => {
        this.isOver = true;
        this.#why ??= { reason: 'bye' };
      },
      allReceived: () => {},
      ended: (reason) => this.#channelEnded(reason),
    };
  }

  /** @param {ChatEntry} entry @returns {import('./chat.js').Said} */
  #name(entry) {
    return { own: entry.mine, id: this.#ids.get(entry) ?? 0 };
  }

  /** @param {ChannelEnd} reason */
  #channelEnded(reason) {
    this.isOver = true;
    if (reason === 'no-proof') this.#why = { reason };
    else if (!USUAL.includes(reason)) this.#why = { reason: 'unsafe', detail: reason };
    this.#close(false);
    // Otherwise whoever has closed the channel goes on.
    if (reason !== 'closed') this.#owner.closed();
  }
}
