/** The service as the operator wants it to be, as the server tells it. */

/**
 * `closed`: why there are no new sessions, which may be empty; `null` if there are.
 * @typedef {{paused: boolean, closed: string | null, notice: string | null}} Service
 */

/** As it is most of the time. @type {Service} */
export const USUAL = { paused: false, closed: null, notice: null };

/** What `GET /v1/status` says of it. @param {any} status @returns {Service} */
export function ofStatus(status) {
  return { paused: status.paused === true, ...texts(status) };
}

/** What a message of the server says of it. @param {any} message @returns {Service} */
export function ofMessage(message) {
  return { paused: message.strangers === 'paused', ...texts(message) };
}

/** @param {any} said */
function texts(said) {
  const text = (/** @type {unknown} */ value) => (typeof value === 'string' ? value : null);
  return { closed: text(said.closed), notice: text(said.notice) };
}
