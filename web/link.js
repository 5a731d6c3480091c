/** Carries out what the connection (connection.js) decides: sockets, requests, one timer. Decides nothing itself. */

import { Connection } from './connection.js';

/** @typedef {import('./bytes.js').Bytes} Bytes */
/** @typedef {import('./protocol.js').Effect} Effect */
/** @typedef {import('./protocol.js').Told} Told */

const SUBPROTOCOL = 'cipher-chat.v1';
/** Above this many unsent bytes a frame is dropped instead of queued: it would only arrive late, and the channel resends it. */
const QUEUED_BYTES = 256 * 1024;
/** A request that takes longer is given up. */
const REQUEST_MS = 10_000;

export class Link {
  /** Stands between this class and the decisions; public for what has no effect of its own. */
  connection = new Connection(Math.random);
  /** The session that is being made. @type {Promise<void> | null} */ #creating = null;
  /** @type {Map<number, WebSocket>} */ #sockets = new Map();
  /** @type {ReturnType<typeof setTimeout> | undefined} */ #timer;
  /** @type {(told: Told) => void} */ #onTold;
  /** @type {(frame: Bytes) => void} */ #onFrame;

  /**
   * @param {(told: Told) => void} onTold What the page should know.
   * @param {(frame: Bytes) => void} onFrame A binary message of the peer.
   */
  constructor(onTold, onFrame) {
    this.#onTold = onTold;
    this.#onFrame = onFrame;
    addEventListener('online', () => this.#nudge());
    document.addEventListener('visibilitychange', () => {
      if (document.visibilityState === 'visible') this.#nudge();
    });
  }

  /** @param {import('./protocol.js').Find} find */
  find(find) {
    this.run(this.connection.find(find, Date.now()));
  }

  /**
   * Sends a frame to the peer, or drops it; a frame is never sure to arrive.
   * @param {Bytes} frame
   */
  send(frame) {
    const number = this.connection.roomSocket;
    const socket = number === null ? undefined : this.#sockets.get(number);
    if (socket?.readyState !== WebSocket.OPEN || socket.bufferedAmount > QUEUED_BYTES) return;
    socket.send(frame);
  }

  /**
   * What the operator offers, or `null` when the server does not say. Needs a session, as everything does; one without a connection
   * costs the server nothing.
   * @returns {Promise<any>}
   */
  async askStatus() {
    if (this.connection.tokenAt(Date.now()) === null) await this.#createSession();
    const token = this.connection.tokenAt(Date.now());
    const response = token === null ? null : await request('GET', 'v1/status', token);
    return response?.ok ? response.json().catch(() => null) : null;
  }

  /** @param {Effect[]} effects */
  run(effects) {
    for (const effect of effects) this.#carryOut(effect);
    clearTimeout(this.#timer);
    const wakeAt = this.connection.wakeAt;
    if (wakeAt === null) return;
    this.#timer = setTimeout(() => this.run(this.connection.tick(Date.now())), Math.max(0, wakeAt - Date.now()));
  }

  #nudge() {
    this.run(this.connection.nudge(Date.now()));
  }

  /** @param {Effect} effect */
  #carryOut(effect) {
    switch (effect.do) {
      case 'tell':
        return this.#onTold(effect.told);
      case 'send':
        return this.#sendText(effect.socket, effect.text);
      case 'hang-up':
        return this.#hangUp(effect.socket);
      case 'dial':
        return this.#dial(effect.socket, effect.token);
      case 'create-session':
        return void this.#createSession();
      case 'probe':
        return void this.#probe(effect.token);
      case 'end-room':
        return void request('DELETE', 'v1/rooms/current', effect.token);
    }
  }

  /** @param {number} number @param {string} token */
  #dial(number, token) {
    const address = new URL('v1/ws', location.href);
    address.hash = '';
    address.protocol = address.protocol === 'http:' ? 'ws:' : 'wss:';
    const socket = new WebSocket(address, [SUBPROTOCOL, `bearer.${token}`]);
    socket.binaryType = 'arraybuffer';
    this.#sockets.set(number, socket);
    socket.onmessage = ({ data }) => this.#arrived(number, data);
    socket.onclose = ({ code }) => {
      if (!this.#sockets.delete(number)) return;
      // 1006 is the browser's word for a connection that broke without a close frame.
      this.run(this.connection.closed(number, code === 1006 ? null : code, Date.now()));
    };
  }

  /** @param {number} number @param {string | ArrayBuffer} data */
  #arrived(number, data) {
    if (!this.#sockets.has(number)) return;
    if (typeof data === 'string') return this.run(this.connection.text(number, data, Date.now()));
    this.connection.heard(number, Date.now());
    if (this.connection.inRoom) this.#onFrame(new Uint8Array(data));
  }

  /** @param {number} number @param {string} text */
  #sendText(number, text) {
    const socket = this.#sockets.get(number);
    if (socket?.readyState === WebSocket.OPEN) socket.send(text);
  }

  /** @param {number} number */
  #hangUp(number) {
    const socket = this.#sockets.get(number);
    this.#sockets.delete(number);
    socket?.close(1000);
  }

  /** Makes a session; who asks while one is being made gets that one. */
  #createSession() {
    this.#creating ??= this.#requestSession().finally(() => {
      this.#creating = null;
    });
    return this.#creating;
  }

  async #requestSession() {
    const response = await request('POST', 'v1/sessions', null);
    const session = response?.status === 201 ? await response.json().catch(() => null) : null;
    const now = Date.now();
    if (session !== null) return this.run(this.connection.sessionCreated(session, now));
    const refusal = { status: response?.status ?? null, retryInMs: retryAfter(response) };
    return this.run(this.connection.sessionRefused(refusal, now));
  }

  /** @param {string} token */
  async #probe(token) {
    const response = await request('GET', 'v1/sessions/me', token);
    const answer = response?.status === 401 ? 'dead' : response?.ok ? 'holds' : 'unknown';
    this.run(this.connection.probed(answer));
  }
}

/** @param {string} method @param {string} path @param {string | null} token @returns {Promise<Response | null>} */
async function request(method, path, token) {
  /** @type {Record<string, string>} */
  const headers = token === null ? {} : { authorization: `Bearer ${token}` };
  const signal = AbortSignal.timeout(REQUEST_MS);
  return fetch(path, { method, headers, signal, cache: 'no-store', keepalive: method === 'DELETE' }).catch(() => null);
}

/** @param {Response | null} response */
function retryAfter(response) {
  const seconds = Number(response?.headers.get('retry-after') ?? NaN);
  return Number.isFinite(seconds) ? Math.max(seconds, 1) * 1000 : null;
}
