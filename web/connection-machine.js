/**
 * The connection to a server as a pure state machine: inputs say what happened and when, and it
 * returns effects. It owns the session token and the goal (a find, or a room), which outlast lost
 * connections. The driver (connection-driver.js) carries out the effects and decides nothing.
 */

import { Dial } from './dial.js';
import { Goal } from './goal.js';
import { WHY_CLOSED, adviceOf } from './protocol.js';
import { Session } from './session.js';
import { DOUBTED_PONG_MS, Heartbeat, PONG_MS } from './timing.js';

/** @typedef {import('./facts.js').Category} Category */
/** @typedef {import('./facts.js').Reconnect} Reconnect */
/** @typedef {import('./facts.js').ServerType} ServerType */
/** @typedef {import('./goal.js').Outcome} Outcome */
/** @typedef {import('./protocol.js').ClientMessage} ClientMessage */
/** @typedef {import('./protocol.js').Criteria} Criteria */
/** @typedef {import('./protocol.js').ConnectionEvent} ConnectionEvent */
/** @typedef {import('./protocol.js').Effect} Effect */
/** @typedef {import('./session.js').Renewal} Renewal */

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
    token: (self, message, now) => self.#renewed(message, now),
    drain: (self, message, now) => self.#draining(message, now),
    pong: () => [],
    error: (self, { code }, now) => self.#follow(self.#goal.refused(code, now)),
  };

  #dial;
  #goal;
  #heartbeat = new Heartbeat();
  #session = new Session();
  /** The socket that is `ready`. @type {number | null} */ #active = null;
  /** Whether the page knows that the connection works. */ #online = false;
  #stopped = true;

  /** @param {() => number} random A number from 0 to 1, 1 excluded. */
  constructor(random) {
    this.#dial = new Dial(random);
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

  /** The newest session token, or `null`. */
  get token() {
    return this.#session.token;
  }

  /** When to call `tick`, in milliseconds, or `null`. */
  get wakeAt() {
    const { pingAt, deadAt } = this.#heartbeat;
    const times = [this.#dial.at, this.#dial.abandonAt, this.#goal.repeatAt, pingAt, deadAt];
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
    const open = [this.#active, this.#dial.opening].filter((socket) => socket !== null);
    this.#stopped = true;
    this.#goal.clear();
    this.#active = null;
    this.#online = false;
    this.#dial.stop();
    this.#heartbeat.stop();
    return [...farewell, ...open.map((socket) => /** @type {Effect} */ ({ do: 'close', socket }))];
  }

  /**
   * A session was made.
   * @param {Renewal} session
   * @param {number} now
   * @returns {Effect[]}
   */
  sessionCreated(session, now) {
    this.#session.isBeingMade = false;
    // A connection has brought a token of its own meanwhile.
    if (this.#active !== null) return [];
    this.#session.keep(session, now);
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
    this.#session.isBeingMade = false;
    if (this.#stopped || this.#active !== null) return [];
    if (status !== null && status !== 429 && status < 500) return this.#fail('forbidden');
    if (retryInMs === null) return [...this.#emitOffline(), ...this.#later(now)];
    return [this.#emit({ kind: 'busy', retryInMs: this.#dial.refused(now, retryInMs) })];
  }

  /**
   * The answer to whether a token is still valid.
   * @param {string} token
   * @param {'holds' | 'dead' | 'unknown'} answer
   * @param {number} now
   * @returns {Effect[]}
   */
  probed(token, answer, now) {
    if (!this.#session.probed(token, answer)) return [];
    const effects = answer === 'dead' ? this.#sessionDied() : [];
    // Who asked before connecting has nothing else underway.
    const waits = !this.#stopped && this.#active === null && this.#dial.at === null;
    if (!waits) return effects;
    if (answer === 'unknown' && this.#dial.opening === null) return [...this.#emitOffline(), ...this.#later(now)];
    return [...effects, ...this.#connect(now)];
  }

  /**
   * A text message came.
   * @param {number} socket
   * @param {string} text
   * @param {number} now
   * @returns {Effect[]}
   */
  text(socket, text, now) {
    if (socket !== this.#active && socket !== this.#dial.opening) return [];
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
    if (socket === this.#dial.opening) {
      this.#dial.failed();
      if (this.#active !== null) return this.#later(now);
    } else if (socket === this.#active) {
      this.#lose(now);
      // While a node drains, the new connection may close the old one before its own `ready` comes.
      if (this.#dial.opening !== null) return [];
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
    if (this.#dial.at === null) return [];
    this.#dial.at = now;
    return this.tick(now);
  }

  /** Time has passed. @param {number} now @returns {Effect[]} */
  tick(now) {
    /** @type {Effect[]} */
    const effects = [];
    const due = (/** @type {number | null} */ time) => time !== null && time <= now;
    if (due(this.#heartbeat.deadAt)) effects.push(...this.#abandon(/** @type {number} */ (this.#active), now));
    else if (due(this.#heartbeat.pingAt)) effects.push(...this.#ping(now, PONG_MS));
    if (due(this.#dial.abandonAt)) effects.push(...this.#abandon(/** @type {number} */ (this.#dial.opening), now));
    if (due(this.#goal.repeatAt)) effects.push(...this.#repeatGoal());
    if (due(this.#dial.at)) effects.push(...this.#connect(now));
    return effects;
  }

  // Opening ------------------------------------------------------------------------------------------------------

  /** @param {number} now @returns {Effect[]} */
  #connect(now) {
    this.#dial.at = null;
    const busy = this.#dial.opening !== null || this.#session.isBeingMade;
    if (busy || this.#goal.isNone) return [];
    if (this.#session.token === null) return this.#session.make();
    if (!this.#session.isFresh(now)) return this.#session.probe();
    return [{ do: 'connect', socket: this.#dial.begin(now), token: this.#session.token }];
  }

  /**
   * @param {number} socket
   * @param {Renewal} message
   * @param {number} now
   * @returns {Effect[]}
   */
  #ready(socket, message, now) {
    this.#session.keep(message, now);
    /** @type {Effect[]} */
    const effects = [];
    if (socket === this.#dial.opening) {
      if (this.#active !== null) effects.push({ do: 'close', socket: this.#active });
      this.#active = socket;
      this.#dial.succeeded(now);
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
   * @param {Renewal & {ticket?: string}} message
   * @param {number} now
   * @returns {Effect[]}
   */
  #renewed(message, now) {
    this.#session.keep(message, now);
    this.#goal.renewed(message.ticket);
    return [];
  }

  /** @param {{reconnect_in_ms: number}} message @param {number} now @returns {Effect[]} */
  #draining({ reconnect_in_ms }, now) {
    this.#dial.asked(now, reconnect_in_ms);
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
    return this.#session.token === null ? [] : [{ do: 'end-room', token: this.#session.token }];
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
    this.#dial.lost(now);
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
    if (advice === 'back-off' && code !== null) this.#dial.skipTheShortest();
    effects.push(...this.#later(now));
    if (this.#dial.isInDoubt) effects.push(...this.#session.probe());
    return effects;
  }

  /** @param {number} now @returns {Effect[]} */
  #later(now) {
    this.#dial.later(now);
    return [];
  }

  /** The session is over. Its room is lost, a find is not. @returns {Effect[]} */
  #sessionDied() {
    return this.#follow(this.#goal.ended('expired', this.#active !== null));
  }

  /** @param {Extract<ConnectionEvent, {kind: 'failed'}>['why']} why @returns {Effect[]} */
  #fail(why) {
    // Do not send `leave`: the room may go on in the window that replaced this one.
    this.#goal.leaveRoom();
    const effects = this.stop();
    this.#session.forget();
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
