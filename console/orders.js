/**
 * Orders to all nodes: what is in force, and a form that makes one. It is signed here, with a key file
 * that the operator chooses; the server never has the key.
 */

import { lasting } from './table.js';

/** @typedef {'pause' | 'invites-only' | 'close' | 'admission' | 'notice' | 'drain' | 'resume'} Kind */
/** @typedef {{ node: string, boot: string }} Run a run of a node, by its boot id as decimal digits */
/**
 * An order before it is signed. `argument` is a text, a number of hashes, or a run, as its kind asks for.
 * @typedef {{ kind: Kind, number: number, expires: number, argument?: any }} Order
 */
/** @typedef {{ kind: string, since: number, until: number, nodes: number, of: number }} InForce */
/** @typedef {[kind: string, word: string, text: string, when: string]} Line */
/** @typedef {(place: HTMLElement, lines: Line[], none: string) => void} List */
/** @typedef {(path: string, options?: RequestInit) => Promise<Response>} Ask */

const text = new TextEncoder();
/** What a statement begins with. */
const DOMAIN = 'cipher-chat.v1 order\0';
const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;
/** The longest life of an order, and that of one to a single node. */
const LONGEST_MS = 366 * DAY_MS;
const DRAIN_MS = MINUTE_MS;

/**
 * Each kind: its word, what it does, and what it asks for.
 * @type {{ kind: Kind, says: string, field?: 'text' | 'hashes' | 'node' }[]}
 */
export const KINDS = [
  { kind: 'pause', says: 'Pause: no new matches of strangers; chats and invites go on' },
  { kind: 'invites-only', says: 'Invites only: nobody waits for strangers' },
  { kind: 'close', says: 'Close: no new sessions; those that there are go on', field: 'text' },
  { kind: 'admission', says: 'Admission: a proof of work for new sessions', field: 'hashes' },
  { kind: 'notice', says: 'Notice: a text that everybody is shown', field: 'text' },
  { kind: 'drain', says: 'Drain: one node sends its people to others and stops', field: 'node' },
  { kind: 'resume', says: 'Resume: all is as usual again' },
];

/** @type {[string, number][]} */
const LIVES = [['10 minutes', 10 * MINUTE_MS], ['1 hour', 60 * MINUTE_MS], ['1 day', DAY_MS], ['30 days', 30 * DAY_MS], ['as long as there may be', LONGEST_MS]];

/** @param {(string | ArrayLike<number>)[]} parts */
function joined(...parts) {
  const bytes = parts.map((part) => (typeof part === 'string' ? text.encode(part) : Uint8Array.from(part)));
  const all = new Uint8Array(bytes.reduce((sum, { length }) => sum + length, 0));
  let end = 0;
  for (const part of bytes) {
    all.set(part, end);
    end += part.length;
  }
  return all;
}

/**
 * A whole number as so many bytes, the highest first.
 * @param {number | string | bigint} number
 * @param {number} bytes
 */
function bigEndian(number, bytes) {
  return Array.from({ length: bytes }, (_, index) => Number((BigInt(number) >> BigInt(8 * (bytes - 1 - index))) & 0xffn));
}

/**
 * What is signed.
 * @param {Order} order
 */
export function statement({ kind, number, expires, argument }) {
  /** @type {Partial<Record<Kind, () => ArrayLike<number>>>} */
  const tails = {
    close: () => text.encode(argument),
    notice: () => text.encode(argument),
    admission: () => bigEndian(argument, 4),
    drain: () => [...bigEndian(argument.boot, 8), ...text.encode(argument.node)],
  };
  return joined(DOMAIN, kind, [0], bigEndian(number, 8), bigEndian(expires, 8), tails[kind]?.() ?? []);
}

/**
 * The beginning of an item of CBOR (RFC 8949) in its shortest form.
 * @param {number} major
 * @param {number | string | bigint} value
 */
function head(major, value) {
  const number = BigInt(value);
  const first = major << 5;
  if (number < 24n) return [first | Number(number)];
  for (const [code, bytes] of /** @type {[number, number][]} */ ([[24, 1], [25, 2], [26, 4], [27, 8]])) {
    if (number < 1n << BigInt(8 * bytes)) return [first | code, ...bigEndian(number, bytes)];
  }
  throw new RangeError('too large a number');
}

