/**
 * The connection to a server as a pure state machine: it is told what happened and when, and answers with effects.
 * It owns the session token, the room ticket and what the person wants, and gets them over lost connections.
 * Whoever carries out the effects (connection-driver.js) decides nothing.
 */

import { ERROR_CODES, FIRST_REFUSED_WINDOW_MS, FIRST_WINDOW_MS, LONGEST_ASKED_MS, STABLE_MS } from './facts.js';
import { Goal } from './goal.js';
import { WHY_CLOSED, adviceOf } from './protocol.js';
import { SessionToken } from './session-token.js';
import { BackOff, DIAL_MS, DOUBTED_PONG_MS, Heartbeat, PONG_MS } from './timing.js';

/** @typedef {import('./facts.js').Category} Category */
/** @typedef {import('./facts.js').EndReason} EndReason */
/** @typedef {import('./facts.js').Reconnect} Reconnect */
/** @typedef {import('./facts.js').ServerType} ServerType */
/** @typedef {import('./protocol.js').ClientMessage} ClientMessage */
/** @typedef {import('./protocol.js').Criteria} Criteria */
/** @typedef {import('./protocol.js').ConnectionEvent} ConnectionEvent */
/** @typedef {import('./protocol.js').Effect} Effect */

/** After so many sockets that never became ready, the server is asked whether the token still holds. */
const PROBE_AFTER = 2;

