/** The words of the control messages (`docs/protocol.md`), and what they ask of a client. */

/** @typedef {'seek' | 'offer'} Role */
/** @typedef {{topic?: string, lang?: string, role?: Role, invite?: string}} Criteria */
/** @typedef {'abuse' | 'spam' | 'minor' | 'other'} Category */
/** @typedef {'left' | 'expired' | 'reported' | 'shutdown'} EndReason */
/** @typedef {'now' | 'back-off' | 'never'} Advice */

/**
 * What the page is told. `away`: this side had no connection to the room when it ended.
 * @typedef {{kind: 'online'} | {kind: 'offline'}
 *   | {kind: 'busy', retryInMs: number}
 *   | {kind: 'waiting'}
 *   | {kind: 'paired', room: string, side: 'a' | 'b'}
 *   | {kind: 'resumed'}
 *   | {kind: 'peer', state: 'online' | 'away'}
 *   | {kind: 'ended', reason: EndReason, away: boolean}
 *   | {kind: 'refused', code: string}
 *   | {kind: 'failed', why: 'replaced' | 'session-over' | 'forbidden' | 'fault'}} ConnectionEvent
 */

/**
 * What the connection wants done. `socket` numbers the sockets, so that late news of an old one is told apart.
 * @typedef {{do: 'create-session'} | {do: 'probe', token: string} | {do: 'end-room', token: string}
 *   | {do: 'connect', socket: number, token: string}
 *   | {do: 'send', socket: number, text: string}
 *   | {do: 'close', socket: number}
 *   | {do: 'emit', event: ConnectionEvent}} Effect
 */

/** Refusals after which asking again makes sense. */
export const PASSING = new Set(['unavailable', 'rate']);
/** Refusals of a find that no repetition will change. */
export const FINAL = new Set([
  'bad-topic', 'bad-language', 'bad-invite', 'topic-not-offered', 'matching-not-offered', 'invite-spent',
]);

/**
 * What a close code says a client should do.
 * @param {number | null} code `null`: the connection broke without a close frame.
 * @returns {Advice}
 */
export function adviceOf(code) {
  if (code === 1012) return 'now';
  if (code === 1000 || code === 1002 || code === 1007) return 'never';
  if (code !== null && code >= 4100 && code <= 4199) return 'never';
  return 'back-off';
}

/**
 * Closes that have a name for the person; all others are a fault.
 * @type {Map<number, 'replaced' | 'session-over'>}
 */
export const WHY_CLOSED = new Map([[4102, 'replaced'], [4103, 'session-over']]);
