/** What was sent and is not acknowledged yet: numbers, the window, and when to send again. */

import {
  BYE_RESERVE_BYTES, BYE_RESERVE_MESSAGES, COPY_INTERVAL, MAX_NUMBER, RESEND_INITIAL, RESEND_MAX, RESEND_MIN, TYPING_WINDOW_MESSAGES, WINDOW_BYTES,
  WINDOW_MESSAGES,
} from './limits.js';
import { ChannelFault } from './channel-end.js';
import { isText } from './messages.js';
import { BYE, OPENING, TYPING, cost } from './packet.js';

/** @typedef {import('./bytes.js').Bytes} Bytes */

/**
 * `due`: waits for a packet, never sent or taken for lost. `sentOnceAt`: `null` before, and after
 * it was sent twice (Karn: its acknowledgement measures nothing).
 * @typedef {{number: number, kind: number, body: Bytes, due: boolean, sent: boolean,
 *   sentOnceAt: number | null}} Pending
 */

/** How long to wait for an acknowledgement: RFC 6298, with bounds of our own. */
class RoundTrip {
  /** @type {{smoothed: number, variation: number} | null} */ #measured = null;
  /** Time-outs since the last measure. */ #timeouts = 0;

  get timeout() {
    const base = this.#measured === null ? RESEND_INITIAL
      : Math.min(Math.max(this.#measured.smoothed + 4 * this.#measured.variation, RESEND_MIN), RESEND_MAX);
    return Math.min(base * 2 ** this.#timeouts, RESEND_MAX);
  }

  /**
   * Something new was acknowledged.
   * @param {number | null} sample A round trip that can be trusted.
   */
  progress(sample) {
    if (sample === null) return;
    this.#timeouts = 0;
    // More than the longest time-out cannot be told apart from a cut.
    const bounded = Math.min(Math.max(sample, 0), RESEND_MAX);
    this.#measured = this.#measured === null ? { smoothed: bounded, variation: bounded / 2 } : {
      variation: (3 * this.#measured.variation + Math.abs(this.#measured.smoothed - bounded)) / 4,
      smoothed: (7 * this.#measured.smoothed + bounded) / 8,
    };
  }

  backOff() {
    this.#timeouts += 1;
  }

  forgetBackOff() {
    this.#timeouts = 0;
  }
}

export class Outbound {
  /** The number given last. */ #numbered = 0;
  /** The highest number that was ever in a packet. */ #sent = 0;
  /** The highest number that was acknowledged. */ #acknowledged = 0;
  /** @type {Pending[]} */ #unacknowledged = [];
  /** When the opening was last in a packet. */ #openingSentAt = -Infinity;
  #cost = 0;
  #roundTrip = new RoundTrip();
  /**
   * Sends all that is due; after a time-out only one packet, then nothing until an acknowledgement.
   * @type {'open' | 'probe' | 'probed'}
   */
  #pace = 'open';
  /** When to send again what is not acknowledged by then. @type {number | null} */
  timeout = null;

  get isEmpty() {
    return this.#unacknowledged.length === 0;
  }

  /** The highest number that was acknowledged, and the highest that was in a packet. */
  get progress() {
    return { acknowledged: this.#acknowledged, sent: this.#sent };
  }

  /** Whether something waits for a packet, and may go now. */
  get isDue() {
    return this.#pace !== 'probed' && this.#unacknowledged.some(({ due }) => due);
  }

  /** Numbers of the texts that are not acknowledged, in order. */
  get unacknowledgedTexts() {
    return this.#unacknowledged.filter(({ kind }) => isText(kind)).map(({ number }) => number);
  }

  /** Whether a message fits the window now. @param {number} kind @param {number} length */
  hasRoom(kind, length) {
    const whole = kind === BYE || kind === OPENING;
    const reserve = whole ? 0 : BYE_RESERVE_MESSAGES;
    const messages = kind === TYPING ? TYPING_WINDOW_MESSAGES : WINDOW_MESSAGES - reserve;
    const bytes = whole ? WINDOW_BYTES : WINDOW_BYTES - BYE_RESERVE_BYTES;
    return this.#unacknowledged.length < messages && this.#cost + cost(length) <= bytes;
  }

  /**
   * Numbers a message and queues it; `null` when it does not fit the window.
   * @param {number} kind
   * @param {Bytes} body
   * @throws {ChannelFault} `exhausted`
   */
  push(kind, body) {
    if (!this.hasRoom(kind, body.length)) return null;
    if (this.#numbered + 1 >= MAX_NUMBER) throw new ChannelFault('exhausted');
    this.#numbered += 1;
    this.#cost += cost(body.length);
    this.#unacknowledged.push({ number: this.#numbered, kind, body, due: true, sent: false, sentOnceAt: null });
    return this.#numbered;
  }

  /**
   * Puts what is due into a packet; returns whether anything was.
   * @param {number} now
   * @param {import('./packet.js').ContentWriter} packet
   */
  fill(now, packet) {
    if (this.#pace === 'probed') return false;
    let filled = false;
    for (const pending of this.#unacknowledged) {
      if (!pending.due) continue;
      if (!packet.push(pending)) break;
      pending.sentOnceAt = pending.sent ? null : now;
      pending.sent = true;
      pending.due = false;
      this.#sent = Math.max(this.#sent, pending.number);
      if (pending.kind === OPENING) this.#openingSentAt = now;
      filled = true;
    }
    if (filled && this.#pace === 'probe') this.#pace = 'probed';
    if (filled) this.timeout ??= now + this.#roundTrip.timeout;
    return filled;
  }

  /**
   * Handles an acknowledgement of all numbers up to `acknowledged`. Returns the texts that it newly
   * acknowledges.
   * @param {number} now
   * @param {number} acknowledged
   * @throws {ChannelFault} `ack-beyond-sent`
   */
  acknowledge(now, acknowledged) {
    if (acknowledged > this.#sent) throw new ChannelFault('ack-beyond-sent');
    const news = this.#unacknowledged.filter(({ number }) => number <= acknowledged);
    if (news.length === 0) return [];
    this.#acknowledged = acknowledged;
    this.#unacknowledged.splice(0, news.length);
    for (const { body } of news) this.#cost -= cost(body.length);
    // A message that was sent twice makes the round trip of those behind it unreliable.
    const trusted = news.every(({ sentOnceAt }) => sentOnceAt !== null);
    const last = news[news.length - 1].sentOnceAt;
    this.#roundTrip.progress(trusted && last !== null ? now - last : null);
    this.#pace = 'open';
    this.timeout = this.#unacknowledged.some(({ due }) => !due) ? now + this.#roundTrip.timeout : null;
    return news.filter(({ kind }) => isText(kind)).map(({ number }) => number);
  }

  /** The peer has not received the opening: sends it again, unless that was a moment ago. @param {number} now */
  repeatOpening(now) {
    const [first] = this.#unacknowledged;
    if (first?.kind !== OPENING || !first.sent || now - this.#openingSentAt < COPY_INTERVAL) return;
    first.due = true;
    if (this.#pace === 'probed') this.#pace = 'probe';
  }

  /**
   * The acknowledgement is overdue: takes everything for lost, but sends only one packet until an
   * acknowledgement comes.
   */
  timeOut() {
    this.#roundTrip.backOff();
    this.#takeForLost();
    this.#pace = 'probe';
  }

  /** The path to the peer is open again: sends everything unacknowledged again at once. */
  restart() {
    this.#roundTrip.forgetBackOff();
    this.#takeForLost();
    this.#pace = 'open';
  }

  #takeForLost() {
    this.timeout = null;
    for (const pending of this.#unacknowledged) pending.due = true;
  }
}
