/**
 * The connection to a server as a pure state machine: inputs say what happened and when, and it
 * returns effects. It owns the session token and the goal (a find, or a room), which outlast lost
 * connections. The driver (connection-driver.js) carries out the effects and decides nothing.
 */

import { LONGEST_ASKED_MS, LONGEST_PROMISED_MS } from './facts.js';
import { Goal } from './goal.js';
import { DOUBTED_MS } from './liveness.js';
import { outlookOf } from './outlook.js';
import { WHY_CLOSED, adviceOf, emit } from './protocol.js';
import { USUAL, ofMessage } from './service.js';
import { Session } from './session.js';
import { Sockets } from './sockets.js';
import { Told } from './told.js';

/** @typedef {import('./facts.js').Category} Category */
/** @typedef {import('./facts.js').Reconnect} Reconnect */
/** @typedef {import('./facts.js').ServerType} ServerType */
/** @typedef {import('./goal.js').Outcome} Outcome */
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
    waiting: (self, message) => self.#follow(self.#goal.waiting(outlookOf(message))),
    paired: (self, message) => self.#follow(self.#goal.paired(message)),
    resumed: (self, message) => self.#follow(self.#goal.resumed(message)),
    peer: (self, { state }) => (self.inRoom ? [emit({ kind: 'peer', state })] : []),
    ended: (self, { reason }) => self.#follow(self.#goal.ended(reason, true)),
    token: (self, message, now) => (self.#session.keep(message, now), self.#follow(self.#goal.renewed(message.ticket))),
    drain: (self, { reconnect_in_ms }, now) => (self.#sockets.dial.asked(now, reconnect_in_ms), []),
    service: (self, message) => self.#told.service(ofMessage(message)),
    pong: () => [],
    error: (self, { code }, now) => self.#follow(self.#goal.refused(code, now)),
  };

  #sockets;
  #goal;
  #session = new Session();
  #told = new Told();
  #stopped = true;
  /** How long the server keeps the place of a side that is away, if it says so. @type {number | null} */
  graceMs = null;

  /** @param {() => number} random A number from 0 to 1, 1 excluded. */
  constructor(random) {
    this.#sockets = new Sockets(random);
    this.#goal = new Goal(random);
  }

  /** Whether the person is in a room, connected to it or not. */
  get inRoom() {
    return this.#goal.inRoom;
  }

  /** The socket over which frames of the room may go now, or `null`. */
  get roomSocket() {
    return this.inRoom && !this.#goal.resuming ? this.#sockets.active : null;
  }

  /** Whether the server has room for a new session, as far as it has said. @param {number} now */
  hasRoomAt(now) {
    return now >= this.#sockets.dial.notBefore;
  }

  /** The newest session token, or `null`. */
  get token() {
    return this.#session.token;
  }

  /** When to call `tick`, in milliseconds, or `null`. */
  get wakeAt() {
    const set = [...this.#sockets.times, this.#goal.repeatAt].filter((time) => time !== null);
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
    if (this.#sockets.active !== null) return [this.#sockets.send(message)];
    return this.#connect(now);
  }

  /** Ends the chat. @returns {Effect[]} */
  leave() {
    if (!this.inRoom) return [];
    const open = this.#sockets.active;
    const live = open !== null && !this.#goal.resuming;
    this.#goal.leaveRoom();
    if (live) return [this.#sockets.send({ type: 'leave' })];
    // Without a connection the peer would wait for the whole grace. A request over HTTP may still
    // get through.
    return this.#session.token === null ? [] : [{ do: 'end-room', token: this.#session.token }];
  }

  /** Reports the chat, which ends it, or the one that has just ended. @param {Category} category @returns {Effect[]} */
  report(category) {
    const live = this.#sockets.active !== null && !this.#goal.resuming;
    return live ? [this.#sockets.send(this.#goal.report(category))] : this.leave();
  }

  /**
   * Closes the connection. The token stays for the next find, so that the same two are not matched
   * again.
   * @returns {Effect[]}
   */
  stop() {
    const farewell = this.leave();
    this.#stopped = true;
    this.#goal.clear();
    this.#told.forget();
    return [...farewell, ...this.#sockets.stop()];
  }

  /**
   * A session was made.
   * @param {Renewal} session
   * @param {number} now
   * @returns {Effect[]}
   */
  sessionCreated(session, now) {
    this.#session.isBeingMade = this.#session.isClosed = false;
    // A connection has brought a token of its own meanwhile.
    if (this.#sockets.active !== null) return [];
    this.#session.keep(session, now);
    return this.#stopped ? [] : this.#connect(now);
  }

  /**
   * No session could be made.
   * @param {{status: number | null, retryInMs: number | null, silent?: boolean, closed?: boolean, noPass?: boolean}} refusal `status` is
   *   `null` when no server answered, `silent` when none did in time; `noPass`: it does not take the helper's pass.
   * @param {number} now
   * @returns {Effect[]}
   */
  sessionRefused({ status, retryInMs, silent = false, closed = false, noPass = false }, now) {
    this.#session.isBeingMade = false;
    this.#session.isClosed = closed;
    // A 429 says when there is room for this one; who comes earlier is sent to the end of the queue.
    const pause = retryInMs === null ? null : Math.min(retryInMs, status === 429 ? LONGEST_PROMISED_MS : LONGEST_ASKED_MS);
    if (pause !== null) this.#sockets.dial.notBefore = now + pause;
    if (this.#stopped || this.#sockets.active !== null) return [];
    if (status !== null && status !== 429 && status < 500) return this.#fail(noPass ? 'pass' : status === 428 ? 'unproved' : 'forbidden');
    if (pause === null) return this.#offline(silent ? 'silent' : 'lost', now);
    return [this.#session.busy(this.#sockets.dial.refused(now, pause))];
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
    // The room of a session that is over is lost, a find is not.
    const effects = answer === 'dead' ? this.#follow(this.#goal.ended('expired', this.#sockets.active !== null)) : [];
    // Who asked before connecting has nothing else underway.
    const waits = !this.#stopped && this.#sockets.active === null && this.#sockets.dial.at === null;
    if (!waits) return effects;
    if (answer === 'unknown' && this.#sockets.dial.opening === null) return this.#offline('lost', now);
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
    if (!this.#sockets.knows(socket)) return [];
    const effects = this.received(socket, now);
    const message = JSON.parse(text);
    if (!Object.hasOwn(ConnectionMachine.handlers, message.type)) return effects;
    if (socket !== this.#sockets.active && message.type !== 'ready') return effects;
    return [...effects, ...ConnectionMachine.handlers[/** @type {ServerType} */ (message.type)](this, message, now, socket)];
  }

  /**
   * Something was received, which shows that the connection works.
   * @param {number} socket
   * @param {number} now
   * @returns {Effect[]}
   */
  received(socket, now) {
    if (socket !== this.#sockets.active) return [];
    return [...this.#sockets.received(now), ...this.#told.answers()];
  }

  /**
   * Something was sent that is to be answered: a control message, or a frame of the room that the
   * peer answers or acknowledges.
   * @param {number} socket
   * @param {number} now
   */
  sent(socket, now) {
    if (socket === this.#sockets.active) this.#sockets.liveness.sent(now);
  }

  /** The server has taken the upgrade of a socket. @param {number} socket */
  opened(socket) {
    if (socket === this.#sockets.dial.opening) this.#sockets.dial.opened();
  }

  /**
   * A socket has closed, or could not be opened.
   * @param {number} socket
   * @param {number | null | 'silent'} how Its close code; `null` if it broke, `silent` if it was given
   *   up.
   * @param {number} now
   * @returns {Effect[]}
   */
  closed(socket, how, now) {
    const replacedByUs = this.#sockets.dial.hasGivenUp && WHY_CLOSED.get(Number(how)) === 'replaced';
    const code = how === 'silent' || replacedByUs ? null : how;
    /** @type {Effect[]} */
    const effects = [];
    if (socket === this.#sockets.dial.opening) {
      this.#sockets.dial.failed();
      if (this.#sockets.active !== null) return (this.#sockets.dial.later(now), []);
    } else if (socket === this.#sockets.active) {
      this.#sockets.lost(now);
      effects.push(...this.#follow(this.#goal.disconnected()));
      // A new connection may close the old one before its own `ready` comes.
      if (this.#sockets.dial.opening !== null && WHY_CLOSED.get(code ?? 0) !== 'session-over') return [...effects, ...this.#inRoomOnly({ kind: 'moving' })];
    } else {
      return [];
    }
    return [...effects, ...this.#reconnect(adviceOf(code), code, how === 'silent' ? 'silent' : 'lost', now)];
  }

  /**
   * Checks the connection at once, because the network is back or the page is visible again.
   * @param {number} now
   * @returns {Effect[]}
   */
  nudge(now) {
    if (this.#stopped) return [];
    if (this.#sockets.active !== null) return this.#sockets.ask(now, DOUBTED_MS);
    this.#sockets.dial.hurry(now);
    return this.tick(now);
  }

  /** Time has passed. @param {number} now @returns {Effect[]} */
  tick(now) {
    /** @type {Effect[]} */
    const effects = [];
    const due = (/** @type {number | null} */ time) => time !== null && time <= now;
    const { dial, liveness } = this.#sockets;
    if (due(liveness.lostAt)) effects.push(...this.#abandon(/** @type {number} */ (this.#sockets.active), now));
    else if (due(liveness.tellAt)) effects.push(...(liveness.told(), this.#told.silent()));
    else if (due(liveness.replaceAt)) effects.push(...this.#replace(now));
    else if (due(liveness.askAt)) effects.push(...this.#sockets.ask(now));
    else if (due(liveness.pingAt)) effects.push(...this.#sockets.ping(now));
    if (due(dial.abandonAt)) effects.push(...this.#abandon(/** @type {number} */ (dial.opening), now));
    if (due(this.#goal.repeatAt)) effects.push(...this.#repeatGoal());
    if (due(dial.at)) effects.push(...this.#connect(now));
    return effects;
  }

  // Opening ------------------------------------------------------------------------------------------------------

  /** @param {number} now @returns {Effect[]} */
  #connect(now) {
    this.#sockets.dial.at = null;
    const busy = this.#sockets.dial.opening !== null || this.#session.isBeingMade;
    if (busy || this.#goal.isNone) return [];
    if (this.#session.token === null) return this.#makeSession(now);
    if (this.#sockets.active === null && !this.#session.isFresh(now)) return this.#session.probe();
    return [{ do: 'connect', socket: this.#sockets.dial.begin(now), token: this.#session.token }];
  }

  /** Makes a session, when the server has room for it. @param {number} now @returns {Effect[]} */
  #makeSession(now) {
    const { dial } = this.#sockets;
    if (this.hasRoomAt(now)) return this.#session.make();
    dial.at = dial.notBefore;
    return [this.#session.busy(dial.at - now)];
  }

  /**
   * @param {number} socket
   * @param {Renewal & {limits?: {grace_ms?: number}}} message
   * @param {number} now
   * @returns {Effect[]}
   */
  #ready(socket, message, now) {
    this.#session.keep(message, now);
    this.graceMs = message.limits?.grace_ms ?? null;
    /** @type {Effect[]} */
    const effects = [];
    if (socket === this.#sockets.dial.opening) {
      const replaced = this.#sockets.ready(now);
      effects.push(...replaced);
      if (replaced.length > 0) effects.push(...this.#inRoomOnly({ kind: 'moving' }));
    }
    effects.push(...this.#told.online());
    this.#goal.resuming = this.inRoom;
    // What is not as usual the server says after this.
    return [...effects, ...this.#told.service(USUAL), ...this.#repeatGoal()];
  }

  /** Sends what the goal needs: `resume`, or `find`. @returns {Effect[]} */
  #repeatGoal() {
    this.#goal.repeatAt = null;
    const message = this.#goal.message();
    return this.#sockets.active === null || message === null ? [] : [this.#sockets.send(message)];
  }

  /** Opens another connection beside one that is silent. @param {number} now @returns {Effect[]} */
  #replace(now) {
    this.#sockets.liveness.replaced(now);
    if (this.#sockets.dial.opening !== null) return [];
    // After a `drain` the connection is replaced in any case.
    this.#sockets.dial.isSpare = this.#sockets.dial.at === null;
    return this.#connect(now);
  }

  // Losing -------------------------------------------------------------------------------------------------------

  /** @param {number} socket @param {number} now @returns {Effect[]} */
  #abandon(socket, now) {
    return [{ do: 'close', socket }, ...this.closed(socket, 'silent', now)];
  }

  /**
   * @param {Reconnect} advice
   * @param {number | null} code
   * @param {'lost' | 'silent'} why
   * @param {number} now
   * @returns {Effect[]}
   */
  #reconnect(advice, code, why, now) {
    if (this.#stopped) return [];
    if (advice === 'never') return this.#fail(WHY_CLOSED.get(code ?? 0) ?? 'fault');
    if (this.#goal.isNone) {
      // There is no goal: the next find connects again.
      this.#told.forget();
      return [];
    }
    if (advice === 'back-off' && code !== null) this.#sockets.dial.skipTheShortest();
    const effects = this.#offline(why, now);
    if (this.#sockets.dial.isInDoubt) effects.push(...this.#session.probe());
    return effects;
  }

  /** @param {Extract<ConnectionEvent, {kind: 'failed'}>['why']} why @returns {Effect[]} */
  #fail(why) {
    // Do not send `leave`: the room may go on in the window that replaced this one.
    this.#goal.leaveRoom();
    const effects = this.stop();
    this.#session.forget();
    return [...effects, emit({ kind: 'failed', why })];
  }

  /** There is no connection; tries again later. @param {'lost' | 'silent'} why @param {number} now @returns {Effect[]} */
  #offline(why, now) {
    this.#sockets.dial.later(now);
    return this.#told.offline(why);
  }

  /** @param {ConnectionEvent} event @returns {Effect[]} */
  #inRoomOnly(event) {
    return this.inRoom ? [emit(event)] : [];
  }

  /** What comes of a message of the server. @param {Outcome} outcome @returns {Effect[]} */
  #follow(outcome) {
    if (outcome === null) return [];
    /** @type {Effect[]} */
    const effects = outcome.send === undefined ? [] : [this.#sockets.send(outcome.send)];
    return outcome.emit === undefined ? effects : [...effects, emit(outcome.emit)];
  }
}
