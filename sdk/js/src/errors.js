/** What goes wrong, by a code that a program can tell apart. */

/**
 * Why something cannot be done. The first line are faults of the call or of the place it runs in, the
 * second those of one text, the third those of a search, the fourth what the server said to a search
 * (a newer server may say others), the last the end of the session.
 * @typedef {'bad-url' | 'bad-pass' | 'bad-key' | 'bad-invite' | 'no-websocket' | 'no-encryption' | 'unreachable' | 'in-chat' | 'closed'
 *   | 'empty' | 'too-long' | 'full' | 'no-helper' | 'over' | 'behind'
 *   | 'gone' | 'no-proof' | 'unsafe'
 *   | import('./page/facts.js').ErrorCode
 *   | 'replaced' | 'session-over' | 'forbidden' | 'pass' | 'unproved' | 'fault'} ErrorCode
 */

/** @type {Partial<Record<ErrorCode, string>>} */
const MESSAGES = {
  'bad-url': 'the address of a server is https://host/, or http: on this device or at an onion service',
  'bad-pass': 'this is no link of a helper with its own pass, or no pass or key of a colleague',
  'bad-key': 'a key of passes is 32 bytes in base64url',
  'bad-invite': 'this is no invite of this server',
  'no-websocket': 'there is no WebSocket here: pass one to connect, such as that of the package ws',
  'no-encryption': 'there is no X25519 or ML-KEM-768 here, so nothing could be encrypted',
  unreachable: 'the server does not answer; in a browser, it may not let this site in (--allowed-origin)',
  'in-chat': 'this client looks for somebody already, or is in a chat',
  closed: 'this client was closed',
  empty: 'an empty text is not sent',
  'too-long': 'the text is longer than LIMITS.textBytes',
  full: 'too much waits for its acknowledgement; "ready" tells when there is room',
  'no-helper': 'only a helper with a pass can hand over',
  over: 'the chat is over',
  behind: 'too many texts have waited to be taken; listen to "text" instead, or take them faster',
  gone: 'the other side has left before the chat was secured',
  'no-proof': 'nobody has proved in time to be a helper; nothing was sent',
  unsafe: 'the handshake has failed, or was changed on its way; nothing was sent',
  forbidden: 'the server refuses sessions from here; in a browser, it may not let this site in (--allowed-origin)',
  pass: 'the server does not take the pass of this helper',
  unproved: 'the server did not accept the proof of work',
  replaced: 'another client has taken over this session',
  'session-over': 'the session has ended',
  fault: 'the server has ended the connection because of a fault',
};

export class ChatError extends Error {
  /**
   * @param {ErrorCode} code
   * @param {string} [detail] More for who looks for the cause.
   */
  constructor(code, detail) {
    super((MESSAGES[code] ?? `the server has refused this: ${code}`) + (detail === undefined ? '' : ` (${detail})`));
    this.name = 'ChatError';
    /** What a program goes by. @readonly */
    this.code = code;
  }
}
