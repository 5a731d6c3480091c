/**
 * The form of binary messages. Outside: version, kind, and a length that shows only its size class.
 * Inside: acknowledgement and messages.
 */

import { HANDSHAKE_FRAME, MAX_FRAME, MIN_FRAME, VERSION, WINDOW_MESSAGES } from './limits.js';

/** @typedef {import('./bytes.js').Bytes} Bytes */

/**
 * Noise message 1, Noise message 2; the value is the kind byte.
 * @typedef {1 | 2} Step
 */
/** @typedef {{epoch: number, number: number, header: Bytes, ciphertext: Bytes}} Packet */
/** @typedef {{step: Step, body: Bytes} | Packet} Frame */
/** @typedef {{number: number, kind: number, body: Bytes}} Message */

const PACKET = 3;
const HANDSHAKE_HEADER = 4;
const PACKET_HEADER = 14;
const TAG = 16;
const CONTENT_HEADER = 9;
const MESSAGE_HEADER = 11;

/** Kinds of messages inside a packet, as far as the channel itself knows them; the others are in messages.js. */
export const TEXT = 1;
export const TYPING = 2;
export const BYE = 3;
/** The first message of `a`: what it had committed to. */
export const OPENING = 4;
/** The first message of a helper: that it is one. */
export const CREDENTIAL = 5;
/** A helper offers that a colleague goes on. */
export const HANDOVER = 6;

/**
 * The smallest size class that holds `length` bytes; `null` beyond the largest.
 * @param {number} length
 */
export function paddedLength(length) {
  let size = MIN_FRAME;
  while (size < length) size *= 2;
  return size <= MAX_FRAME ? size : null;
}

/**
 * What a message costs of the window: the size of the packet that it would fill alone.
 * @param {number} bodyLength
 */
export function cost(bodyLength) {
  return paddedLength(PACKET_HEADER + CONTENT_HEADER + MESSAGE_HEADER + bodyLength + TAG) ?? MAX_FRAME;
}

/**
 * Takes a binary message apart; `null` for whatever no honest peer sends.
 * @param {Bytes} message
 * @returns {Frame | null}
 */
export function parseFrame(message) {
  if (paddedLength(message.length) !== message.length || message[0] !== VERSION) return null;
  const kind = message[1];
  if (kind === PACKET) {
    const [header, ciphertext] = [message.slice(0, PACKET_HEADER), message.slice(PACKET_HEADER)];
    return { epoch: view(message).getUint32(2), number: readNumber(message, 6), header, ciphertext };
  }
  if ((kind !== 1 && kind !== 2) || message.length !== HANDSHAKE_FRAME) return null;
  const end = HANDSHAKE_HEADER + readLength(message, 2);
  if (end > message.length || !zeros(message.subarray(end))) return null;
  return { step: kind, body: message.slice(HANDSHAKE_HEADER, end) };
}

/**
 * The binary message of a handshake step.
 * @param {Step} step
 * @param {Bytes} body
 */
export function handshakeFrame(step, body) {
  const message = new Uint8Array(HANDSHAKE_FRAME);
  message.set([VERSION, step]);
  view(message).setUint16(2, body.length);
  message.set(body, HANDSHAKE_HEADER);
  return message;
}

/**
 * What a packet begins with; its ciphertext is bound to it.
 * @param {number} epoch
 * @param {number} number
 */
export function packetHeader(epoch, number) {
  const header = new Uint8Array(PACKET_HEADER);
  header.set([VERSION, PACKET]);
  view(header).setUint32(2, epoch);
  view(header).setBigUint64(6, BigInt(number));
  return header;
}

/** Gathers the content of one packet. */
export class ContentWriter {
  #acknowledged;
  /** @type {Message[]} */ #messages = [];
  #length = CONTENT_HEADER;

  /** @param {number} acknowledged The highest number received in order. */
  constructor(acknowledged) {
    this.#acknowledged = acknowledged;
  }

  /** Adds a message if the largest packet has room for it. @param {Message} message */
  push(message) {
    const length = this.#length + MESSAGE_HEADER + message.body.length;
    if (this.#messages.length === WINDOW_MESSAGES || PACKET_HEADER + length + TAG > MAX_FRAME) return false;
    this.#messages.push(message);
    this.#length = length;
    return true;
  }

  /** The content, padded so that its packet has one of the sizes. @returns {Bytes} */
  finish() {
    const size = paddedLength(PACKET_HEADER + this.#length + TAG) ?? MAX_FRAME;
    const content = new Uint8Array(size - PACKET_HEADER - TAG);
    const at = view(content);
    at.setBigUint64(0, BigInt(this.#acknowledged));
    content[8] = this.#messages.length;
    let end = CONTENT_HEADER;
    for (const { number, kind, body } of this.#messages) {
      at.setBigUint64(end, BigInt(number));
      content[end + 8] = kind;
      at.setUint16(end + 9, body.length);
      content.set(body, end + MESSAGE_HEADER);
      end += MESSAGE_HEADER + body.length;
    }
    return content;
  }
}

/**
 * Takes an authenticated content apart; `null` if it breaks the form.
 * @param {Bytes} content
 * @returns {{acknowledged: number, messages: Message[]} | null}
 */
export function parseContent(content) {
  if (content.length < CONTENT_HEADER || content[8] > WINDOW_MESSAGES) return null;
  /** @type {Message[]} */
  const messages = [];
  let at = CONTENT_HEADER;
  for (let count = content[8]; count > 0; count--) {
    const start = at + MESSAGE_HEADER;
    if (start > content.length) return null;
    const end = start + readLength(content, at + 9);
    if (end > content.length) return null;
    messages.push({ number: readNumber(content, at), kind: content[at + 8], body: content.slice(start, end) });
    at = end;
  }
  return zeros(content.subarray(at)) ? { acknowledged: readNumber(content, 0), messages } : null;
}

/** @param {Uint8Array} bytes */
export function view(bytes) {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/**
 * Exact below 2^53. A larger number stays above that, and every reader refuses it.
 * @param {Uint8Array} bytes
 * @param {number} at
 */
export function readNumber(bytes, at) {
  return Number(view(bytes).getBigUint64(at));
}

/** @param {Uint8Array} bytes @param {number} at */
function readLength(bytes, at) {
  return view(bytes).getUint16(at);
}

/** @param {Uint8Array} bytes */
function zeros(bytes) {
  return bytes.every((byte) => byte === 0);
}
