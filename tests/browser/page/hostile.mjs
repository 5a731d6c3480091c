/**
 * Somebody who speaks the protocol well enough to break it: over a socket of its own, with the
 * page's handshake and packets, and no more manners than the test gives it.
 */

import { once } from 'node:events';

import WebSocket from 'ws';

import { fromBase64url, utf8 } from '../../../web/bytes.js';
import { Handshake } from '../../../web/handshake.js';
import { findKem } from '../../../web/kem.js';
import { newEphemeral } from '../../../web/noise.js';
import { ContentWriter, OPENING, TEXT, parseContent, parseFrame } from '../../../web/packet.js';
import { PacketCipher } from '../../../web/packet-cipher.js';
import { PATIENCE_MS } from './program.mjs';

export class Hostile {
  /** Texts of the page, in the order in which they came. */
  texts = [];
  /** Every frame that the page sent, and every one sent here. */
  heard = [];
  sent = [];
  #socket;
  #frames = [];
  #wake = () => {};
  #handshake;
  #cipher;
  #messages = 0;
  #acknowledged = 0;

  /** Meets whoever looks for the topic. */
  static async meet(url, topic) {
    const { token } = await (await fetch(`${url}v1/sessions`, { method: 'POST' })).json();
    const socket = new WebSocket(`${url.replace('http', 'ws')}v1/ws`, 'cipher-chat.v1', { headers: { authorization: `Bearer ${token}` } });
    const hostile = new Hostile(socket);
    const paired = new Promise((resolve, reject) => {
      setTimeout(() => reject(new Error('nobody is met')), PATIENCE_MS).unref();
      socket.on('error', reject);
      socket.on('message', (data, binary) => {
        if (binary) return hostile.#hear(new Uint8Array(data));
        const message = JSON.parse(data.toString());
        if (message.type === 'paired') resolve(message);
      });
    });
    await once(socket, 'open');
    socket.send(JSON.stringify({ type: 'find', channel: 2, topic }));
    const { side, room } = await paired;
    hostile.side = side;
    hostile.room = fromBase64url(room);
    return hostile;
  }

  constructor(socket) {
    this.#socket = socket;
  }

  /** The next frame of the page. */
  async frame() {
    while (this.#frames.length === 0) await new Promise((resolve) => (this.#wake = resolve));
    return this.#frames.shift();
  }

  /** Goes through the handshake as it should be. */
  async secure() {
    const handshake = await this.begin();
    if (this.side === 'a') this.send(handshake.waiting);
    while (this.#cipher === undefined) {
      const frame = parseFrame(await this.frame());
      if ('step' in frame) await this.proceed(frame);
    }
    return this;
  }

  /** The handshake of this side, of which nothing is said yet. */
  async begin() {
    const ephemeral = await newEphemeral();
    const nonce = crypto.getRandomValues(new Uint8Array(32));
    this.#handshake = new Handshake({ side: this.side, room: this.room, psk: null, ephemeral, kem: await findKem(), nonce });
    await this.#handshake.start();
    return this.#handshake;
  }

  /** Takes a message of the handshake, and answers it; `a` opens what it promised unless that is held back. */
  async proceed({ step, body }, held = false) {
    const progress = await this.#handshake.receive(step, body);
    if ('send' in progress) this.send(progress.send);
    if ('keys' in progress) this.#cipher = await PacketCipher.of(this.side, progress.keys);
    if ('opening' in progress && !held) await this.packet(this.content([this.message(OPENING, progress.opening)]));
  }

  /** The next text of the page; what else comes is read and acknowledged. */
  async text() {
    const count = this.texts.length;
    while (this.texts.length === count) {
      const frame = parseFrame(await this.frame());
      if ('step' in frame) continue;
      const opened = await this.#cipher.open(frame);
      if (typeof opened === 'string') continue;
      const content = parseContent(opened);
      for (const { number, kind, body } of content.messages) {
        if (number !== this.#acknowledged + 1) continue;
        this.#acknowledged = number;
        if (kind === TEXT) this.texts.push(new TextDecoder().decode(body));
      }
      if (content.messages.length > 0) await this.packet(this.content([]));
    }
    return this.texts.at(-1);
  }

  send(bytes) {
    this.sent.push(bytes);
    this.#socket.send(bytes);
  }

  /** A packet that authenticates, whatever it holds; returned, and sent unless it is held back. */
  async packet(content, held = false) {
    const frame = await this.#cipher.seal(content);
    if (!held) this.send(frame);
    return frame;
  }

  /** The content of a packet; `acknowledged` is the truth unless it is given. */
  content(messages, acknowledged = this.#acknowledged) {
    const writer = new ContentWriter(acknowledged);
    for (const message of messages) writer.push(message);
    return writer.finish();
  }

  /** The next message. */
  message(kind, body) {
    this.#messages += 1;
    return { number: this.#messages, kind, body: typeof body === 'string' ? utf8(body) : body };
  }

  /** Says a text as it should be said. */
  say(text, held = false) {
    return this.packet(this.content([this.message(TEXT, text)]), held);
  }

  /** Ends the chat in good manners. */
  leave() {
    this.#socket.send(JSON.stringify({ type: 'leave' }));
  }

  close() {
    this.#socket.terminate();
  }

  #hear(bytes) {
    this.heard.push(bytes);
    this.#frames.push(bytes);
    this.#wake();
  }
}
