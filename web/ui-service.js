/** What the operator has ordered for the service as a whole, in a strip that every screen has. */

import { el } from './dom.js';
import { USUAL } from './service.js';
import { shown } from './stranger-text.js';

/** @typedef {import('./service.js').Service} Service */

/** The strip, which says nothing while all is as usual. */
export class ServiceStrip {
  #node = /** @type {HTMLElement} */ (document.getElementById('service'));
  #service = USUAL;

  /** @param {Service} service */
  show(service) {
    // What is said again is not announced again, and stays hidden if the person has hidden it.
    if (JSON.stringify(service) === JSON.stringify(this.#service)) return;
    this.#service = service;
    const { paused, closed, notice } = service;
    const lines = [];
    if (closed !== null) lines.push(line('service.closed', closed));
    else if (paused) lines.push(line('service.paused'));
    if (notice !== null && notice !== '') lines.push(line('service.notice', notice));
    if (lines.length === 0) return this.#node.replaceChildren();
    const hide = el('button', { class: 'textual', text: 'service.hide', set: { type: 'button' }, on: { click: () => this.#node.replaceChildren() } });
    this.#node.replaceChildren(el('div', { class: 'lines' }, ...lines), hide);
  }
}

/** @param {import('./i18n.js').Key} what @param {string} [text] The operator's own words. */
function line(what, text = '') {
  const own = text === '' ? null : el('span', { class: 'own', set: { dir: 'auto' } }, shown(text));
  return el('p', {}, el('span', { text: what }), own === null ? null : ' ', own);
}
