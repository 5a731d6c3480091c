/**
 * The end-to-end channel: one side of one chat as a state machine, without socket and clock
 * (`docs/protocol.md`). Every input says when it happened; frames to send and events go to
 * `onFrame` and `onEvent`. Only WebCrypto makes it asynchronous: inputs are worked off one after
 * the other, and each returns a promise for the moment when it has been.
 */

import { ChannelFault } from './channel-end.js';
import { Exchange } from './exchange.js';
import { Helping } from './helping.js';
import { BYE_LINGER } from './limits.js';
import { isText, readMessage, written } from './messages.js';
import { Opening } from './opening.js';
import { BYE, CREDENTIAL, HANDOVER, OPENING, parseContent, parseFrame } from './packet.js';
import { Path } from './path.js';
import { Turns } from './turns.js';

/** @typedef {import('./bytes.js').Bytes} Bytes */
/** @typedef {import('./channel-end.js').ChannelEnd} ChannelEnd */
/** @typedef {import('./packet.js').Message} Message */
/** @typedef {'not-secured' | 'empty' | 'too-long' | 'full' | 'no-helper' | 'over'} Refusal */

export class Channel {
  /**
   * Takes a frame to send, and whether the peer answers or acknowledges it.
   * @type {(frame: Bytes, awaits: boolean) => void}
   */
  onFrame = () => {};
  /** @type {(event: import('./channel-end.js').ChannelEvent) => void} */
  onEvent = () => {};
  /** How many binary messages were dropped, by reason. None of them changed anything. */
  dropped = { malformed: 0, unexpected: 0, early: 0, epoch: 0, replayed: 0, forged: 0, crowded: 0 };

  #side;
  /** @type {'handshaking' | 'secured' | 'leaving' | 'ended'} */ #phase = 'handshaking';
  /** Why and when a leaving channel ends. @type {{reason: ChannelEnd, until: number}} */
  #leaving = { reason: 'bye', until: 0 };
  #path = new Path();
  #opening;
  #exchange;
  #helping;
  /** To be told once the channel is open. @type {import('./safety.js').SafetyCode | null} */ #safety = null;
  /** Whether the peer has said goodbye, which is its last message. */ #peerLeft = false;
  #turns = new Turns((fault) => this.#fail(fault));

  /**
   * @param {{side: 'a' | 'b', room: Bytes, psk: Bytes | null, ephemeral:
   *   import('./noise.js').Ephemeral, kem: import('./kem.js').Kem, nonce: Bytes,
   *   random: () => number, part?: import('./helping.js').Part}} place
   *   `ephemeral` and `nonce` (32 random bytes) are for this room only, and `psk` is erased;
   *   `random` gives the jitter of acknowledgements.
   */
  constructor({ side, random, part = null, ...secrets }) {
    this.#side = side;
    this.#helping = new Helping(part);
    /** @type {(frame: Bytes, awaits: boolean) => void} */
    const send = (frame, awaits) => this.onFrame(frame, awaits);
    this.#opening = new Opening({ side, ...secrets }, this.#path, send);
    this.#exchange = new Exchange(side, this.#path, random, send);
  }

  /**
   * Starts with both sides online, as after the server's `paired`. Side `a` sends at once.
   * @param {number} now
   */
  start(now) {
    this.#opening.begin(now);
    return this.#inTurn(now, () => this.#opening.sendFirst(now));
  }

