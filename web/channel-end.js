/** What a channel tells, and why it ends; `docs/protocol.md`, section 8, lists the same words. */

/**
 * @typedef {'bye' | 'peer-bye' | 'closed' | 'no-channel' | 'handshake-length' | 'handshake-changed'
 *   | 'commitment-broken' | 'handshake-refused' | 'weak-key' | 'malformed' | 'ack-beyond-sent'
 *   | 'window-exceeded' | 'no-proof' | 'bad-credential' | 'exhausted'} ChannelEnd
 */

/**
 * What a channel tells its owner; `ended` is the last. `credential`: `judge` has to follow. `all-received`: after this side's goodbye, the
 * peer has acknowledged everything.
 * @typedef {{kind: 'secured', safety: import('./safety.js').SafetyCode}
 *   | Exclude<import('./messages.js').Heard, {kind: 'later' | 'credential'}>
 *   | ({kind: 'credential'} & import('./helping.js').Shown)
 *   | {kind: 'delivered', number: number} | {kind: 'not-delivered', number: number}
 *   | {kind: 'all-received'} | {kind: 'window-open'}
 *   | {kind: 'ended', reason: ChannelEnd}} ChannelEvent
 */

/** A fault that ends the channel. */
export class ChannelFault extends Error {
  /** @param {ChannelEnd} reason */
  constructor(reason) {
    super(reason);
    this.reason = reason;
  }
}
