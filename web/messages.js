/**
 * What messages inside packets say: their kinds, and the form of their bodies (`docs/protocol.md`,
 * section 6).
 */

import { concat, utf8 } from './bytes.js';
import { MAX_REACTION, MAX_TEXT, MAX_TIMER } from './limits.js';
import { BYE, CREDENTIAL, HANDOVER, OPENING, TEXT, TYPING, readNumber, view } from './packet.js';

/** @typedef {import('./bytes.js').Bytes} Bytes */
/** @typedef {import('./packet.js').Message} Message */

/** A text that answers another message, and is a text in every other respect. */
export const REPLY = 7;
export const REACTION = 8;
export const EDIT = 9;
export const DELETE = 10;
export const TIMER = 11;
/** Kinds from this one on are none of this version: whoever sends one has a newer program. */
const UNKNOWN = 12;

/** `whose` and number of a target, bytes. */
const TARGET = 9;
const NUMBER = 8;
/** Seconds of a timer, bytes. */
const SECONDS = 4;
/** Longest pass, and the signature of a credential, bytes. */
const MAX_PASS = 2048;
const SIGNATURE = 64;
/** The secret of an invite, and a hash, bytes. */
const INVITE = 16;
const HASH = 32;

/**
 * An earlier message: `own` if the side that names it has sent it, and its number.
 * @typedef {{own: boolean, number: number}} Target
 */
/**
 * What is sent besides typing notices and goodbyes. A reaction that is empty takes the last one
 * back, and a timer of no seconds ends it.
 * @typedef {{kind: 'text', text: string} | {kind: 'reply', target: Target, text: string}
 *   | {kind: 'reaction', target: Target, text: string} | {kind: 'edit', number: number, text: string}
 *   | {kind: 'delete', number: number} | {kind: 'timer', seconds: number, heard: number}
 *   | ({kind: 'handover'} & Handover)} Said
 */
/**
 * The secret of the invite by which a colleague goes on, and SHA-256 of the public key that must be there.
 * @typedef {{invite: Bytes, colleague: Bytes}} Handover
 */
/**
 * What was received. `later`: nothing that this version tells anybody.
 * @typedef {{kind: 'message', number: number, text: string}
 *   | {kind: 'reply', number: number, target: Target, text: string}
 *   | {kind: 'reaction', number: number, target: Target, text: string}
 *   | {kind: 'edit', number: number, edits: number, text: string}
 *   | {kind: 'delete', number: number, deletes: number}
 *   | {kind: 'timer', number: number, seconds: number, heard: number}
 *   | {kind: 'credential', body: Bytes} | ({kind: 'handover'} & Handover)
 *   | {kind: 'unknown', number: number}
 *   | {kind: 'peer-typing', active: boolean} | {kind: 'peer-bye'} | {kind: 'later'}} Heard
 */

/** Whether a kind is shown as a text, and so tells its sender that it was delivered. @param {number} kind */
export function isText(kind) {
  return kind === TEXT || kind === REPLY;
}

/**
 * The kind and the body of a message, or why it cannot be sent.
 * @param {Said} said
 * @returns {{kind: number, body: Bytes} | {refused: 'empty' | 'too-long'}}
 */
export function written(said) {
  switch (said.kind) {
    case 'text':
      return bounded(TEXT, new Uint8Array(0), said.text, 1, MAX_TEXT);
    case 'reply':
      return bounded(REPLY, targetBytes(said.target), said.text, 1, MAX_TEXT);
    case 'reaction':
      return bounded(REACTION, targetBytes(said.target), said.text, 0, MAX_REACTION);
    case 'edit':
      return bounded(EDIT, bigEndian(said.number), said.text, 1, MAX_TEXT);
    case 'delete':
      return { kind: DELETE, body: bigEndian(said.number) };
    case 'timer': {
      const seconds = new Uint8Array(SECONDS);
      view(seconds).setUint32(0, said.seconds);
      return { kind: TIMER, body: concat(seconds, bigEndian(said.heard)) };
    }
    case 'handover':
      return { kind: HANDOVER, body: concat(said.invite, said.colleague) };
  }
}

/**
 * @param {number} kind
 * @param {Bytes} head What stands before the text.
 * @param {string} text
 * @param {number} min
 * @param {number} max Bounds of the text, UTF-8 bytes.
 * @returns {{kind: number, body: Bytes} | {refused: 'empty' | 'too-long'}}
 */
