/**
 * The handshake in the course of time, until the channel is secured: what is sent, when it is sent
 * again, and when the chat is given up. `handshake.js` makes the messages.
 */

import { Handshake } from './handshake.js';
import { HandshakeTimeout } from './handshake-timeout.js';

/** @typedef {import('./bytes.js').Bytes} Bytes */

export class Opening {
  #side;
  #path;
  /** @type {(frame: Bytes, awaits: boolean) => void} */ #send;
  /** @type {Handshake | null} */ #handshake;
  /** Runs from the start. @type {HandshakeTimeout | null} */ #time = null;

  /**
   * @param {ConstructorParameters<typeof Handshake>[0]} secrets
   * @param {import('./path.js').Path} path
   * @param {(frame: Bytes, awaits: boolean) => void} send
   */
  constructor(secrets, path, send) {
    this.#side = secrets.side;
    this.#path = path;
    this.#send = send;
    this.#handshake = new Handshake(secrets);
  }

  /** Both sides are online from now on. @param {number} now */
  begin(now) {
    this.#time = new HandshakeTimeout(now);
  }

  /** Side `a` makes message 1 and sends it. @param {number} now */
  async sendFirst(now) {
    await this.#handshake?.start();
    if (this.#side === 'a') this.#time?.begin(now);
    this.repeat(now);
  }

  /**
   * Takes a handshake message of the other side; `undefined` after the end.
   * @param {import('./packet.js').Step} step
   * @param {Bytes} body
   */
  async receive(step, body) {
    return this.#handshake?.receive(step, body);
  }

  /** Sends what the peer's message asks for, and waits for the answer to that. @param {number} now @param {Bytes} frame */
  reply(now, frame) {
    this.#sendIfOpen(now, frame);
    this.#time?.begin(now);
  }

  /** Answers a copy of the peer's message, if that was not done a moment ago. @param {number} now @param {Bytes} frame */
  replyToCopy(now, frame) {
    if (this.#time?.mayAnswer(now)) this.#sendIfOpen(now, frame);
  }

  /** Side `b` takes what opens the commitment; `undefined` after the end. @param {Bytes} nonce */
  async open(nonce) {
    return this.#handshake?.open(nonce);
  }

  /** Sends the last message (again), if this side waits for the answer to one. @param {number} now */
  repeat(now) {
    const waiting = this.#handshake?.waiting;
    if (waiting) this.#sendIfOpen(now, waiting);
  }

  /** The way to the peer is closed. @param {number} now */
  pause(now) {
    this.#time?.pause(now);
  }

  /** The way to the peer is open again. @param {number} now */
  resume(now) {
    this.#time?.resume(now);
    this.repeat(now);
  }

  /** Sends again what is due. Returns whether the chat is to be given up instead. @param {number} now */
  timeOut(now) {
    if (this.#time?.isExhausted(now)) return true;
    if (this.#time?.resendIsDue(now)) this.repeat(now);
    return false;
  }

  /** When to call `timeOut` next; `null`: not before something else happens. */
  get next() {
    return this.#time?.next ?? null;
  }

  /** The hash of the finished handshake, which both sides have alike. */
  get transcript() {
    return this.#handshake?.transcript ?? null;
  }

  /** Erases what is secret; nothing is sent any more. */
  erase() {
    this.#handshake?.erase();
    this.#handshake = this.#time = null;
  }

  /**
   * Sends a message, unless the server would drop it. It is then repeated when the path is open.
   * @param {number} now
   * @param {Bytes} frame
   */
  #sendIfOpen(now, frame) {
    if (!this.#path.isOpen || this.#handshake === null) return;
    this.#time?.sent(now);
    this.#send(frame, true);
  }
}
