/** Whether frames can reach the peer, as far as the server has reported. */

/**
 * What the server reports. `link-up`: this side is in the room over a new connection, and the peer
 * counts as online until it is away. `link-down`: this side's connection is lost. The peer's own
 * comings and goings count only while this side is connected.
 * @typedef {'link-up' | 'link-down' | 'peer-online' | 'peer-away'} PathChange
 */

export class Path {
  /** @type {'open' | 'peer-away' | 'link-down'} */ #state = 'open';

  get isOpen() {
    return this.#state === 'open';
  }

  /**
   * Takes a report. Said again, it changes nothing.
   * @param {PathChange} change
   * @returns {'opened' | 'closed' | null} What it did to the path.
   */
  take(change) {
    const before = this.isOpen;
    if (change === 'link-up' || (change === 'peer-online' && this.#state === 'peer-away')) this.#state = 'open';
    if (change === 'link-down' || (change === 'peer-away' && before)) this.#state = change;
    if (before === this.isOpen) return null;
    return before ? 'closed' : 'opened';
  }
}
