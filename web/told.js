/** What the page was told of the connection and of the service last, so that nothing is told twice. */

import { emit } from './protocol.js';
import { USUAL } from './service.js';

/** @typedef {import('./protocol.js').Effect} Effect */

export class Told {
  /** @type {'online' | 'silent' | 'offline'} */ #state = 'offline';
  #service = USUAL;

  /** A connection is ready. @returns {Effect[]} */
  online() {
    const before = this.#state;
    this.#state = 'online';
    return before === 'online' ? [] : [emit({ kind: 'online' })];
  }

  /** The server does not answer. @returns {Effect[]} */
  silent() {
    if (this.#state !== 'online') return [];
    this.#state = 'silent';
    return [emit({ kind: 'silent' })];
  }

  /** Something was received. @returns {Effect[]} */
  answers() {
    if (this.#state !== 'silent') return [];
    this.#state = 'online';
    return [emit({ kind: 'answers' })];
  }

  /** There is no connection. @param {'lost' | 'silent'} why @returns {Effect[]} */
  offline(why) {
    this.#state = 'offline';
    return [emit({ kind: 'offline', why })];
  }

  /** What the server says of the service as a whole. @param {import('./service.js').Service} service @returns {Effect[]} */
  service(service) {
    if (service === this.#service) return [];
    this.#service = service;
    return [emit({ kind: 'service', service })];
  }

  /** There is none, and nobody asks for one. */
  forget() {
    this.#state = 'offline';
  }
}
