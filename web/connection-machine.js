/**
 * The connection to a server as a pure state machine: inputs say what happened and when, and it
 * returns effects. It owns the session token and the goal (a find, or a room), which outlast lost
 * connections. The driver (connection-driver.js) carries out the effects and decides nothing.
 */

import { FIRST_WINDOW_MS, LONGEST_ASKED_MS, STABLE_MS } from './facts.js';
import { Goal } from './goal.js';
import { WHY_CLOSED, adviceOf } from './protocol.js';
import { SessionToken } from './session.js';
import { BackOff, DIAL_MS, DOUBTED_PONG_MS, Heartbeat, PONG_MS } from './timing.js';

/** @typedef {import('./facts.js').Category} Category */
/** @typedef {import('./facts.js').Reconnect} Reconnect */
/** @typedef {import('./facts.js').ServerType} ServerType */
/** @typedef {import('./goal.js').Outcome} Outcome */
/** @typedef {import('./protocol.js').ClientMessage} ClientMessage */
/** @typedef {import('./protocol.js').Criteria} Criteria */
/** @typedef {import('./protocol.js').ConnectionEvent} ConnectionEvent */
/** @typedef {import('./protocol.js').Effect} Effect */

/**
 * After this many sockets in a row that never became ready, the server is asked whether the token
 * is still valid.
 */
const PROBE_AFTER = 2;

