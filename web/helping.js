/**
 * Helpers and who seeks them: what a channel does about the proof that somebody is a helper. A helper
 * shows a credential as its first message. Who seeks help may require one: then the channel is shut
 * until its owner believes it. Nothing of this side is sent until then, and nothing of the peer is told.
 */

import { ChannelFault } from './channel-end.js';
import { PROOF_TIMEOUT } from './limits.js';

/** @typedef {import('./bytes.js').Bytes} Bytes */

/**
 * What a side is in a chat: a helper with a pass, who seeks help, or neither (`null`). `required`: who
 * has not proved to be a helper is not talked to.
 * @typedef {{helper: import('./later/pass.js').Helper} | {seeks: 'welcome' | 'required'} | null} Part
 */
/**
 * What the owner makes of a credential. `believed`: it is a helper, by a key of this side's own or by the
 * server's word, and may hand over. `taken`: the chat goes on as it is. `unproved`: it can prove nothing
 * here, as if it had not come. `refused`: it is bad, and the chat ends.
 * @typedef {'believed' | 'taken' | 'unproved' | 'refused'} Verdict
 */
/** What the peer has shown, in this chat and on its side of it. @typedef {{body: Bytes, transcript: Bytes, side: 'a' | 'b'}} Shown */

export class Helping {
  #part;
  /** @type {'awaited' | 'shown' | 'taken' | 'believed'} */ #stage = 'awaited';
  /** Since when the way is open. @type {number | null} */ #openSince = null;
  /** How long it was before that, while the proof was awaited. */ #waited = 0;

  /** @param {Part} part */
  constructor(part) {
    this.#part = part;
  }

  /** The credential of this side; `null` if it is no helper. @param {Bytes} transcript @param {'a' | 'b'} side */
  async credential(transcript, side) {
    return this.isHelper ? this.#helper.credential(transcript, side) : null;
  }

  get isHelper() {
    return this.#part !== null && 'helper' in this.#part;
  }

  get #helper() {
    return /** @type {{helper: import('./later/pass.js').Helper}} */ (this.#part).helper;
  }

  get #seeks() {
    return this.#part !== null && 'seeks' in this.#part ? this.#part.seeks : null;
  }

  /** Whether a proof is required that is not believed yet. */
  get isShut() {
    return this.#seeks === 'required' && (this.isAwaited || this.#stage === 'shown');
  }

  /** Whether the credential may still come. */
  get isAwaited() {
    return this.#stage === 'awaited';
  }

  /** Whether the peer may hand over. */
  get isBelieved() {
    return this.#stage === 'believed';
  }

  /** The channel is secured, or the way is open again. @param {number} now */
  resume(now) {
    this.#openSince ??= now;
  }

  /** The way is closed. @param {number} now */
  pause(now) {
    if (this.#openSince !== null) this.#waited += now - this.#openSince;
    this.#openSince = null;
  }

  /** When it is too late for the proof, if the way stays open. */
  get deadline() {
    return this.isShut && this.isAwaited && this.#openSince !== null ? this.#openSince + PROOF_TIMEOUT - this.#waited : null;
  }

  /** The peer shows a credential. @throws {ChannelFault} If it may not. */
  show() {
    if (this.#seeks === null || !this.isAwaited) throw new ChannelFault('malformed');
    this.#stage = 'shown';
  }

  /**
   * The verdict on what was shown. Returns whether that has opened the channel.
   * @param {Verdict} verdict
   * @throws {ChannelFault} If the chat cannot go on.
   */
  take(verdict) {
    if (verdict === 'refused') throw new ChannelFault('bad-credential');
    const wasShut = this.isShut;
    if (verdict === 'unproved' && wasShut) throw new ChannelFault('no-proof');
    this.#stage = verdict === 'believed' ? 'believed' : 'taken';
    return wasShut;
  }
}
