/** Work that is done one piece after the other, though each is asynchronous. */

export class Turns {
  /** Resolves when everything so far is done. */ done = Promise.resolve();
  #onFault;

  /** @param {(fault: unknown) => void} onFault Takes what a piece of work throws. */
  constructor(onFault) {
    this.#onFault = onFault;
  }

  /**
   * Does some work after all that was given before. Returns when it is done.
   * @param {() => Promise<void>} work
   */
  take(work) {
    this.done = this.done.then(work).catch(this.#onFault);
    return this.done;
  }
}