export class ConnectionMachine {
  /**
   * What is done about each message of the server. A newer server may send others; they are
   * ignored.
   * @type {Readonly<Record<ServerType,
   *   (self: ConnectionMachine, message: any, now: number, socket: number) => Effect[]>>}
   */
  static handlers = {
    ready: (self, message, now, socket) => self.#ready(socket, message, now),
    waiting: (self) => self.#follow(self.#goal.waiting()),
    paired: (self, message) => self.#follow(self.#goal.paired(message)),
    resumed: (self, message) => self.#follow(self.#goal.resumed(message)),
    peer: (self, { state }) => (self.inRoom ? [self.#emit({ kind: 'peer', state })] : []),
    ended: (self, { reason }) => self.#follow(self.#goal.ended(reason, true)),
    token: (self, message) => self.#renewed(message),
    drain: (self, message, now) => self.#draining(message, now),
    pong: () => [],
    error: (self, { code }, now) => self.#follow(self.#goal.refused(code, now)),
  };

  /** Pauses between connections. */ #backOff;
  #goal;
  #heartbeat = new Heartbeat();
  #token = new SessionToken();
  /** The socket that is `ready`. @type {number | null} */ #active = null;
  /** Since when it is. */ #readySince = 0;
  /** The socket that is being opened. @type {number | null} */ #opening = null;
  #creating = false;
  #probing = false;
  #sockets = 0;
  #neverReady = 0;
  /** Whether the page knows that the connection works. */ #online = false;
  #stopped = true;

  /** @type {number | null} */ #connectAt = null;
  /** @type {number | null} */ #abandonAt = null;

  /** @param {() => number} random A number from 0 to 1, 1 excluded. */
  constructor(random) {
    this.#backOff = new BackOff(random, FIRST_WINDOW_MS);
    this.#goal = new Goal(random);
  }

  /** Whether the person is in a room, connected to it or not. */
  get inRoom() {
    return this.#goal.inRoom;
  }

  /** The socket over which frames of the room may go now, or `null`. */
  get roomSocket() {
    return this.inRoom && !this.#goal.resuming ? this.#active : null;
  }

  /** The session token, if it is still valid. @param {number} now */
  tokenAt(now) {
    return this.#token.at(now);
  }

  /** When to call `tick`, in milliseconds, or `null`. */
  get wakeAt() {
    const { pingAt, deadAt } = this.#heartbeat;
    const times = [this.#connectAt, this.#abandonAt, this.#goal.repeatAt, pingAt, deadAt];
    const set = times.filter((time) => time !== null);
    return set.length > 0 ? Math.min(...set) : null;
  }

  /**
   * Waits for somebody; ends the chat first, if there is one.
   * @param {Criteria} criteria
   * @param {number} now
   * @returns {Effect[]}
   */
  find(criteria, now) {
    const message = this.#goal.find(criteria);
    this.#stopped = false;
    if (this.#active !== null) return [this.#send(message)];
    return this.#connect(now);
  }

  /** Stops waiting. @returns {Effect[]} */
  cancel() {
    this.#goal.cancel();
    return this.#active === null ? [] : [this.#send({ type: 'cancel' })];
  }

  /** Ends the chat. @returns {Effect[]} */
  leave() {
    return this.#endRoom({ type: 'leave' });
  }

  /** Ends the chat with a report. @param {Category} category @returns {Effect[]} */
  report(category) {
    return this.#endRoom({ type: 'report', category });
  }

  /**
   * Closes the connection. The token stays for the next find, so that the same two are not matched
   * again.
   * @returns {Effect[]}
   */
  stop() {
    const farewell = this.leave();
    const open = [this.#active, this.#opening].filter((socket) => socket !== null);
    this.#stopped = true;
    this.#goal.clear();
    this.#active = this.#opening = null;
    this.#online = false;
    this.#neverReady = 0;
    this.#backOff.reset();
    this.#heartbeat.stop();
    this.#connectAt = this.#abandonAt = null;
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
   * @param {{status: number | null, retryInMs: number | null}} refusal `status` is `null` when no
   *   server answered.
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
   * The answer to whether the token is still valid.
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
   * Something was received, which shows that the connection works.
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
      // While a node drains, the new connection may close the old one before its own `ready` comes.
      if (this.#opening !== null) return [];
    } else {
      return [];
    }
    return this.#reconnect(adviceOf(code), code, now);
  }

  /**
   * Checks the connection at once, because the network is back or the page is visible again.
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

  /** Time has passed. @param {number} now @returns {Effect[]} */
  tick(now) {
    /** @type {Effect[]} */
    const effects = [];
    const due = (/** @type {number | null} */ time) => time !== null && time <= now;
    if (due(this.#heartbeat.deadAt)) effects.push(...this.#abandon(/** @type {number} */ (this.#active), now));
    else if (due(this.#heartbeat.pingAt)) effects.push(...this.#ping(now, PONG_MS));
    if (due(this.#abandonAt)) effects.push(...this.#abandon(/** @type {number} */ (this.#opening), now));
    if (due(this.#goal.repeatAt)) effects.push(...this.#repeatGoal());
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

  /** Sends what the goal needs: `resume`, or `find`. @returns {Effect[]} */
  #repeatGoal() {
    this.#goal.repeatAt = null;
    const message = this.#goal.message();
    return this.#active === null || message === null ? [] : [this.#send(message)];
  }

  // While open ---------------------------------------------------------------------------------------------------

  /**
   * @param {{token: string, expires_at: number | string, ticket?: string}} message
   * @returns {Effect[]}
   */
  #renewed(message) {
    this.#token.keep(message);
    this.#goal.renewed(message.ticket);
    return [];
  }

  /** @param {{reconnect_in_ms: number}} message @param {number} now @returns {Effect[]} */
  #draining({ reconnect_in_ms }, now) {
    this.#connectAt = now + Math.min(reconnect_in_ms, LONGEST_ASKED_MS);
    return [];
  }

  /** @param {ClientMessage} message @returns {Effect[]} */
  #endRoom(message) {
    if (!this.inRoom) return [];
    const open = this.#active;
    const live = open !== null && !this.#goal.resuming;
    this.#goal.leaveRoom();
    if (live) return [this.#send(message)];
    // Without a connection the peer would wait for the whole grace. A request over HTTP may still
    // get through.
    return this.#token.value === null ? [] : [{ do: 'end-room', token: this.#token.value }];
  }

  /** @param {number} now @param {number} timeout @returns {Effect[]} */
  #ping(now, timeout) {
    this.#heartbeat.pinged(now, timeout);
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
    this.#active = this.#goal.repeatAt = null;
    this.#heartbeat.stop();
  }

  /**
   * @param {Reconnect} advice
   * @param {number | null} code
   * @param {number} now
   * @returns {Effect[]}
   */
  #reconnect(advice, code, now) {
    if (this.#stopped) return [];
    if (advice === 'never') return this.#fail(WHY_CLOSED.get(code ?? 0) ?? 'fault');
    if (this.#goal.isNone) {
      // There is no goal: the next find connects again.
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

  /** The session is over. Its room is lost, a find is not. @returns {Effect[]} */
  #tokenDied() {
    this.#token.forget();
    return this.#follow(this.#goal.ended('expired', this.#active !== null));
  }

  /** @param {Extract<ConnectionEvent, {kind: 'failed'}>['why']} why @returns {Effect[]} */
  #fail(why) {
    // Do not send `leave`: the room may go on in the window that replaced this one.
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

  /** What comes of a message of the server. @param {Outcome} outcome @returns {Effect[]} */
  #follow(outcome) {
    if (outcome === null) return [];
    return ['send' in outcome ? this.#send(outcome.send) : this.#emit(outcome.emit)];
  }

  /** @param {ConnectionEvent} event @returns {Effect} */
  #emit(event) {
    return { do: 'emit', event };
  }

  /** @param {ClientMessage} message @returns {Effect} */
  #send(message) {
    return { do: 'send', socket: /** @type {number} */ (this.#active), text: JSON.stringify(message) };
  }
}
