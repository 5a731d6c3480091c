/** Calls of a server's REST interface. A call that gets no answer gives `null`. */

import { atServer } from './server.js';

/** A request that takes longer is abandoned. */
export const REQUEST_MS = 10_000;

/**
 * A call. `body` is sent as JSON.
 * @typedef {(method: string, path: string, token?: string | null, body?: unknown) => Promise<Response | null>} Call
 */

/** Calls the server of the page. @type {Call} */
export const request = callsTo(atServer);

/**
 * How the server is called whose addresses `at` gives.
 * @param {(path: string) => URL} at
 * @returns {Call}
 */
export function callsTo(at) {
  return (method, path, token = null, body = undefined) => call(at(path), method, token, body);
}

/**
 * @param {URL} address
 * @param {string} method
 * @param {string | null} token
 * @param {unknown} body
 * @returns {Promise<Response | null>}
 */
async function call(address, method, token, body) {
  /** @type {Record<string, string>} */
  const headers = token === null ? {} : { authorization: `Bearer ${token}` };
  if (body !== undefined) headers['content-type'] = 'application/json';
  const signal = AbortSignal.timeout(REQUEST_MS);
  const how = { method, headers, signal, body: body === undefined ? undefined : JSON.stringify(body) };
  return fetch(address, { ...how, cache: 'no-store', credentials: 'omit', keepalive: method === 'DELETE' }).catch(() => null);
}

/** The JSON of a good answer; `null` otherwise. @param {Response | null} response @returns {Promise<any>} */
export async function answerOf(response) {
  return response?.ok ? response.json().catch(() => null) : null;
}

/** The code of a problem; `null` without one. @param {Response | null} response @returns {Promise<string | null>} */
export async function problemOf(response) {
  const problem = await response?.clone().json().catch(() => null);
  return typeof problem?.code === 'string' ? problem.code : null;
}

/** How long the server asks to wait, ms; `null` if it does not. @param {Response | null} response */
export function retryAfter(response) {
  const seconds = Number(response?.headers.get('retry-after') ?? NaN);
  return Number.isFinite(seconds) ? Math.max(seconds, 1) * 1000 : null;
}