/** @param {string} value */
const string = (value) => joined(head(3, text.encode(value).length), value);
/** @param {[name: string, value: ArrayLike<number>][]} pairs */
const map = (...pairs) => joined(head(5, pairs.length), ...pairs.flatMap(([name, value]) => [string(name), value]));

/**
 * The signed order as it travels.
 * @param {Order} order
 * @param {Uint8Array} signature
 */
export function encoded({ kind, number, expires, argument }, signature) {
  /** @type {Partial<Record<Kind, () => Uint8Array>>} */
  const inners = {
    close: () => map(['close', string(argument)]),
    notice: () => map(['notice', string(argument)]),
    admission: () => map(['admission', head(0, argument)]),
    drain: () => map(['drain', map(['node', string(argument.node)], ['boot', head(0, argument.boot)])]),
  };
  const inner = inners[kind]?.() ?? string(kind);
  const signed = joined(head(2, signature.length), signature);
  return map(['number', head(0, number)], ['expires', head(0, expires)], ['order', inner], ['signature', signed]);
}

/** The DER of PKCS#8 before the 32 bytes of a key of Ed25519 (RFC 8410). */
const PKCS8 = [0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20];
const ED25519 = PKCS8.slice(5);

/**
 * The key in a PEM file. Only its 32 bytes are used: browsers refuse a file that has the public half,
 * too.
 * @param {string} pem
 */
export async function keyOf(pem) {
  const body = /-----BEGIN PRIVATE KEY-----([^-]+)-----END PRIVATE KEY-----/.exec(pem)?.[1];
  if (body === undefined) throw new Error('This file holds no private key (PKCS#8, PEM).');
  const der = Uint8Array.from(atob(body.replace(/\s/g, '')), (c) => c.charCodeAt(0));
  const at = der.findIndex((_, start) => ED25519.every((byte, index) => der[start + index] === byte));
  const seed = der.subarray(at + ED25519.length, at + ED25519.length + 32);
  if (at < 0 || seed.length !== 32) throw new Error('This is no key of Ed25519.');
  if (globalThis.crypto?.subtle === undefined) throw new Error('A browser signs only over https, or at localhost.');
  return crypto.subtle.importKey('pkcs8', joined(PKCS8, seed), { name: 'Ed25519' }, false, ['sign']);
}

/**
 * A signed order, ready to be sent.
 * @param {Order} order
 * @param {CryptoKey} key
 */
export async function signedOrder(order, key) {
  const signature = await crypto.subtle.sign({ name: 'Ed25519' }, key, statement(order));
  return encoded(order, new Uint8Array(signature));
}

/**
 * @param {string} name
 * @param {Record<string, string>} attributes
 * @param {(string | Node)[]} children
 */
function made(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [attribute, value] of Object.entries(attributes)) element.setAttribute(attribute, value);
  element.append(...children);
  return element;
}

/** @param {string} value @param {string} says */
const option = (value, says) => made('option', { value }, says);

/** What is in force, and the form. */
export class Switches {
  /** @type {Ask} */
  #ask;
  #form;
  #nodes = '';