export class ConnectionMachine {
  /**
   * What is done about each message of the server. A newer server may send others; they are ignored.
   * @type {Readonly<Record<ServerType, (self: ConnectionMachine, message: any, now: number, socket: number) => Effect[]>>}
   */
  static handlers = {
    ready: (self, message, now, socket) => self.#ready(socket, message, now),
    waiting: (self) => self.#waiting(),
    paired: (self, message) => self.#paired(message),
    resumed: (self, message) => self.#resumed(message),
    peer: (self, { state }) => (self.inRoom ? [self.#emit({ kind: 'peer', state })] : []),
    ended: (self, { reason }) => self.#ended(reason),
    token: (self, message) => self.#renewed(message),
    drain: (self, message, now) => self.#draining(message, now),
    pong: () => [],
    error: (self, { code }, now) => self.#serverError(code, now),
  };

  /** Pauses between connections. */ #backOff;
  /** Pauses before a refused message is sent again. */ #retries;
  #heartbeat = new Heartbeat();
  #token = new SessionToken();
  /** The socket that is `ready`. @type {number | null} */ #active = null;
  /** Since when it is. */ #readySince = 0;
  /** The socket that is being opened. @type {number | null} */ #opening = null;
  #creating = false;
  #probing = false;
  #sockets = 0;
  #neverReady = 0;
  /** Whether the page was told that the connection is there. */ #online = false;
  #stopped = true;

  #goal = new Goal();

  /** @type {number | null} */ #connectAt = null;
  /** @type {number | null} */ #abandonAt = null;
  /** @type {number | null} */ #repeatGoalAt = null;

  /** @param {() => number} random A number from 0 to 1, 1 excluded. */
  constructor(random) {
    this.#backOff = new BackOff(random, FIRST_WINDOW_MS);
    this.#retries = new BackOff(random, FIRST_REFUSED_WINDOW_MS);
  }

  /** Whether the person is in a room, connected to it or not. */
  get inRoom() {
    return this.#goal.inRoom;
  }

  /** The socket over which frames of the room may go now, or `null`. */
  get roomSocket() {
    return this.inRoom && !this.#goal.resuming ? this.#active : null;
  }

  /** The session token, if it still holds. @param {number} now */
  tokenAt(now) {
    return this.#token.at(now);
  }

  /** When `tick` wants to be called, in milliseconds, or `null`. */
  get wakeAt() {
    const times = [this.#connectAt, this.#abandonAt, this.#repeatGoalAt, this.#heartbeat.pingAt, this.#heartbeat.deadAt];
    const set = times.filter((time) => time !== null);
    return set.length > 0 ? Math.min(...set) : null;
  }

  /**
   * Waits for somebody; ends the chat first, if there is one.
   * @param {Criteria} find
   * @param {number} now
   * @returns {Effect[]}
   */
  find(find, now) {
    const message = this.#goal.find(find);
    this.#repeatGoalAt = null;
    this.#stopped = false;
    if (this.#active !== null) return [this.#send(message)];
    return this.#connect(now);
  }

  /** Stops waiting. @returns {Effect[]} */
  cancel() {
    this.#goal.criteria = null;
    this.#repeatGoalAt = null;
    return this.#active === null ? [] : [this.#send({ type: 'cancel' })];
  }

  /** Ends the chat. @returns {Effect[]} */
  leave() {
    return this.#endRoom({ type: 'leave' });
  }

  /**
   * Ends the chat and says why it should not have been.
   * @param {Category} category
   * @returns {Effect[]}
   */
  report(category) {
    return this.#endRoom({ type: 'report', category });
  }

  /** Lets the connection go; the token stays for the next `find`, so that the same two are not matched again. @returns {Effect[]} */
  stop() {
    const farewell = this.leave();
    const open = [this.#active, this.#opening].filter((socket) => socket !== null);
    this.#stopped = true;
    this.#goal.criteria = null;
    this.#goal.leaveRoom();
    this.#active = this.#opening = null;
    this.#online = false;
    this.#neverReady = 0;
    this.#backOff.reset();
    this.#retries.reset();
    this.#heartbeat.stop();
    this.#connectAt = this.#abandonAt = this.#repeatGoalAt = null;
    return [...farewell, ...open.map((socket) => /** @type {Effect} */ ({ do: 'close', socket }))];
  }

  /**
   * A session was made.
   * @param {{token: string, expires_at: number | string}} session
   * @param {number} now
   * @returns {Effect[]}
   */
  sessionCreated(session, now) {
    this.#creating = false;
    this.#token.keep(session);
    return this.#stopped ? [] : this.#connect(now);
  }

  /**
   * No session could be made.
   * @param {{status: number | null, retryInMs: number | null}} refusal `status` is `null` when no server answered.
   * @param {number} now
   * @returns {Effect[]}
   */
  sessionRefused({ status, retryInMs }, now) {
    this.#creating = false;
    if (this.#stopped) return [];
    if (status !== null && status !== 429 && status < 500) return this.#fail('forbidden');
    if (retryInMs === null) return [...this.#emitOffline(), ...this.#later(now)];
    const pause = Math.min(retryInMs, LONGEST_ASKED_MS) + this.#backOff.next();
    this.#connectAt = now + pause;
    return [this.#emit({ kind: 'busy', retryInMs: pause })];
  }

  /**
   * The server was asked whether the token still holds.
   * @param {'holds' | 'dead' | 'unknown'} answer
   * @returns {Effect[]}
   */
  probed(answer) {
    this.#probing = false;
    return answer === 'dead' ? this.#tokenDied() : [];
  }

  /**
   * A text message came.
   * @param {number} socket
   * @param {string} text
   * @param {number} now
   * @returns {Effect[]}
   */
  text(socket, text, now) {
    if (socket !== this.#active && socket !== this.#opening) return [];
    this.received(socket, now);
    const message = JSON.parse(text);
    if (!Object.hasOwn(ConnectionMachine.handlers, message.type)) return [];
    if (socket !== this.#active && message.type !== 'ready') return [];
    return ConnectionMachine.handlers[/** @type {ServerType} */ (message.type)](this, message, now, socket);
  }

  /**
   * Something came, which shows that the connection lives.
   * @param {number} socket
   * @param {number} now
   */
  received(socket, now) {
    if (socket === this.#active) this.#heartbeat.received(now);
  }

  /**
   * A socket has closed, or could not be opened.
   * @param {number} socket
   * @param {number | null} code
   * @param {number} now
   * @returns {Effect[]}
   */
  closed(socket, code, now) {
    if (socket === this.#opening) {
      this.#opening = this.#abandonAt = null;
      this.#neverReady += 1;
      if (this.#active !== null) return this.#later(now);
    } else if (socket === this.#active) {
      this.#lose(now);
      // The new socket of a node that drains may close the old one before it says `ready` itself.
      if (this.#opening !== null) return [];
    } else {
      return [];
    }
    return this.#reconnect(adviceOf(code), code, now);
  }

  /**
   * There is reason to look at the connection at once: the network is back, or the page is seen again.
   * @param {number} now
   * @returns {Effect[]}
   */
  nudge(now) {
    if (this.#stopped) return [];
    if (this.#active !== null) return this.#ping(now, DOUBTED_PONG_MS);
    if (this.#connectAt === null) return [];
    this.#connectAt = now;
    return this.tick(now);
  }

  /**
   * Time has passed.
   * @param {number} now
   * @returns {Effect[]}
   */
  tick(now) {
    /** @type {Effect[]} */
    const effects = [];
    const due = (/** @type {number | null} */ time) => time !== null && time <= now;
    if (due(this.#heartbeat.deadAt)) effects.push(...this.#abandon(/** @type {number} */ (this.#active), now));
    else if (due(this.#heartbeat.pingAt)) effects.push(...this.#ping(now, PONG_MS));
    if (due(this.#abandonAt)) effects.push(...this.#abandon(/** @type {number} */ (this.#opening), now));
    if (due(this.#repeatGoalAt)) effects.push(...this.#repeatGoal());
    if (due(this.#connectAt)) effects.push(...this.#connect(now));
    return effects;
  }

  // Opening ------------------------------------------------------------------------------------------------------

  /** @param {number} now @returns {Effect[]} */
  #connect(now) {
    this.#connectAt = null;
    const busy = this.#opening !== null || this.#creating;
    if (busy || this.#goal.isNone) return [];
    if (this.tokenAt(now) !== null) return this.#open(now);
    if (this.inRoom) return this.#tokenDied();
    this.#creating = true;
    return [{ do: 'create-session' }];
  }

  /** @param {number} now @returns {Effect[]} */
  #open(now) {
    this.#connectAt = null;
    this.#opening = ++this.#sockets;
    this.#abandonAt = now + DIAL_MS;
    return [{ do: 'connect', socket: this.#opening, token: /** @type {string} */ (this.#token.value) }];
  }

  /**
   * @param {number} socket
   * @param {{token: string, expires_at: number | string}} message
   * @param {number} now
   * @returns {Effect[]}
   */
  #ready(socket, message, now) {
    this.#token.keep(message);
    /** @type {Effect[]} */
    const effects = [];
    if (socket === this.#opening) {
      if (this.#active !== null) effects.push({ do: 'close', socket: this.#active });
      this.#active = socket;
      this.#opening = this.#abandonAt = this.#connectAt = null;
      this.#neverReady = 0;
      this.#readySince = now;
      this.received(socket, now);
    }
    if (!this.#online) effects.push(this.#emit({ kind: 'online' }));
    this.#online = true;
    this.#goal.resuming = this.inRoom;
    return [...effects, ...this.#repeatGoal()];
  }

  /** Says what the person wants: back into the room, or somebody to talk to. @returns {Effect[]} */
  #repeatGoal() {
    this.#repeatGoalAt = null;
    const message = this.#goal.message();
    return this.#active === null || message === null ? [] : [this.#send(message)];
  }

  // While open ---------------------------------------------------------------------------------------------------

  /** @returns {Effect[]} */
  #waiting() {
    if (this.#goal.criteria === null) return [];
    this.#retries.reset();
    return [this.#emit({ kind: 'waiting' })];
  }

  /** @param {{ticket: string}} message @returns {Effect[]} */
  #resumed({ ticket }) {
    if (!this.inRoom) return [];
    this.#retries.reset();
    this.#goal.enter(ticket);
    return [this.#emit({ kind: 'resumed' })];
  }

  /** @param {{token: string, expires_at: number | string, ticket?: string}} message @returns {Effect[]} */
  #renewed(message) {
    this.#token.keep(message);
    if (this.inRoom && message.ticket) this.#goal.ticket = message.ticket;
    return [];
  }

  /** @param {{reconnect_in_ms: number}} message @param {number} now @returns {Effect[]} */
  #draining({ reconnect_in_ms }, now) {
    this.#connectAt = now + Math.min(reconnect_in_ms, LONGEST_ASKED_MS);
    return [];
  }

  /** @param {{room: string, side: 'a' | 'b', ticket: string}} message @returns {Effect[]} */
  #paired({ room, side, ticket }) {
    // The match was made while our `cancel` was on its way.
    if (this.#goal.criteria === null) return [this.#send({ type: 'leave' })];
    this.#retries.reset();
    this.#goal.enter(ticket);
    return [this.#emit({ kind: 'paired', room, side })];
  }

  /** @param {EndReason} reason @returns {Effect[]} */
  #ended(reason) {
    if (!this.inRoom) return [];
    const away = this.roomSocket === null;
    this.#goal.leaveRoom();
    return [this.#emit({ kind: 'ended', reason, away })];
  }

  /** @param {string} code @param {number} now @returns {Effect[]} */
  #serverError(code, now) {
    const remedy = ERROR_CODES.get(code);
    if (remedy === 'repeat') {
      if (this.#goal.message() === null) return [];
      this.#repeatGoalAt = now + this.#retries.next();
      return [this.#emit({ kind: 'busy', retryInMs: this.#repeatGoalAt - now })];
    }
    if (this.#goal.resuming && code !== 'in-room') return this.#ended('expired');
    if (this.#goal.criteria !== null && remedy === 'give-up') {
      this.#goal.criteria = null;
      return [this.#emit({ kind: 'refused', code })];
    }
    return [];
  }

  /** @param {ClientMessage} message @returns {Effect[]} */
  #endRoom(message) {
    if (!this.inRoom) return [];
    const open = this.#active;
    const live = open !== null && !this.#goal.resuming;
    this.#goal.leaveRoom();
    if (live) return [this.#send(message)];
    // Without a connection the other side would wait out the whole grace: one request may still get through.
    return this.#token.value === null ? [] : [{ do: 'end-room', token: this.#token.value }];
  }

  /** @param {number} now @param {number} timeout @returns {Effect[]} */
  #ping(now, timeout) {
    this.#heartbeat.asked(now, timeout);
    return [this.#send({ type: 'ping' })];
  }

  // Losing -------------------------------------------------------------------------------------------------------

  /** @param {number} socket @param {number} now @returns {Effect[]} */
  #abandon(socket, now) {
    return [{ do: 'close', socket }, ...this.closed(socket, null, now)];
  }

  /** @param {number} now */
  #lose(now) {
    if (now - this.#readySince >= STABLE_MS) this.#backOff.reset();
    this.#active = this.#repeatGoalAt = null;
    this.#heartbeat.stop();
  }

  /** @param {Reconnect} advice @param {number | null} code @param {number} now @returns {Effect[]} */
  #reconnect(advice, code, now) {
    if (this.#stopped) return [];
    if (advice === 'never') return this.#fail(WHY_CLOSED.get(code ?? 0) ?? 'fault');
    if (this.#goal.isNone) {
      // Nobody is waited for: the next `find` will dial.
      this.#online = false;
      return [];
    }
    const effects = this.#emitOffline();
    if (advice === 'back-off' && code !== null) this.#backOff.skipTheShortest();
    effects.push(...this.#later(now));
    if (this.#neverReady >= PROBE_AFTER && this.#token.value !== null && !this.#probing) {
      this.#probing = true;
      effects.push({ do: 'probe', token: this.#token.value });
    }
    return effects;
  }

  /** @param {number} now @returns {Effect[]} */
  #later(now) {
    this.#connectAt = now + this.#backOff.next();
    return [];
  }

  /** The session is over: a room is lost with it, a wish is not. @returns {Effect[]} */
  #tokenDied() {
    this.#token.forget();
    return this.#ended('expired');
  }

  /** @param {Extract<ConnectionEvent, {kind: 'failed'}>['why']} why @returns {Effect[]} */
  #fail(why) {
    // Not left, but lost: the room may live on in the window that replaced this one.
    this.#goal.leaveRoom();
    const effects = this.stop();
    this.#token.forget();
    return [...effects, this.#emit({ kind: 'failed', why })];
  }

  // Small things -------------------------------------------------------------------------------------------------

  /** @returns {Effect[]} */
  #emitOffline() {
    this.#online = false;
    return [this.#emit({ kind: 'offline' })];
  }

  /** @param {ConnectionEvent} told @returns {Effect} */
  #emit(told) {
    return { do: 'emit', event: told };
  }

  /** @param {ClientMessage} message @returns {Effect} */
  #send(message) {
    return { do: 'send', socket: /** @type {number} */ (this.#active), text: JSON.stringify(message) };
  }
}
