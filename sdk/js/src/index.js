/**
 * cipher-chat: anonymous chats for two, encrypted between their ends. The channel, the connection and
 * the proof of work are the modules of the page itself (`page/`); what is here gives them a form for
 * programs.
 */

import { Client } from './client.js';
import { ChatError } from './errors.js';
import { CATEGORIES, TOPIC_CHARS } from './page/facts.js';
import { findKem } from './page/kem.js';
import { MAX_TEXT, VERSION, WINDOW_MESSAGES } from './page/limits.js';
import { canEncrypt } from './page/noise.js';
import { callsTo } from './page/rest.js';
import { serverOf } from './page/server.js';
import { helperFor, keysFrom } from './passes.js';

export { ChatError };

/** @typedef {import('./chat.js').Chat} Chat */
/** @typedef {import('./chat.js').ChatEvents} ChatEvents */
/** @typedef {import('./client.js').Client} ChatClient */
/** @typedef {import('./client.js').ClientEvents} ClientEvents */
/** @typedef {import('./chat.js').Said} Said */
/** @typedef {import('./passes.js').HelperPass} HelperPass */
/** @typedef {import('./client.js').Status} Status */
/** @typedef {import('./client.js').Wanted} Wanted */
/** @typedef {import('./errors.js').ErrorCode} ErrorCode */
/** @typedef {import('./invites.js').Invite} Invite */
/** @typedef {import('./talk.js').End} End */
/** @typedef {import('./talk.js').EndReason} EndReason */
/** @typedef {import('./talk.js').SafetyCode} SafetyCode */
/** @typedef {import('./talk.js').Sent} Sent */

/**
 * The class to open connections with, in the form of browsers; that of the package `ws` has it, too.
 * @typedef {new (url: string, protocols: string[]) => unknown} WebSocketClass
 */

/** What the protocol allows (docs/protocol.md). */
export const LIMITS = Object.freeze({
  /** Longest text, bytes in UTF-8. */ textBytes: MAX_TEXT,
  /** Messages that may wait for their acknowledgement, after which `send` throws `full`. */ unacknowledged: WINDOW_MESSAGES,
  /** Longest topic, characters. */ topicCharacters: TOPIC_CHARS,
  /** Version of the channel; clients meet only their own. */ channelVersion: VERSION,
});

/** Why a chat may be reported. */
export const REPORT_CATEGORIES = Object.freeze([...CATEGORIES]);

/**
 * Makes a client, after asking whether the server answers. It makes a session on the way, with a proof
 * of work if the operator asks for one, so that `find` can begin at once.
 * @param {object} place
 * @param {string | URL} place.url `https://host/`, or `http:` on this device (`localhost`, `127.0.0.1`) or at an
 *   onion service. A path is that of the server behind its proxy.
 * @param {WebSocketClass} [place.WebSocket] Needed where there is no global one (Node.js 20).
 * @param {(event: {share: number}) => void} [place.working] Takes the share of such work that is done.
 * @param {string} [place.pass] The link of a helper, with the pass: then `find` may have the role `offer` where
 *   helpers need passes, and who seeks help is shown it.
 * @param {string | readonly string[]} [place.helperKey] The operator's public keys of passes (base64url). With them, a search
 *   with the role `seek` comes to a chat only with a helper whose pass one of them has signed.
 * @returns {Promise<ChatClient>}
 * @throws {ChatError} `bad-url`, `no-websocket`, `no-encryption`, `bad-pass`, `bad-key`, `pass`, `unreachable`
 */
export async function connect({ url, WebSocket = globalThis.WebSocket, working = () => {}, pass, helperKey }) {
  const server = serverOf(String(url));
  if (server === null) throw new ChatError('bad-url');
  if (typeof WebSocket !== 'function') throw new ChatError('no-websocket');
  const kem = (await canEncrypt()) ? await findKem() : null;
  // Never a chat without it, and nothing weaker instead.
  if (kem === null) throw new ChatError('no-encryption');
  const [helper, pinned] = [await helperFor(pass), keysFrom(helperKey)];
  const client = new Client(server, kem, { helper, pinned }, { call: callsTo((path) => new URL(path, server)), open: (protocols) => opened(WebSocket, server, protocols), host: () => server.host });
  const off = client.on('working', working);
  await client.status();
  off();
  return client;
}

/** @param {WebSocketClass} WebSocket @param {URL} server @param {string[]} protocols */
function opened(WebSocket, server, protocols) {
  const address = new URL('v1/ws', server);
  address.protocol = address.protocol === 'http:' ? 'ws:' : 'wss:';
  const socket = /** @type {globalThis.WebSocket} */ (new WebSocket(address.href, protocols));
  // `close` follows and says all; an error that nobody hears would end a program of `ws`.
  socket.onerror = () => {};
  return socket;
}