  /**
   * @param {HTMLElement} place
   * @param {Ask} ask
   */
  constructor(place, ask) {
    this.#ask = ask;
    /** @param {string} id @param {HTMLElement[]} options */
    const select = (id, options) => made('select', { id }, ...options);
    /** @param {string} id @param {string} says @param {HTMLElement} input */
    const field = (id, says, input) => made('label', { id: `${id}-label`, for: id }, says, input);
    this.#form = /** @type {HTMLFormElement} */ (made(
      'form', { class: 'order-form', 'aria-labelledby': 'order-title' },
      made('h2', { id: 'order-title' }, 'Give an order'),
      field('order-kind', 'Order', select('order-kind', KINDS.map(({ kind, says }) => option(kind, says)))),
      field('order-text', 'Text', made('input', { id: 'order-text', maxlength: '280', autocomplete: 'off' })),
      field('order-hashes', 'Hashes on average, 0 for none', made('input', { id: 'order-hashes', type: 'number', min: '0', max: '1000000', value: '300000' })),
      field('order-node', 'Node', select('order-node', [])),
      field('order-life', 'In force for', select('order-life', LIVES.map(([says, life]) => option(String(life), String(says))))),
      field('order-key', 'Key file (orders.key). It is read here and sent nowhere', made('input', { id: 'order-key', type: 'file' })),
      made('div', {}, made('button', { id: 'order-give' }, 'Sign and give it')),
      made('p', { id: 'order-said', class: 'said', role: 'status' }),
    ));
    place.append(this.#form);
    this.#form.addEventListener('submit', (event) => {
      event.preventDefault();
      this.#give();
    });
    this.#get('order-kind').addEventListener('change', () => this.#fit());
    this.#get('order-life').selectedIndex = 1;
    this.#fit();
  }

  /**
   * Shows what is in force.
   * @param {{ orders: InForce[], nodes: import('./table.js').Node[], time: number }} report
   * @param {HTMLElement} place
   * @param {List} list
   */
  show({ orders, nodes, time }, place, list) {
    /** @param {InForce} order @returns {Line} */
    const line = ({ kind, since, until, nodes: having, of }) =>
      ['warning', kind, `at ${having} of ${of} nodes, since ${new Date(since).toISOString().slice(0, 19)}Z`, `${lasting((until - time) / 1000)} left`];
    list(place, orders.map(line), 'none: all is as usual');
    // A node with several roles is listed several times, and is told once.
    /** @type {[string, string][]} */
    const heard = nodes.filter(({ state }) => state !== 'silent').map(({ node, boot }) => [JSON.stringify({ node, boot }), node]);
    const runs = [...new Map(heard)];
    const shown = JSON.stringify(runs);
    if (shown === this.#nodes) return;
    this.#nodes = shown;
    const select = this.#get('order-node');
    const chosen = select.value;
    select.replaceChildren(...runs.map(([run, node]) => option(run, node)));
    // Whoever was chosen stays so when others come and go.
    if (runs.some(([run]) => run === chosen)) select.value = chosen;
  }

  /** @param {string} id */
  #get(id) {
    return /** @type {any} */ (this.#form.querySelector(`#${id}`));
  }

  /** Shows the fields of the chosen kind. */
  #fit() {
    const { kind, field } = KINDS[this.#get('order-kind').selectedIndex];
    for (const name of ['text', 'hashes', 'node']) this.#get(`order-${name}-label`).hidden = name !== field;
    this.#get('order-life-label').hidden = kind === 'drain' || kind === 'resume';
  }

  #order() {
    const { kind, field } = KINDS[this.#get('order-kind').selectedIndex];
    const number = Date.now();
    /** @type {Partial<Record<Kind, number>>} */
    const lives = { drain: DRAIN_MS, resume: LONGEST_MS };
    const life = lives[kind] ?? Number(this.#get('order-life').value);
    const fields = {
      text: () => this.#get('order-text').value,
      hashes: () => Number(this.#get('order-hashes').value),
      node: () => JSON.parse(this.#get('order-node').value),
    };
    return { kind, number, expires: number + life, argument: field && fields[field]() };
  }

  async #give() {
    const [said, button] = [this.#get('order-said'), this.#get('order-give')];
    const [file] = this.#get('order-key').files;
    if (file === undefined) {
      said.textContent = 'Choose the key file first.';
      return;
    }
    button.disabled = true;
    said.textContent = 'signing…';
    try {
      const body = await signedOrder(this.#order(), await keyOf(await file.text()));
      const answer = await this.#ask('orders', { method: 'POST', headers: { 'content-type': 'application/cbor' }, body });
      said.textContent = told(answer.status, await answer.json());
    } catch (fault) {
      said.textContent = fault instanceof Error ? fault.message : 'That has failed.';
    } finally {
      button.disabled = false;
    }
  }
}

/**
 * What came of an order, in words.
 * @param {number} status
 * @param {{ detail?: string, receipts: { node: string, outcome: string }[], unanswered?: string[] }} answer
 */
function told(status, answer) {
  if (status !== 200) return `It is not in force: ${answer.detail ?? status}`;
  const { receipts, unanswered = [] } = answer;
  if (receipts.length === 0) return 'No node has answered.';
  const taken = receipts.filter(({ outcome }) => outcome === 'taken' || outcome === 'known').map(({ node }) => node);
  const refused = receipts.filter(({ node }) => !taken.includes(node)).map(({ node, outcome }) => `${node}: ${outcome}.`);
  const others = [...refused, ...unanswered.map((node) => `${node} has not answered.`)];
  return [`Taken by ${taken.length} of ${receipts.length + unanswered.length} nodes${taken.length > 0 ? ` (${taken.join(', ')})` : ''}.`, ...others].join(' ');
}
