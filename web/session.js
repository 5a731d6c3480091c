/** The token that proves this session; the server renews it in time. */

/** A token that ends sooner than this is not worth a connection attempt. */
const MARGIN_MS = 2_000;

export class SessionToken {
  /** @type {string | null} */ #token = null;
  #endsAt = 0;

  /** The token, though it may have run out; `null` if there is none. */
  get value() {
    return this.#token;
  }

  /** The token, if it is still good for a while. @param {number} now */
  at(now) {
    return this.#endsAt - MARGIN_MS > now ? this.#token : null;
  }

  /** @param {{token: string, expires_at: number | string}} message */
  keep({ token, expires_at }) {
    this.#token = token;
    this.#endsAt = typeof expires_at === 'number' ? expires_at * 1000 : Date.parse(expires_at);
  }

  forget() {
    this.#token = null;
  }
}
