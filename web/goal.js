/** What to bring back after a lost connection: nothing, a find, or a room. */

/** @typedef {import('./protocol.js').ClientMessage} ClientMessage */
/** @typedef {import('./protocol.js').Criteria} Criteria */

export class Goal {
  /** Whom the person waits for. @type {Criteria | null} */
  criteria = null;
  /** The newest ticket of the room. @type {string | null} */
  ticket = null;
  /** Whether the server has yet to take this side back into the room. */
  resuming = false;

  get inRoom() {
    return this.ticket !== null;
  }

  /** Whether there is nothing to be connected for. */
  get isNone() {
    return this.criteria === null && !this.inRoom;
  }

  /**
   * Waits for somebody, and leaves the room for that.
   * @param {Criteria} criteria
   * @returns {ClientMessage}
   */
  find(criteria) {
    const type = this.inRoom ? 'next' : 'find';
    this.leaveRoom();
    this.criteria = criteria;
    return { type, ...criteria };
  }

  /** Is in a room, for the first time or again. @param {string} ticket */
  enter(ticket) {
    this.criteria = null;
    this.ticket = ticket;
    this.resuming = false;
  }

  leaveRoom() {
    this.ticket = null;
    this.resuming = false;
  }

  /**
   * The message for a new connection, or to repeat after a refusal; `null` when there is none.
   * @returns {ClientMessage | null}
   */
  message() {
    if (this.resuming) return { type: 'resume', ticket: this.ticket };
    return this.criteria === null ? null : { type: 'find', ...this.criteria };
  }
}
