/** One chat on the page: its screen, its channel, and what the person does in it. */

import { ActiveChat } from './active-chat.js';
import { fromBase64url } from './bytes.js';
import { newEphemeral } from './noise.js';
import { askForReport, askToLeave, showSafety } from './ui-dialogs.js';

/** @typedef {import('./bytes.js').Bytes} Bytes */
/** @typedef {import('./channel-end.js').ChannelEnd} ChannelEnd */
/** @typedef {import('./i18n.js').Key} Key */
/** @typedef {import('./search.js').Search} Search */
/** @typedef {import('./ui-end.js').Again} Again */
/** @typedef {import('./later/ui-chat.js').OwnState} OwnState */
/** @typedef {typeof import('./later/ui-chat.js').ChatScreen} Screens */

/**
 * What a chat needs of the page.
 * @typedef {object} Owner
 * @property {(frame: Bytes, awaits: boolean) => void} send
 * @property {() => void} wrote The peer has written.
 * @property {() => void} [said] The person has.
 * @property {HTMLElement} alerts Opens the choice of alerts.
 * @property {() => void} peerBye
 * @property {(reason: ChannelEnd) => void} ended
 * @property {(() => void) | null} next
 * @property {() => void} leave
 * @property {(category: import('./facts.js').Category) => void} report
 * @property {import('./helping.js').Part} [part]
 * @property {(shown: import('./helping.js').Shown) => Promise<import('./later/standing.js').Judged>} [judge] For who seeks help.
 * @property {(offer: import('./messages.js').Handover) => void} [handedOver] The person goes on with a colleague.
 */

/**
 * How many frames are kept while the key of a room is being made. The peer repeats what is lost.
 */
const EARLY_FRAMES = 8;

export class Conversation {
  /** Whether the two met by an invite. */ invited;
  /** The key of the invite, until the channel has it. @type {Bytes | null} */ #psk;
  #kem;
  screen;
  /** Whether the peer or the server has ended it. */ isOver = false;
  #owner;
  /** @type {ActiveChat | null} */ #active = null;
  /** @type {Bytes[]} */ #early = [];
  #isClosed = false;
  /** Whether anything was said. */ #touched = false;
  /** @type {import('./safety.js').SafetyCode | null} */ #safety = null;

  /** @param {Search} search @param {import('./kem.js').Kem} kem @param {Screens} ChatScreen @param {Owner} owner */
  constructor(search, kem, ChatScreen, owner) {
    this.#psk = search.psk;
    this.#kem = kem;
    this.invited = search.psk !== null;
    this.#owner = owner;
    const { invited } = this;
    const { next } = owner;
    this.screen = new ChatScreen(invited, {
      send: (text, purpose) => this.say(text, purpose),
      react: (entry, text) => this.#active?.react(entry, text) ?? 'over',
      delete: (entry) => this.#active?.delete(entry) ?? 'over',
      setTimer: (seconds) => this.#active?.setTimer(seconds) ?? 'over',
      typing: (active) => this.#active?.typing(active),
      safety: () => this.#safety !== null && showSafety(this.#safety, invited),
      next: next === null ? null : () => this.#ask('next', next),
      leave: () => this.#ask('leave', owner.leave),
      report: () => askForReport(owner.report),
      alerts: owner.alerts,
    });
  }

