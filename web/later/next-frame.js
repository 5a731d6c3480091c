/** Does something once for all that happens until the browser paints next. */

/**
 * The latest moment at which it is done. No frame comes while a tab or a frame of another page is hidden,
 * and what is to be seen no more must not stay there until somebody looks.
 */
const LATEST_MS = 250;

export class NextFrame {
  #work;
  #isAsked = false;
  #frame = 0;
  /** @type {ReturnType<typeof setTimeout> | undefined} */ #latest;

  /** @param {() => void} work */
  constructor(work) {
    this.#work = work;
  }

  /** Whether the work is still to be done. */
  get isAsked() {
    return this.#isAsked;
  }

  /** Asks for the work; more than once is as good as once. */
  ask() {
    if (this.#isAsked) return;
    this.#isAsked = true;
    const run = () => this.#run();
    this.#frame = requestAnimationFrame(run);
    this.#latest = setTimeout(run, LATEST_MS);
  }

  #run() {
    cancelAnimationFrame(this.#frame);
    clearTimeout(this.#latest);
    this.#isAsked = false;
    this.#work();
  }
}
