/**
 * Carries out what the connection machine decides, with sockets, requests and one timer. It decides
 * nothing itself.
 */

import { makeSession } from './admission.js';
import { now } from './clock.js';
import { ConnectionMachine } from './connection-machine.js';
import { SUBPROTOCOL } from './facts.js';
import { REQUEST_MS, answerOf, problemOf, request, retryAfter } from './rest.js';
import { atServer, socketAt } from './server.js';

/** @typedef {import('./bytes.js').Bytes} Bytes */
/** @typedef {import('./protocol.js').Effect} Effect */
/** @typedef {import('./protocol.js').ConnectionEvent} ConnectionEvent */

/**
 * Above this many unsent bytes a frame is dropped instead of queued: it would arrive late, and the
 * channel sends it again.
 */
const QUEUED_BYTES = 256 * 1024;
/** What `POST /v1/sessions` answers when it wants a proof of work. */
const PROOF_NEEDED = 428;
/** `WebSocket.OPEN`: not everywhere the class has a global name. */
const OPEN = 1;

/**
 * How a server is reached: by calls, and by a WebSocket with these subprotocols. `host`: with its port, as
 * an address shows it.
 * @typedef {{call: import('./rest.js').Call, open: (protocols: string[]) => WebSocket, host: () => string}} Reach
 */

/** The server of the page. @type {Reach} */
const OWN_SERVER = { call: request, open: (protocols) => new WebSocket(socketAt('v1/ws'), protocols), host: () => atServer().host };

export class ConnectionDriver {
  /** Makes the decisions; public for callers that run its effects. */
  machine = new ConnectionMachine(Math.random);
  /** Whose pass every new session gets. @type {import('./later/pass.js').Helper | null} */ helper = null;
  /** The session that is being made. @type {Promise<void> | null} */ #creating = null;
  /** The work for a proof that is going on. @type {AbortController | null} */ #work = null;
  /** Whether the person has cancelled such work: then it is done for a search only. */ #declined = false;
  /** @type {Map<number, WebSocket>} */ #sockets = new Map();
  /** @type {ReturnType<typeof setTimeout> | undefined} */ #timer;
  /** @type {(event: ConnectionEvent) => void} */ #onEvent;
  /** @type {(frame: Bytes) => void} */ #onFrame;
  #reach;

