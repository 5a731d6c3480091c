/** The bell: rings again and again until somebody takes the next one. */

/** @typedef {import('../attention.js').Attention} Attention */

/** Between two times that it rings. */
const AGAIN_MS = 5_000;

export class Bell {
  #attention;
  /** @type {ReturnType<typeof setInterval> | undefined} */ #timer;

  /** @param {Attention} attention Plays the notes, if the helper wants them. */
  constructor(attention) {
    this.#attention = attention;
  }

  /** Whether it rings now. */
  get isRinging() {
    return this.#timer !== undefined;
  }

  /** @param {boolean} on */
  ring(on) {
    if (on === this.isRinging) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
    if (!on) return;
    this.#attention.sound();
    this.#timer = setInterval(() => this.#attention.sound(), AGAIN_MS);
  }
}