function bounded(kind, head, text, min, max) {
  const bytes = utf8(text);
  if (bytes.length < min) return { refused: 'empty' };
  if (bytes.length > max) return { refused: 'too-long' };
  return { kind, body: concat(head, bytes) };
}

/** @param {Target} target */
function targetBytes({ own, number }) {
  return concat(Uint8Array.of(own ? 0 : 1), bigEndian(number));
}

/** @param {number} number */
function bigEndian(number) {
  const bytes = new Uint8Array(NUMBER);
  view(bytes).setBigUint64(0, BigInt(number));
  return bytes;
}

/**
 * What a message says; `null` if its body breaks the form of its kind.
 * @param {Message} message
 * @returns {Heard | null}
 */
export function readMessage({ number, kind, body }) {
  switch (kind) {
    case TEXT: {
      const text = readText(body, 0, 1, MAX_TEXT);
      return text === null ? null : { kind: 'message', number, text };
    }
    case TYPING:
      return body.length === 1 && body[0] <= 1 ? { kind: 'peer-typing', active: body[0] === 1 } : null;
    case BYE:
      return body.length === 0 ? { kind: 'peer-bye' } : null;
    // Where it belongs, it was taken before.
    case OPENING:
      return null;
    case CREDENTIAL: {
      const pass = body.length < 2 ? MAX_PASS + 1 : view(body).getUint16(0);
      const isWhole = body.length === 2 + pass + SIGNATURE && readText(body.subarray(0, 2 + pass), 2, 0, MAX_PASS) !== null;
      return isWhole ? { kind: 'credential', body } : null;
    }
    case HANDOVER:
      return body.length === INVITE + HASH ? { kind: 'handover', invite: body.slice(0, INVITE), colleague: body.slice(INVITE) } : null;
    case REPLY:
    case REACTION: {
      const target = readTarget(number, body);
      const text = kind === REPLY ? readText(body, TARGET, 1, MAX_TEXT) : readText(body, TARGET, 0, MAX_REACTION);
      return target === null || text === null ? null : { kind: kind === REPLY ? 'reply' : 'reaction', number, target, text };
    }
    case EDIT: {
      const edits = readOwn(number, body, 0);
      const text = readText(body, NUMBER, 1, MAX_TEXT);
      return edits === null || text === null ? null : { kind: 'edit', number, edits, text };
    }
    case DELETE: {
      const deletes = body.length === NUMBER ? readOwn(number, body, 0) : null;
      return deletes === null ? null : { kind: 'delete', number, deletes };
    }
    case TIMER: {
      if (body.length !== SECONDS + NUMBER) return null;
      const seconds = view(body).getUint32(0);
      return 1000 * seconds > MAX_TIMER ? null : { kind: 'timer', number, seconds, heard: readNumber(body, SECONDS) };
    }
    default:
      return kind >= UNKNOWN ? { kind: 'unknown', number } : { kind: 'later' };
  }
}

/**
 * Which message another one is about. A number of the other side may name anything: what it does not
 * name is passed over.
 * @param {number} number Of the message that names it.
 * @param {Bytes} body
 * @returns {Target | null}
 */
function readTarget(number, body) {
  if (body.length < TARGET || body[0] > 1) return null;
  if (body[0] === 0) {
    const own = readOwn(number, body, 1);
    return own === null ? null : { own: true, number: own };
  }
  const other = readNumber(body, 1);
  return other === 0 ? null : { own: false, number: other };
}

/**
 * An earlier number of the same side: nobody can name what was not sent yet.
 * @param {number} number
 * @param {Bytes} body
 * @param {number} at
 */
function readOwn(number, body, at) {
  if (body.length < at + NUMBER) return null;
  const named = readNumber(body, at);
  return named === 0 || named >= number ? null : named;
}

/**
 * The text that a body ends with; `null` if it is not one, or out of its bounds.
 * @param {Bytes} body
 * @param {number} at
 * @param {number} min
 * @param {number} max
 */
function readText(body, at, min, max) {
  const bytes = body.subarray(at);
  if (body.length < at || bytes.length < min || bytes.length > max) return null;
  try {
    // A byte order mark is part of the text.
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return null;
  }
}