  /**
   * Handles a binary message, which may contain anything. When too much waits already it is dropped,
   * as if it had been lost: the peer sends it again.
   * @param {number} now
   * @param {Bytes} bytes
   */
  handleFrame(now, bytes) {
    if (!this.#turns.hasRoom) {
      this.dropped.crowded += 1;
      return this.#turns.done;
    }
    return this.#inTurn(now, async () => {
      const frame = parseFrame(bytes);
      if (frame === null) this.dropped.malformed += 1;
      else if ('step' in frame) await this.#handleHandshake(now, frame.step, frame.body);
      else await this.#handlePacket(now, frame);
    }, bytes.length);
  }

  /**
   * The way to the peer opens or closes; nothing is sent while it is closed.
   * @param {number} now
   * @param {import('./path.js').PathChange} change
   */
  pathChanged(now, change) {
    return this.#inTurn(now, () => {
      const done = this.#path.take(change);
      if (done === 'opened') this.#reopened(now);
      if (done === 'closed') {
        this.#opening.pause(now);
        this.#helping.pause(now);
      }
    });
  }

  /** Sends a text: `send` without more. @param {number} now @param {string} text */
  sendText(now, text) {
    return this.send(now, { kind: 'text', text });
  }

  /**
   * Sends a message; of a text or a reply, `delivered` or `not-delivered` will tell. Taken or refused
   * at once, so that nothing is sent twice while something earlier is being encrypted.
   * @param {number} now
   * @param {import('./messages.js').Said} said
   * @returns {{number: number, done: Promise<void>} | {refused: Refusal}}
   */
  send(now, said) {
    if (this.#phase === 'handshaking') return { refused: 'not-secured' };
    if (this.#phase !== 'secured') return { refused: 'over' };
    if (this.#helping.isShut) return { refused: 'not-secured' };
    if (said.kind === 'handover' && !this.#helping.isHelper) return { refused: 'no-helper' };
    const message = written(said);
    if ('refused' in message) return message;
    const number = this.#push(message.kind, message.body);
    if (number === null) return { refused: this.isOver ? 'over' : 'full' };
    if (isText(message.kind)) this.#exchange.textSent();
    return { number, done: this.#inTurn(now, () => {}) };
  }

  /**
   * What the owner makes of a credential that was told.
   * @param {number} now
   * @param {import('./helping.js').Verdict} verdict
   */
  judge(now, verdict) {
    return this.#inTurn(now, async () => {
      if (this.#phase !== 'secured' || this.#helping.isAwaited || !this.#helping.take(verdict)) return;
      this.#tellSecured();
      await this.#deliverAll(now);
      // What had to wait is acknowledged now.
      this.#exchange.acknowledgeBy(now);
      this.#sendTyping(now);
    });
  }

  /** The highest number of the peer's messages that was received in order: what a timer tells. */
  get heard() {
    return this.#exchange.heard;
  }

  /**
   * Somebody writes here, or has stopped. Queued at once, as a text is: a text that is sent after it
   * says that its writer has stopped.
   * @param {number} now
   * @param {boolean} active
   */
  setTyping(now, active) {
    if (this.#phase === 'secured') {
      this.#exchange.setTyping(active);
      this.#sendTyping(now);
    }
    return this.#inTurn(now, () => {});
  }

  /**
   * Says goodbye after all that was sent before. The channel ends when the peer has acknowledged
   * it, or after 6 s.
   * @param {number} now
   */
  bye(now) {
    return this.#inTurn(now, () => {
      if (this.#phase === 'handshaking') return this.#end('bye');
      if (this.#phase !== 'secured') return;
      this.#phase = 'leaving';
      this.#leaving = { reason: 'bye', until: now + BYE_LINGER };
      this.#push(BYE, new Uint8Array(0));
    });
  }

  /** Ends the channel at once, without a goodbye: the room is over, or the owner abandons it. */
  close() {
    this.#end('closed');
    return this.#turns.done;
  }

  /** Call it at `nextTimeout`; early or late calls do no harm. @param {number} now */
  handleTimeout(now) {
    return this.#inTurn(now, () => {
      if (this.#phase === 'handshaking') {
        return this.#opening.timeOut(now) ? this.#end('no-channel') : undefined;
      }
      if (this.#phase === 'leaving' && now >= this.#leaving.until) return this.#end(this.#leaving.reason);
      const { deadline } = this.#helping;
      if (this.#phase === 'secured' && deadline !== null && now >= deadline) return this.#end('no-proof');
      if (!this.#path.isOpen) return;
      this.#exchange.timeOut(now);
      this.#sendTyping(now);
    });
  }

  /** When to call `handleTimeout` next, as of the last input; `null`: never. */
  get nextTimeout() {
    if (this.#phase === 'ended') return null;
    if (this.#phase === 'handshaking') return this.#opening.next;
    const times = this.#phase === 'leaving' ? [this.#leaving.until] : [];
    if (this.#path.isOpen) {
      const typing = this.#maySendTyping ? this.#exchange.typingAt : null;
      const proof = this.#phase === 'secured' ? this.#helping.deadline : null;
      for (const time of [typing, proof, ...this.#exchange.times]) if (time !== null) times.push(time);
    }
    return times.length > 0 ? Math.min(...times) : null;
  }

  get isOver() {
    return this.#phase === 'ended';
  }

  /**
   * Handles an input after all earlier ones, then sends what is due.
   * @param {number} now
   * @param {() => unknown} input It may be asynchronous.
   * @param {number} [bytes] What it keeps in memory until then.
   */
  #inTurn(now, input, bytes) {
    return this.#turns.take(async () => {
      if (this.isOver) return;
      await input();
      await this.#flush(now);
    }, bytes);
  }

  /** @param {unknown} fault */
  #fail(fault) {
    this.#end(fault instanceof ChannelFault ? fault.reason : 'closed');
    if (!(fault instanceof ChannelFault)) (globalThis.reportError ?? console.error)(fault);
  }

  /** @param {number} now @param {import('./packet.js').Step} step @param {Bytes} body */
  async #handleHandshake(now, step, body) {
    const progress = await this.#opening.receive(step, body).catch((fault) => this.#handshakeFault(fault));
    if (progress === undefined || this.isOver) return;
    switch (progress.kind) {
      case 'unexpected':
        return void (this.dropped.unexpected += 1);
      case 'reply':
        return this.#opening.replyToCopy(now, progress.send);
      case 'keys':
        await this.#exchange.takeKeys(progress.keys);
        return this.#opening.reply(now, progress.send);
      case 'secure':
        await this.#exchange.takeKeys(progress.keys);
        // Before anybody can write: it is the first message of `a`.
        this.#push(OPENING, progress.opening);
        return this.#secured(now, progress.safety);
      case 'open-again':
        return this.#exchange.repeatOpening(now);
    }
  }

  /**
   * A fault ends the chat until it is secured. Later anybody in between may have made the message, and
   * only who has the keys ends the chat.
   * @param {unknown} fault
   * @returns {import('./handshake.js').Progress}
   */
  #handshakeFault(fault) {
    if (this.#phase === 'handshaking' || !(fault instanceof ChannelFault)) throw fault;
    return { kind: 'unexpected' };
  }

  /** @param {number} now @param {import('./safety.js').SafetyCode} safety */
  async #secured(now, safety) {
    const { transcript } = this.#opening;
    const credential = transcript && await this.#helping.credential(transcript, this.#side);
    if (this.isOver) return;
    // Before anybody can write: it is the first thing that a helper says.
    if (credential !== null) this.#push(CREDENTIAL, credential);
    this.#phase = 'secured';
    this.#safety = safety;
    if (this.#path.isOpen) this.#helping.resume(now);
    if (!this.#helping.isShut) this.#tellSecured();
  }

  #tellSecured() {
    if (this.#safety !== null) this.onEvent({ kind: 'secured', safety: this.#safety });
    this.#safety = null;
  }

  /**
   * Checks that a packet is fresh, authentic and well-formed, in this order. Only then does it
   * change anything.
   * @param {number} now
   * @param {import('./packet.js').Packet} packet
   */
  async #handlePacket(now, packet) {
    const content = await this.#exchange.open(packet);
    if (this.isOver) return;
    if (typeof content === 'string') return void (this.dropped[content] += 1);
    await this.#handleContent(now, content);
  }

  /** @param {number} now @param {Bytes} content */
  async #handleContent(now, content) {
    const parsed = parseContent(content);
    if (parsed === null) throw new ChannelFault('malformed');
    // Messages before the acknowledgement: if it is for our goodbye, the messages still count.
    this.#exchange.receive(now, parsed.messages);
    await this.#deliverAll(now);
    if (!this.isOver) await this.#handleAcknowledgement(now, parsed.acknowledged);
  }

  /**
   * Delivers what has arrived in order. While a proof is required, that is the proof alone, or a
   * goodbye: the rest waits for it, and is not acknowledged.
   * @param {number} now
   */
  async #deliverAll(now) {
    while (!this.isOver && this.#mayDeliver(this.#exchange.nextKind)) {
      const message = /** @type {Message} */ (this.#exchange.next());
      if (this.#phase === 'handshaking') await this.#deliverOpening(now, message);
      else this.#deliver(now, message);
    }
  }

  /** @param {number | undefined} kind */
  #mayDeliver(kind) {
    if (kind === undefined) return false;
    if (this.#phase === 'handshaking' || !this.#helping.isShut) return true;
    return kind === BYE || (kind === CREDENTIAL && this.#helping.isAwaited);
  }

  /** The first message that `b` delivers. Only the right opening secures the channel. @param {number} now @param {Message} message */
  async #deliverOpening(now, { kind, body }) {
    const safety = kind === OPENING ? await this.#opening.open(body) : undefined;
    if (this.isOver) return;
    if (safety === undefined) throw new ChannelFault('commitment-broken');
    await this.#secured(now, safety);
  }

  /** @param {number} now @param {Message} message */
  #deliver(now, message) {
    // Whoever is not believed to be a helper hands over nobody, as if the kind were not known.
    if (message.kind === HANDOVER && !this.#peerLeft && !this.#helping.isBelieved) return;
    const said = this.#peerLeft ? null : readMessage(message);
    if (said === null) throw new ChannelFault('malformed');
    if (said.kind === 'peer-bye') this.#receiveBye(now);
    else if (said.kind === 'credential') this.#show(said.body);
    else if (said.kind !== 'later') this.onEvent(said);
  }

  /** @param {Bytes} body */
  #show(body) {
    const { transcript } = this.#opening;
    this.#helping.show();
    if (transcript !== null) this.onEvent({ kind: 'credential', body, transcript, side: this.#side === 'a' ? 'b' : 'a' });
  }

  /**
   * Acknowledges at once, and stays a while in case the acknowledgement is lost.
   * @param {number} now
   */
  #receiveBye(now) {
    this.#peerLeft = true;
    this.#exchange.acknowledgeBy(now);
    if (this.#phase === 'secured') {
      this.#phase = 'leaving';
      this.#leaving = { reason: 'peer-bye', until: now + BYE_LINGER };
    }
    this.onEvent({ kind: 'peer-bye' });
  }

  /** @param {number} now @param {number} acknowledged */
  async #handleAcknowledgement(now, acknowledged) {
    for (const number of this.#exchange.acknowledge(now, acknowledged)) this.onEvent({ kind: 'delivered', number });
    if (this.#phase === 'secured' && this.#exchange.opensAgain()) this.onEvent({ kind: 'window-open' });
    this.#sendTyping(now);
    if (this.#phase !== 'leaving' || this.#leaving.reason !== 'bye' || !this.#exchange.isAllReceived) return;
    // Acknowledge the peer's messages before the keys are gone.
    this.#exchange.acknowledgeEarly(now);
    await this.#flush(now);
    if (this.isOver) return;
    this.onEvent({ kind: 'all-received' });
    this.#end('bye');
  }

  /** Sends what is due. @param {number} now */
  async #flush(now) {
    if (this.#phase === 'secured' || this.#phase === 'leaving') await this.#exchange.flush(now);
  }

  /** Queues a message; `null` if it does not fit, or no number is left. @param {number} kind @param {Bytes} body */
  #push(kind, body) {
    try {
      return this.#exchange.push(kind, body);
    } catch {
      this.#end('exhausted');
      return null;
    }
  }

  get #maySendTyping() {
    return this.#phase === 'secured' && !this.#helping.isShut;
  }

  /** Queues a notice of typing if one is due. @param {number} now */
  #sendTyping(now) {
    if (!this.#maySendTyping) return;
    try {
      this.#exchange.pushTyping(now);
    } catch {
      this.#end('exhausted');
    }
  }

  /** @param {number} now */
  #reopened(now) {
    if (this.#phase === 'handshaking') return this.#opening.resume(now);
    this.#helping.resume(now);
    this.#exchange.restart();
    this.#sendTyping(now);
  }

  /** Reports what was not delivered, and drops every key and message. @param {ChannelEnd} reason */
  #end(reason) {
    if (this.isOver) return;
    this.#phase = 'ended';
    const lost = this.#exchange.unacknowledgedTexts;
    this.#opening.erase();
    this.#exchange.erase();
    for (const number of lost) this.onEvent({ kind: 'not-delivered', number });
    this.onEvent({ kind: 'ended', reason });
  }
}