  /**
   * Opens the channel of the room.
   * @param {string} roomId
   * @param {'a' | 'b'} side
   * @returns {Promise<boolean>} Whether the server named a room.
   */
  async open(roomId, side) {
    const room = fromBase64url(roomId);
    if (room === null) return false;
    const ephemeral = await newEphemeral();
    if (this.#isClosed) return true;
    const psk = this.#psk;
    this.#psk = null;
    // Each key opens one chat, and a chat by invite is never opened without it.
    if (this.invited !== (psk !== null)) return false;
    const { part = null } = this.#owner;
    if (part !== null && 'seeks' in part && part.seeks === 'required') this.screen.awaitHelper();
    const active = ActiveChat.open({ side, room, psk, kem: this.#kem, ephemeral, part, send: this.#owner.send }, this.#listener());
    this.#active = active;
    for (const frame of this.#early.splice(0)) active.frame(frame);
    return true;
  }

  /** @param {Bytes} frame */
  frame(frame) {
    if (this.#active !== null) this.#active.frame(frame);
    else if (this.#early.length < EARLY_FRAMES) this.#early.push(frame);
  }

  /** What the person sees of the own connection. @param {OwnState} state @param {number | null} [keptMs] */
  showOwn(state, keptMs = null) {
    this.screen.selfState(state, keptMs);
  }

  /** @param {import('./path.js').PathChange} change @param {number | null} [keptMs] */
  pathChanged(change, keptMs = null) {
    if (change !== 'link-down') this.screen.peerOnline(change !== 'peer-away', keptMs);
    this.#active?.pathChanged(change);
  }

  /** Whether anything was said. */
  get isTouched() {
    return this.#touched;
  }

  /** How many own texts are not acknowledged. */
  get unconfirmed() {
    return this.#active?.unconfirmed ?? 0;
  }

  /**
   * Says goodbye in the channel. Resolves when the peer has acknowledged it or enough time has
   * passed, with whether the peer has received everything; `null` when there is no channel to say it in.
   * @returns {Promise<boolean> | null}
   */
  bye() {
    const active = this.#active;
    return active === null || active.isOver ? null : active.bye();
  }

  /** Wipes what was said: it is no longer shown. */
  wipe() {
    this.#active?.wipe();
  }

  /** Drops the keys. */
  close() {
    this.#isClosed = true;
    this.#early = [];
    this.#psk?.fill(0);
    this.#psk = null;
    this.#active?.close();
  }

  /**
   * The peer or the server has ended the chat. Its texts stay readable until the person goes on.
   * @param {Key} why
   * @param {{again: Again, clear: () => void}} act
   */
  over(why, act) {
    this.isOver = true;
    this.screen.over(why, act);
  }

  /** @returns {import('./active-chat.js').Listener} */
  #listener() {
    const { screen } = this;
    return {
      secured: (safety) => {
        this.#safety = safety;
        screen.secured();
        screen.focus();
      },
      message: (entry) => {
        this.#touched = true;
        screen.add(entry);
        this.#owner.wrote();
      },
      marked: (entry) => screen.mark(entry),
      changed: (entry) => screen.changed(entry),
      peerChanged: (change, entry) => {
        if (change === 'edited') screen.peerTyping(false);
        screen.peerChanged(change, entry);
        if (change !== 'deleted') this.#owner.wrote();
      },
      timer: (seconds) => screen.timer(seconds),
      unknown: () => screen.unknown(),
      judge: async (shown) => {
        const judged = await this.#owner.judge?.(shown);
        if (judged?.standing) screen.helper(judged.standing);
        return judged?.verdict ?? 'taken';
      },
      handover: (offer) => screen.handover(() => this.#owner.handedOver?.(offer)),
      peerTyping: (active) => screen.peerTyping(active),
      windowOpen: () => screen.windowOpen(),
      peerBye: () => this.#owner.peerBye(),
      allReceived: () => {},
      ended: (reason) => this.#owner.ended(reason),
    };
  }

  /** @param {string} text @param {import('./later/ui-composer.js').Purpose} [purpose] @returns {'sent' | 'full' | 'over'} */
  say(text, purpose = null) {
    if (purpose?.kind === 'edit') return this.#active?.edit(purpose.entry, text) ?? 'over';
    const said = this.#active?.send(text, purpose?.entry);
    if (said === undefined) return 'over';
    if ('refused' in said) return said.refused;
    this.#touched = true;
    this.screen.add(said.entry);
    this.#owner.said?.();
    return 'sent';
  }

  /** Offers that a colleague goes on: a helper's. @param {import('./messages.js').Handover} offer */
  handOver(offer) {
    return this.#active?.handOver(offer) ?? 'over';
  }

  /** @param {'leave' | 'next'} what @param {() => void} go */
  #ask(what, go) {
    if (this.#touched) askToLeave(what, go);
    else go();
  }
}
