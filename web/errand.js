/** What a person wants of the server, and how to say it again after a lost connection. */

/** @typedef {import('./protocol.js').Find} Find */

export class Errand {
  /** Whom the person waits for. @type {Find | null} */
  want = null;
  /** The way back into the room. @type {string | null} */
  ticket = null;
  /** The server has yet to take this side back into the room. */
  resuming = false;

  get inRoom() {
    return this.ticket !== null;
  }

  /** Nothing is wanted, so nothing need be connected. */
  get isDone() {
    return this.want === null && !this.inRoom;
  }

  /** Looks for somebody, and leaves the room for that; returns how to say it. @param {Find} find */
  seek(find) {
    const type = this.inRoom ? 'next' : 'find';
    this.leaveRoom();
    this.want = find;
    return { type, ...find };
  }

  /** Is in a room, for the first time or again. @param {string} ticket */
  enter(ticket) {
    this.want = null;
    this.ticket = ticket;
    this.resuming = false;
  }

  leaveRoom() {
    this.ticket = null;
    this.resuming = false;
  }

  /** What to say on a new connection, or after "not now"; `null` when there is nothing to ask for. */
  request() {
    if (this.resuming) return { type: 'resume', ticket: this.ticket };
    return this.want === null ? null : { type: 'find', ...this.want };
  }
}
