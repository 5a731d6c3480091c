/**
 * What the packets of a chat carry, both ways: messages until they are acknowledged, acknowledgements,
 * and notices of typing. The channel says when; this knows what is due.
 */

import { Inbound } from './inbound.js';
import { ACK_DELAY_MAX, ACK_DELAY_MIN, MAX_TEXT } from './limits.js';
import { Outbound } from './outbound.js';
import { ContentWriter, TEXT, TYPING } from './packet.js';
import { PacketCipher } from './packet-cipher.js';
import { TypingNotice } from './typing.js';

/** @typedef {import('./bytes.js').Bytes} Bytes */

export class Exchange {
  #side;
  #path;
  #random;
  #onFrame;
  /** @type {PacketCipher | null} */ #cipher = null;
  #outbound = new Outbound();
  #inbound = new Inbound();
  #typing = new TypingNotice();
  #isErased = false;
  /** Whether a message was refused because the window was full. */ #windowWasFull = false;

  /**
   * @param {'a' | 'b'} side
   * @param {import('./path.js').Path} path
   * @param {() => number} random Gives the jitter of acknowledgements.
   * @param {(frame: Bytes, awaits: boolean) => void} onFrame
   */
  constructor(side, path, random, onFrame) {
    this.#side = side;
    this.#path = path;
    this.#random = random;
    this.#onFrame = onFrame;
  }

  /** @param {import('./handshake.js').Keys} keys */
  async takeKeys(keys) {
    const cipher = await PacketCipher.of(this.#side, keys);
    if (!this.#isErased) this.#cipher = cipher;
  }

  /**
   * The content of a packet that is fresh and authentic, or why it is dropped.
   * @param {import('./packet.js').Packet} packet
   */
  async open(packet) {
    return this.#cipher === null ? 'early' : this.#cipher.open(packet);
  }

  /** Takes the messages of a packet. @param {number} now @param {import('./packet.js').Message[]} messages */
  receive(now, messages) {
    for (const message of messages) this.#inbound.receive(message);
    if (messages.length > 0) this.acknowledgeBy(now + ACK_DELAY_MIN + this.#random() * (ACK_DELAY_MAX - ACK_DELAY_MIN));
  }

  /** An acknowledgement is sent by `at`; one that is due earlier stays. @param {number} at */
  acknowledgeBy(at) {
    this.#inbound.owe(at);
  }

  /** Sends an acknowledgement now if one is owed. @param {number} now */
  acknowledgeEarly(now) {
    if (this.#inbound.acknowledgeAt !== null) this.#inbound.owe(now);
  }

  /** The highest number that was received in order. */
  get heard() {
    return this.#inbound.inOrder;
  }

  /** The kind of the next message in order, if it is here. */
  get nextKind() {
    return this.#inbound.nextKind;
  }

  /** The next message in order, if it is here. */
  next() {
    return this.#inbound.next();
  }

  /**
   * Numbers a message and queues it; `null` when it does not fit the window.
   * @param {number} kind
   * @param {Bytes} body
   * @throws {import('./channel-end.js').ChannelFault} `exhausted`
   */
  push(kind, body) {
    const number = this.#outbound.push(kind, body);
    if (number === null) this.#windowWasFull = true;
    return number;
  }

  /**
   * Handles an acknowledgement of all numbers up to `acknowledged`. Returns the texts that it newly
   * acknowledges.
   * @param {number} now
   * @param {number} acknowledged
   * @throws {import('./channel-end.js').ChannelFault} `ack-beyond-sent`
   */
  acknowledge(now, acknowledged) {
    return this.#outbound.acknowledge(now, acknowledged);
  }

  /** Whether a longest text fits the window again; true once after the window was full. */
  opensAgain() {
    if (!this.#windowWasFull || !this.#outbound.hasRoom(TEXT, MAX_TEXT)) return false;
    this.#windowWasFull = false;
    return true;
  }

  /** Whether the peer has acknowledged everything. */
  get isAllReceived() {
    return this.#outbound.isEmpty;
  }

  /** Numbers of the texts that are not acknowledged, in order. */
  get unacknowledgedTexts() {
    return this.#outbound.unacknowledgedTexts;
  }

  /** The peer has not received the opening. @param {number} now */
  repeatOpening(now) {
    this.#outbound.repeatOpening(now);
  }

  /** The way to the peer is open again: everything unacknowledged is due. */
  restart() {
    this.#outbound.restart();
  }

  /** Takes for lost what should have been acknowledged by now. @param {number} now */
  timeOut(now) {
    const { timeout } = this.#outbound;
    if (timeout !== null && now >= timeout) this.#outbound.timeOut();
  }

  /** When something is due that does not depend on a new input. */
  get times() {
    return [this.#outbound.timeout, this.#inbound.acknowledgeAt];
  }

  /** Whether its person writes. @param {boolean} active */
  setTyping(active) {
    this.#typing.set(active);
  }

  /** A text shows by itself that its writer has stopped. */
  textSent() {
    this.#typing.textSent();
  }

  /** When a notice of typing is due, if it may be sent at all. */
  get typingAt() {
    return this.#hasRoomForTyping ? this.#typing.dueAt : null;
  }

  /**
   * Queues a notice of typing if one is due.
   * @param {number} now
   * @throws {import('./channel-end.js').ChannelFault} `exhausted`
   */
  pushTyping(now) {
    const active = this.#typing.due(now);
    if (active === null || !this.#hasRoomForTyping) return;
    if (this.#outbound.push(TYPING, Uint8Array.of(active ? 1 : 0)) !== null) this.#typing.sent(now, active);
  }

  get #hasRoomForTyping() {
    return this.#path.isOpen && this.#outbound.hasRoom(TYPING, 1);
  }

  /**
   * Sends all messages that are due, and the acknowledgement if its time has come.
   * @param {number} now
   */
  async flush(now) {
    while (this.#path.isOpen && this.#cipher !== null) {
      const owed = this.#inbound.acknowledgeAt !== null && now >= this.#inbound.acknowledgeAt;
      if (!this.#outbound.isDue && !owed) return;
      // Before the packet is filled: what is first sent in it belongs to the new epoch.
      await this.#cipher.moveOn(this.#outbound.progress);
      if (this.#cipher === null) return;
      const writer = new ContentWriter(this.#inbound.inOrder);
      const messages = this.#outbound.fill(now, writer);
      this.#inbound.acknowledgeAt = null;
      const frame = await this.#cipher.seal(writer.finish());
      if (!this.#isErased) this.#onFrame(frame, messages);
    }
  }

  /** Drops every key and message. Nothing is sent any more. */
  erase() {
    this.#isErased = true;
    this.#cipher = null;
    this.#outbound = new Outbound();
    this.#inbound = new Inbound();
  }
}
