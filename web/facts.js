/**
 * Facts of the protocol. Derived from the crate `schemas`: to change one, change it there and run
 * `UPDATE=1 cargo test -p schemas`.
 */

/** @typedef {'find' | 'cancel' | 'resume' | 'leave' | 'next' | 'report' | 'ping'} ClientType */
/** @typedef {'ready' | 'waiting' | 'paired' | 'resumed' | 'peer' | 'ended' | 'token' | 'drain' | 'service' | 'pong' | 'error'} ServerType */
/** @typedef {'abuse' | 'spam' | 'minor' | 'other'} Category */
/** @typedef {'online' | 'away'} PeerState */
/** @typedef {'left' | 'expired' | 'reported' | 'shutdown'} EndReason */
/** @typedef {'none' | 'few' | 'many'} Partners */
/** @typedef {'bad-message' | 'unknown-type' | 'bad-topic' | 'bad-language' | 'bad-invite' | 'topic-not-offered' | 'matching-not-offered' | 'pass-required' | 'invite-spent' | 'other-version' | 'bad-ticket' | 'in-room' | 'no-room' | 'unavailable' | 'rate'} ErrorCode */
/** @typedef {'now' | 'back-off' | 'never'} Reconnect */
/** @typedef {'repeat' | 'give-up' | 'room'} Remedy */

/** Every type of message that a server may send. @type {readonly ServerType[]} */
export const SERVER_TYPES = ['ready', 'waiting', 'paired', 'resumed', 'peer', 'ended', 'token', 'drain', 'service', 'pong', 'error'];

/** Why a chat may be reported. @type {readonly Category[]} */
export const CATEGORIES = ['abuse', 'spam', 'minor', 'other'];

/** Why a room may end. @type {readonly EndReason[]} */
export const END_REASONS = ['left', 'expired', 'reported', 'shutdown'];

/** How many there are whom somebody who waits may meet. @type {readonly Partners[]} */
export const PARTNERS = ['none', 'few', 'many'];

/** What a client does after each close code. @type {ReadonlyMap<number, Reconnect>} */
export const CLOSE_CODES = new Map([
  [1000, 'never'],
  [1002, 'never'],
  [1007, 'never'],
  [1012, 'now'],
  [4000, 'back-off'],
  [4001, 'back-off'],
  [4002, 'back-off'],
  [4101, 'never'],
  [4102, 'never'],
  [4103, 'never'],
  [4104, 'never'],
]);

/** Nor does a client come back after other codes in this range. */
export const NEVER = { first: 4100, last: 4199 };

/** What a client does about each refusal of a message. @type {ReadonlyMap<string, Remedy>} */
export const ERROR_CODES = new Map([
  ['bad-message', 'give-up'],
  ['unknown-type', 'give-up'],
  ['bad-topic', 'give-up'],
  ['bad-language', 'give-up'],
  ['bad-invite', 'give-up'],
  ['topic-not-offered', 'give-up'],
  ['matching-not-offered', 'give-up'],
  ['pass-required', 'give-up'],
  ['invite-spent', 'give-up'],
  ['other-version', 'give-up'],
  ['bad-ticket', 'room'],
  ['in-room', 'room'],
  ['no-room', 'room'],
  ['unavailable', 'repeat'],
  ['rate', 'repeat'],
]);

/** The WebSocket subprotocol. */
export const SUBPROTOCOL = 'cipher-chat.v1';
/** Longest topic, characters. */
export const TOPIC_CHARS = 64;

/** First window between two connections: half of all clients are back within 125 ms, and none takes more than 250 ms. */
export const FIRST_WINDOW_MS = 250;
/** First window after a close code that asks for a back-off, and before a refused message is sent again. */
export const FIRST_REFUSED_WINDOW_MS = 1000;
/** Longest window. */
export const LONGEST_WINDOW_MS = 10_000;
/** A connection that was open for this long was a success: the windows begin with the first again. */
export const STABLE_MS = 2000;
/** Longest pause that a `drain`, or the `Retry-After` of anything but 429, can ask for. */
export const LONGEST_ASKED_MS = 60_000;
/** Longest pause that the `Retry-After` of 429 can ask for: the time at which there is room for this client. Who comes earlier is sent to the end of the queue. */
export const LONGEST_PROMISED_MS = 900_000;
/** A client that awaits an answer, and has received nothing for this long, sends `ping`. */
export const ASK_AFTER_MS = 3000;
/** When nothing has arrived for this long after that `ping`, the client opens another connection beside the silent one. */
export const REPLACE_AFTER_MS = 5000;

/** Characters of a stranger's text that are shown as U+FFFD: first and last of each range. @type {readonly (readonly [number, number])[]} */
export const REPLACED = [
  [0x0000, 0x0008],
  [0x000b, 0x001f],
  [0x007f, 0x009f],
  [0x0600, 0x0605],
  [0x061c, 0x061c],
  [0x06dd, 0x06dd],
  [0x070f, 0x070f],
  [0x0890, 0x0891],
  [0x08e2, 0x08e2],
  [0x200e, 0x200f],
  [0x2028, 0x202e],
  [0x2065, 0x206f],
  [0xfff0, 0xfffb],
  [0x110bd, 0x110bd],
  [0x110cd, 0x110cd],
  [0x13430, 0x1343f],
  [0x1bca0, 0x1bca3],
  [0x1d173, 0x1d17a],
  [0xe0000, 0xe00ff],
  [0xe01f0, 0xe0fff],
];
/** How many combining marks one base of a stranger's text may have. */
export const MARKS_PER_BASE = 8;