  /**
   * @param {(event: ConnectionEvent) => void} onEvent What the page should know.
   * @param {(frame: Bytes) => void} onFrame A binary message of the peer.
   * @param {Reach} [reach]
   */
  constructor(onEvent, onFrame, reach = OWN_SERVER) {
    this.#onEvent = onEvent;
    this.#onFrame = onFrame;
    this.#reach = reach;
    // A program without a window has no such events (sdk/js).
    globalThis.addEventListener?.('online', () => this.#nudge());
    globalThis.document?.addEventListener('visibilitychange', () => {
      if (document.visibilityState === 'visible') this.#nudge();
    });
  }

  /** @param {import('./protocol.js').Criteria} criteria */
  find(criteria) {
    this.#declined = false;
    this.run(this.machine.find(criteria, now()));
  }

  /** Ends the search or the chat, the connection, and the work for a proof. */
  stop() {
    this.run(this.machine.stop());
    if (this.#work === null) return;
    this.#work.abort();
    this.#work = this.#creating = null;
    this.#declined = true;
    this.run(this.machine.sessionRefused({ status: null, retryInMs: null }, now()));
  }

  /**
   * Sends a frame to the peer, or drops it; a frame is never sure to arrive.
   * @param {Bytes} frame
   * @param {boolean} awaits Whether the peer answers it.
   */
  send(frame, awaits) {
    const number = this.machine.roomSocket;
    const socket = number === null ? undefined : this.#sockets.get(number);
    if (socket?.readyState !== OPEN || socket.bufferedAmount > QUEUED_BYTES) return;
    socket.send(frame);
    if (awaits) this.#sent(/** @type {number} */ (number));
  }

  /**
   * What the operator offers, or `null` if the server does not answer. A session is made on the way, so
   * that it is there when the person goes on; one without a connection costs the server nothing.
   * @returns {Promise<any>}
   */
  async askStatus() {
    if (this.machine.token === null && !this.#declined && this.machine.hasRoomAt(now())) await this.#createSession();
    const response = await this.#requestStatus();
    if (response?.status !== 401) return answerOf(response);
    // The session has ended meanwhile.
    if (this.machine.hasRoomAt(now())) await this.#createSession();
    return answerOf(await this.#requestStatus());
  }

  async #requestStatus() {
    const { token } = this.machine;
    const response = await this.#reach.call('GET', 'v1/status', token);
    if (token !== null && response?.status === 401) this.run(this.machine.probed(token, 'dead', now()));
    return response;
  }

  /** @param {Effect[]} effects */
  run(effects) {
    for (const effect of effects) this.#carryOut(effect);
    clearTimeout(this.#timer);
    const wakeAt = this.machine.wakeAt;
    if (wakeAt === null) return;
    this.#timer = setTimeout(() => this.run(this.machine.tick(now())), Math.max(0, wakeAt - now()));
  }

  #nudge() {
    this.run(this.machine.nudge(now()));
  }

  /** @param {Effect} effect */
  #carryOut(effect) {
    switch (effect.do) {
      case 'emit':
        return this.#onEvent(effect.event);
      case 'send':
        return this.#sendText(effect);
      case 'close':
        return this.#close(effect.socket);
      case 'connect':
        return this.#open(effect.socket, effect.token);
      case 'create-session':
        return void this.#createSession();
      case 'probe':
        return void this.#probe(effect.token);
      case 'end-room':
        return void this.#reach.call('DELETE', 'v1/rooms/current', effect.token);
    }
  }

  /** @param {number} number @param {string} token */
  #open(number, token) {
    const socket = this.#reach.open([SUBPROTOCOL, `bearer.${token}`]);
    socket.binaryType = 'arraybuffer';
    this.#sockets.set(number, socket);
    socket.onopen = () => this.machine.opened(number);
    socket.onmessage = ({ data }) => this.#arrived(number, data);
    socket.onclose = ({ code }) => {
      if (!this.#sockets.delete(number)) return;
      // Browsers report 1006 for a connection that broke without a close frame.
      this.run(this.machine.closed(number, code === 1006 ? null : code, now()));
    };
  }

  /** @param {number} number @param {string | ArrayBuffer} data */
  #arrived(number, data) {
    if (!this.#sockets.has(number)) return;
    if (typeof data === 'string') return this.run(this.machine.text(number, data, now()));
    const effects = this.machine.received(number, now());
    if (effects.length > 0) this.run(effects);
    if (this.machine.inRoom) this.#onFrame(new Uint8Array(data));
  }

  /** @param {Extract<Effect, {do: 'send'}>} effect */
  #sendText({ socket: number, text }) {
    const socket = this.#sockets.get(number);
    if (socket?.readyState !== OPEN) return;
    socket.send(text);
    this.machine.sent(number, now());
  }

  /** An answer is awaited from now on, if it was not before. @param {number} number */
  #sent(number) {
    const before = this.machine.wakeAt;
    this.machine.sent(number, now());
    if (this.machine.wakeAt !== before) this.run([]);
  }

  /** @param {number} number */
  #close(number) {
    const socket = this.#sockets.get(number);
    this.#sockets.delete(number);
    socket?.close(1000);
  }

  /** Makes a session. A call while one is being made waits for that one. */
  #createSession() {
    if (this.#creating !== null) return this.#creating;
    const creating = this.#requestSession().finally(() => {
      if (this.#creating === creating) this.#creating = null;
    });
    this.#creating = creating;
    return creating;
  }

  async #requestSession() {
    const work = new AbortController();
    let began = now();
    const response = await makeSession(this.#reach.call, work.signal, (share) => {
      began = now();
      this.#work = work;
      this.#onEvent({ kind: 'working', share });
    }, async () => this.helper?.session(this.#reach.host(), Date.now()));
    if (this.#work === work) this.#work = null;
    if (response === 'cancelled') return;
    if (response === 'unproved') return this.run(this.machine.sessionRefused({ status: PROOF_NEEDED, retryInMs: null }, now()));
    const session = response?.status === 201 ? await response.json().catch(() => null) : null;
    if (session !== null) return this.run(this.machine.sessionCreated(session, now()));
    const silent = response === null && now() - began >= REQUEST_MS;
    const problem = await problemOf(response);
    const refusal = { status: response?.status ?? null, retryInMs: retryAfter(response), silent, closed: response?.status === 503 && problem === 'closed', noPass: problem === 'pass-refused' };
    return this.run(this.machine.sessionRefused(refusal, now()));
  }

  /** @param {string} token */
  async #probe(token) {
    const response = await this.#reach.call('GET', 'v1/sessions/me', token);
    const answer = response?.status === 401 ? 'dead' : response?.ok ? 'holds' : 'unknown';
    this.run(this.machine.probed(token, answer, now()));
  }
}
