/** Why a channel ends; `docs/protocol.md`, section 8, lists the same words. */

/**
 * @typedef {'bye' | 'peer-bye' | 'closed' | 'no-channel' | 'handshake-length' | 'handshake-changed'
 *   | 'commitment-broken' | 'handshake-refused' | 'weak-key' | 'malformed' | 'ack-beyond-sent'
 *   | 'window-exceeded' | 'exhausted'} ChannelEnd
 */

/** A fault that ends the channel. */
export class ChannelFault extends Error {
  /** @param {ChannelEnd} reason */
  constructor(reason) {
    super(reason);
    this.reason = reason;
  }
}
