/** Work that is done one piece after the other, though each is asynchronous. */

/**
 * How much may wait. A peer's frames come far slower than they are opened, and a whole window of them
 * has 128 KiB; more than this is sent only by a server that wants to fill the memory.
 */
const WAITING_BYTES = 4 * 1024 * 1024;
/** What a piece of work takes besides its data. */
const OVERHEAD_BYTES = 1024;

export class Turns {
  /** Resolves when everything so far is done. */ done = Promise.resolve();
  #onFault;
  #waiting = 0;

  /** @param {(fault: unknown) => void} onFault Takes what a piece of work throws. */
  constructor(onFault) {
    this.#onFault = onFault;
  }

  /** Whether more may wait; work of the person's own is taken all the same. */
  get hasRoom() {
    return this.#waiting < WAITING_BYTES;
  }

  /**
   * Does some work after all that was given before. Returns when it is done.
   * @param {() => Promise<void>} work
   * @param {number} [bytes] What waits with it.
   */
  take(work, bytes = 0) {
    const cost = bytes + OVERHEAD_BYTES;
    this.#waiting += cost;
    this.done = this.done.then(() => {
      this.#waiting -= cost;
      return work();
    }).catch(this.#onFault);
    return this.done;
  }
}
