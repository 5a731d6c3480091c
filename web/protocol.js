/**
 * What the connection machine, the page and the server send each other (`docs/protocol.md`). The
 * words are in facts.js.
 */

import { CLOSE_CODES, NEVER } from './facts.js';

/** @typedef {import('./facts.js').ClientType} ClientType */
/** @typedef {import('./facts.js').EndReason} EndReason */
/** @typedef {import('./facts.js').PeerState} PeerState */
/** @typedef {import('./facts.js').Reconnect} Reconnect */

/**
 * A message to the server; its type says which fields it has.
 * @typedef {{type: ClientType, [field: string]: unknown}} ClientMessage
 */
/** @typedef {'seek' | 'offer'} Role */
/** @typedef {{topic?: string, lang?: string, role?: Role, invite?: string}} Criteria */

/**
 * What the connection machine reports to the page. `away`: this side had no connection to the room
 * when it ended. `silent`: the server does not answer, but the connection may still work, which
 * `answers` then says. `moving`: the room moves to another connection. `offline`: there is none, because
 * it was lost, or because the server is silent. `working`: the share of a proof of work that is done.
 * `closed`: the operator takes no new sessions. `service`: what the operator has ordered for all.
 * `paired-again`: the server has named a second room, which ends the chat. `reported`: whether the
 * server has taken a report.
 * @typedef {{kind: 'online'} | {kind: 'silent'} | {kind: 'answers'} | {kind: 'moving'}
 *   | {kind: 'offline', why: 'lost' | 'silent'}
 *   | {kind: 'working', share: number} | {kind: 'busy', retryInMs: number, closed?: true}
 *   | {kind: 'service', service: import('./service.js').Service}
 *   | {kind: 'waiting', outlook: import('./outlook.js').Outlook}
 *   | {kind: 'paired', room: string, side: 'a' | 'b', criteria: Criteria}
 *   | {kind: 'paired-again'}
 *   | {kind: 'resumed'}
 *   | {kind: 'peer', state: PeerState}
 *   | {kind: 'ended', reason: EndReason, away: boolean}
 *   | {kind: 'refused', code: string}
 *   | {kind: 'reported', taken: boolean}
 *   | {kind: 'failed', why: 'replaced' | 'session-over' | 'forbidden' | 'pass' | 'unproved' | 'fault'}} ConnectionEvent
 */

/**
 * What the driver is to do. `socket` numbers the sockets, so that a late event of an old one is
 * recognised.
 * @typedef {{do: 'create-session'} | {do: 'probe', token: string} | {do: 'end-room', token: string}
 *   | {do: 'connect', socket: number, token: string}
 *   | {do: 'send', socket: number, text: string}
 *   | {do: 'close', socket: number}
 *   | {do: 'emit', event: ConnectionEvent}} Effect
 */

/**
 * What a close code says a client should do.
 * @param {number | null} code `null`: the connection broke without a close frame.
 * @returns {Reconnect}
 */
export function adviceOf(code) {
  if (code === null) return 'back-off';
  return CLOSE_CODES.get(code) ?? (code >= NEVER.first && code <= NEVER.last ? 'never' : 'back-off');
}

/**
 * Closes that have a name for the person; all others are a fault.
 * @type {Map<number, 'replaced' | 'session-over'>}
 */
export const WHY_CLOSED = new Map([[4102, 'replaced'], [4103, 'session-over']]);

/** The effect that reports something to the page. @param {ConnectionEvent} event @returns {Effect} */
export function emit(event) {
  return { do: 'emit', event };
}
