/**
 * The connection to a server as a pure state machine: it is told what happened and when, and answers with effects.
 * It owns the session token, the room ticket and what the person wants, and gets them over lost connections.
 * Whoever carries out the effects (connection-driver.js) decides nothing.
 */

import { Goal } from './goal.js';
import { FINAL, PASSING, WHY_CLOSED, adviceOf } from './protocol.js';
import { SessionToken } from './session-token.js';
import { BackOff, DIAL_MS, DOUBTED_PONG_MS, Heartbeat, PONG_MS } from './timing.js';

/** @typedef {import('./protocol.js').Criteria} Criteria */
/** @typedef {import('./protocol.js').Category} Category */
/** @typedef {import('./protocol.js').EndReason} EndReason */
/** @typedef {import('./protocol.js').Advice} Advice */
/** @typedef {import('./protocol.js').ConnectionEvent} ConnectionEvent */
/** @typedef {import('./protocol.js').Effect} Effect */

/** After so many sockets that never became ready, the server is asked whether the token still holds. */
const PROBE_AFTER = 2;

export class ConnectionMachine {
  #backOff;
  #heartbeat = new Heartbeat();
  #token = new SessionToken();
  /** The socket that is `ready`. @type {number | null} */ #active = null;
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
    this.#backOff = new BackOff(random);
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
    this.#connectAt = now + retryInMs;
    return [this.#emit({ kind: 'busy', retryInMs })];
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
    if (message.type === 'ready') return this.#ready(socket, message, now);
    return socket === this.#active ? this.#control(message, now) : [];
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
      this.#lose();
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
      this.#backOff.reset();
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

  /** @param {any} message @param {number} now @returns {Effect[]} */
  #control(message, now) {
    switch (message.type) {
      case 'waiting':
        return this.#goal.criteria === null ? [] : [this.#emit({ kind: 'waiting' })];
      case 'paired':
        return this.#paired(message);
      case 'resumed':
        if (!this.inRoom) return [];
        this.#goal.enter(message.ticket);
        return [this.#emit({ kind: 'resumed' })];
      case 'peer':
        return this.inRoom ? [this.#emit({ kind: 'peer', state: message.state })] : [];
      case 'ended':
        return this.#ended(message.reason);
      case 'token':
        this.#token.keep(message);
        if (this.inRoom && message.ticket) this.#goal.ticket = message.ticket;
        return [];
      case 'drain':
        this.#connectAt = now + message.reconnect_in_ms;
        return [];
      case 'error':
        return this.#serverError(message.code, now);
      default:
        return [];
    }
  }

  /** @param {{room: string, side: 'a' | 'b', ticket: string}} message @returns {Effect[]} */
  #paired({ room, side, ticket }) {
    // The match was made while our `cancel` was on its way.
    if (this.#goal.criteria === null) return [this.#send({ type: 'leave' })];
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
    if (PASSING.has(code)) {
      if (this.#goal.message() === null) return [];
      this.#repeatGoalAt = now + this.#backOff.next();
      return [this.#emit({ kind: 'busy', retryInMs: this.#repeatGoalAt - now })];
    }
    if (this.#goal.resuming && code !== 'in-room') return this.#ended('expired');
    if (this.#goal.criteria !== null && FINAL.has(code)) {
      this.#goal.criteria = null;
      return [this.#emit({ kind: 'refused', code })];
    }
    return [];
  }

  /** @param {object} message @returns {Effect[]} */
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

  #lose() {
    this.#active = this.#repeatGoalAt = null;
    this.#heartbeat.stop();
  }

  /** @param {Advice} advice @param {number | null} code @param {number} now @returns {Effect[]} */
  #reconnect(advice, code, now) {
    if (this.#stopped) return [];
    if (advice === 'never') return this.#fail(WHY_CLOSED.get(code ?? 0) ?? 'fault');
    if (this.#goal.isNone) {
      // Nobody is waited for: the next `find` will dial.
      this.#online = false;
      return [];
    }
    const effects = this.#emitOffline();
    if (advice === 'now') this.#backOff.reset();
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

  /** @param {object} message @returns {Effect} */
  #send(message) {
    return { do: 'send', socket: /** @type {number} */ (this.#active), text: JSON.stringify(message) };
  }
}
