/**
 * The connection to a server as a pure state machine: it is told what happened and when, and answers with effects.
 * It owns the session token, the room ticket and what the person wants, and gets them over lost connections.
 * Whoever carries out the effects (link.js) decides nothing.
 */

import { Errand } from './errand.js';
import { FINAL, PASSING, WHY_CLOSED, adviceOf } from './protocol.js';
import { BackOff, DIAL_MS, DOUBTED_PONG_MS, Heartbeat, PONG_MS } from './timing.js';

/** @typedef {import('./protocol.js').Find} Find */
/** @typedef {import('./protocol.js').Category} Category */
/** @typedef {import('./protocol.js').EndReason} EndReason */
/** @typedef {import('./protocol.js').Advice} Advice */
/** @typedef {import('./protocol.js').Told} Told */
/** @typedef {import('./protocol.js').Effect} Effect */

/** After so many sockets that never became ready, the server is asked whether the token still holds. */
const PROBE_AFTER = 2;
/** A token that ends sooner than this is not worth a dial. */
const TOKEN_MARGIN_MS = 2_000;

export class Connection {
  #backOff;
  #heartbeat = new Heartbeat();
  /** @type {string | null} */ #token = null;
  #tokenEndsAt = 0;
  /** The socket that is `ready`. @type {number | null} */ #active = null;
  /** The socket that is being opened. @type {number | null} */ #dialing = null;
  #creating = false;
  #probing = false;
  #sockets = 0;
  #neverReady = 0;
  /** Whether the page was told that the connection is there. */ #online = false;
  #stopped = true;

  #errand = new Errand();

  /** @type {number | null} */ #dialAt = null;
  /** @type {number | null} */ #dialGivenUpAt = null;
  /** @type {number | null} */ #askAgainAt = null;

  /** @param {() => number} random A number from 0 to 1, 1 excluded. */
  constructor(random) {
    this.#backOff = new BackOff(random);
  }

  /** Whether the person is in a room, connected to it or not. */
  get inRoom() {
    return this.#errand.inRoom;
  }

  /** The socket over which frames of the room may go now, or `null`. */
  get roomSocket() {
    return this.inRoom && !this.#errand.resuming ? this.#active : null;
  }

  /** The session token, if it still holds. @param {number} now */
  tokenAt(now) {
    return this.#tokenEndsAt - TOKEN_MARGIN_MS > now ? this.#token : null;
  }

  /** When `tick` wants to be called, in milliseconds, or `null`. */
  get wakeAt() {
    const times = [this.#dialAt, this.#dialGivenUpAt, this.#askAgainAt, this.#heartbeat.pingAt, this.#heartbeat.deadAt];
    const set = times.filter((time) => time !== null);
    return set.length > 0 ? Math.min(...set) : null;
  }

  /**
   * Waits for somebody; ends the chat first, if there is one.
   * @param {Find} find
   * @param {number} now
   * @returns {Effect[]}
   */
  find(find, now) {
    const message = this.#errand.seek(find);
    this.#askAgainAt = null;
    this.#stopped = false;
    if (this.#active !== null) return [this.#say(message)];
    return this.#connect(now);
  }

  /** Stops waiting. @returns {Effect[]} */
  cancel() {
    this.#errand.want = null;
    this.#askAgainAt = null;
    return this.#active === null ? [] : [this.#say({ type: 'cancel' })];
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
    const open = [this.#active, this.#dialing].filter((socket) => socket !== null);
    this.#stopped = true;
    this.#errand.want = null;
    this.#errand.leaveRoom();
    this.#active = this.#dialing = null;
    this.#online = false;
    this.#neverReady = 0;
    this.#backOff.reset();
    this.#heartbeat.stop();
    this.#dialAt = this.#dialGivenUpAt = this.#askAgainAt = null;
    return [...farewell, ...open.map((socket) => /** @type {Effect} */ ({ do: 'hang-up', socket }))];
  }

  /**
   * A session was made.
   * @param {{token: string, expires_at: number | string}} session
   * @param {number} now
   * @returns {Effect[]}
   */
  sessionCreated(session, now) {
    this.#creating = false;
    this.#keepToken(session);
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
    if (retryInMs === null) return [...this.#tellOffline(), ...this.#later(now)];
    this.#dialAt = now + retryInMs;
    return [this.#tell({ kind: 'busy', retryInMs })];
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
    if (socket !== this.#active && socket !== this.#dialing) return [];
    this.heard(socket, now);
    const message = JSON.parse(text);
    if (message.type === 'ready') return this.#ready(socket, message, now);
    return socket === this.#active ? this.#control(message, now) : [];
  }

  /**
   * Something came, which shows that the connection lives.
   * @param {number} socket
   * @param {number} now
   */
  heard(socket, now) {
    if (socket === this.#active) this.#heartbeat.heard(now);
  }

  /**
   * A socket has closed, or could not be opened.
   * @param {number} socket
   * @param {number | null} code
   * @param {number} now
   * @returns {Effect[]}
   */
  closed(socket, code, now) {
    if (socket === this.#dialing) {
      this.#dialing = this.#dialGivenUpAt = null;
      this.#neverReady += 1;
      if (this.#active !== null) return this.#later(now);
    } else if (socket === this.#active) {
      this.#lose();
      // The new socket of a node that drains may close the old one before it says `ready` itself.
      if (this.#dialing !== null) return [];
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
    if (this.#dialAt === null) return [];
    this.#dialAt = now;
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
    if (due(this.#heartbeat.deadAt)) effects.push(...this.#giveUp(/** @type {number} */ (this.#active), now));
    else if (due(this.#heartbeat.pingAt)) effects.push(...this.#ping(now, PONG_MS));
    if (due(this.#dialGivenUpAt)) effects.push(...this.#giveUp(/** @type {number} */ (this.#dialing), now));
    if (due(this.#askAgainAt)) effects.push(...this.#askAgain());
    if (due(this.#dialAt)) effects.push(...this.#connect(now));
    return effects;
  }

  // Opening ------------------------------------------------------------------------------------------------------

  /** @param {number} now @returns {Effect[]} */
  #connect(now) {
    this.#dialAt = null;
    const busy = this.#dialing !== null || this.#creating;
    if (busy || this.#errand.isDone) return [];
    if (this.tokenAt(now) !== null) return this.#dial(now);
    if (this.inRoom) return this.#tokenDied();
    this.#creating = true;
    return [{ do: 'create-session' }];
  }

  /** @param {number} now @returns {Effect[]} */
  #dial(now) {
    this.#dialAt = null;
    this.#dialing = ++this.#sockets;
    this.#dialGivenUpAt = now + DIAL_MS;
    return [{ do: 'dial', socket: this.#dialing, token: /** @type {string} */ (this.#token) }];
  }

  /**
   * @param {number} socket
   * @param {{token: string, expires_at: number | string}} message
   * @param {number} now
   * @returns {Effect[]}
   */
  #ready(socket, message, now) {
    this.#keepToken(message);
    /** @type {Effect[]} */
    const effects = [];
    if (socket === this.#dialing) {
      if (this.#active !== null) effects.push({ do: 'hang-up', socket: this.#active });
      this.#active = socket;
      this.#dialing = this.#dialGivenUpAt = this.#dialAt = null;
      this.#neverReady = 0;
      this.#backOff.reset();
      this.heard(socket, now);
    }
    if (!this.#online) effects.push(this.#tell({ kind: 'online' }));
    this.#online = true;
    this.#errand.resuming = this.inRoom;
    return [...effects, ...this.#askAgain()];
  }

  /** Says what the person wants: back into the room, or somebody to talk to. @returns {Effect[]} */
  #askAgain() {
    this.#askAgainAt = null;
    const message = this.#errand.request();
    return this.#active === null || message === null ? [] : [this.#say(message)];
  }

  // While open ---------------------------------------------------------------------------------------------------

  /** @param {any} message @param {number} now @returns {Effect[]} */
  #control(message, now) {
    switch (message.type) {
      case 'waiting':
        return this.#errand.want === null ? [] : [this.#tell({ kind: 'waiting' })];
      case 'paired':
        return this.#paired(message);
      case 'resumed':
        if (!this.inRoom) return [];
        this.#errand.enter(message.ticket);
        return [this.#tell({ kind: 'resumed' })];
      case 'peer':
        return this.inRoom ? [this.#tell({ kind: 'peer', state: message.state })] : [];
      case 'ended':
        return this.#ended(message.reason);
      case 'token':
        this.#keepToken(message);
        if (this.inRoom && message.ticket) this.#errand.ticket = message.ticket;
        return [];
      case 'drain':
        this.#dialAt = now + message.reconnect_in_ms;
        return [];
      case 'error':
        return this.#refused(message.code, now);
      default:
        return [];
    }
  }

  /** @param {{room: string, side: 'a' | 'b', ticket: string}} message @returns {Effect[]} */
  #paired({ room, side, ticket }) {
    // The match was made while our `cancel` was on its way.
    if (this.#errand.want === null) return [this.#say({ type: 'leave' })];
    this.#errand.enter(ticket);
    return [this.#tell({ kind: 'paired', room, side })];
  }

  /** @param {EndReason} reason @returns {Effect[]} */
  #ended(reason) {
    if (!this.inRoom) return [];
    const away = this.roomSocket === null;
    this.#errand.leaveRoom();
    return [this.#tell({ kind: 'ended', reason, away })];
  }

  /** @param {string} code @param {number} now @returns {Effect[]} */
  #refused(code, now) {
    if (PASSING.has(code)) {
      if (this.#errand.request() === null) return [];
      this.#askAgainAt = now + this.#backOff.next();
      return [this.#tell({ kind: 'busy', retryInMs: this.#askAgainAt - now })];
    }
    if (this.#errand.resuming && code !== 'in-room') return this.#ended('expired');
    if (this.#errand.want !== null && FINAL.has(code)) {
      this.#errand.want = null;
      return [this.#tell({ kind: 'refused', code })];
    }
    return [];
  }

  /** @param {object} message @returns {Effect[]} */
  #endRoom(message) {
    if (!this.inRoom) return [];
    const open = this.#active;
    const live = open !== null && !this.#errand.resuming;
    this.#errand.leaveRoom();
    if (live) return [this.#say(message)];
    // Without a connection the other side would wait out the whole grace: one request may still get through.
    return this.#token === null ? [] : [{ do: 'end-room', token: this.#token }];
  }

  /** @param {number} now @param {number} patience @returns {Effect[]} */
  #ping(now, patience) {
    this.#heartbeat.asked(now, patience);
    return [this.#say({ type: 'ping' })];
  }

  // Losing -------------------------------------------------------------------------------------------------------

  /** @param {number} socket @param {number} now @returns {Effect[]} */
  #giveUp(socket, now) {
    return [{ do: 'hang-up', socket }, ...this.closed(socket, null, now)];
  }

  #lose() {
    this.#active = this.#askAgainAt = null;
    this.#heartbeat.stop();
  }

  /** @param {Advice} advice @param {number | null} code @param {number} now @returns {Effect[]} */
  #reconnect(advice, code, now) {
    if (this.#stopped) return [];
    if (advice === 'never') return this.#fail(WHY_CLOSED.get(code ?? 0) ?? 'fault');
    if (this.#errand.isDone) {
      // Nobody is waited for: the next `find` will dial.
      this.#online = false;
      return [];
    }
    const effects = this.#tellOffline();
    if (advice === 'now') this.#backOff.reset();
    effects.push(...this.#later(now));
    if (this.#neverReady >= PROBE_AFTER && this.#token !== null && !this.#probing) {
      this.#probing = true;
      effects.push({ do: 'probe', token: this.#token });
    }
    return effects;
  }

  /** @param {number} now @returns {Effect[]} */
  #later(now) {
    this.#dialAt = now + this.#backOff.next();
    return [];
  }

  /** The session is over: a room is lost with it, a wish is not. @returns {Effect[]} */
  #tokenDied() {
    this.#token = null;
    return this.#ended('expired');
  }

  /** @param {Extract<Told, {kind: 'failed'}>['why']} why @returns {Effect[]} */
  #fail(why) {
    // Not left, but lost: the room may live on in the window that replaced this one.
    this.#errand.leaveRoom();
    const effects = this.stop();
    this.#token = null;
    return [...effects, this.#tell({ kind: 'failed', why })];
  }

  // Small things -------------------------------------------------------------------------------------------------

  /** @param {{token: string, expires_at: number | string}} message */
  #keepToken({ token, expires_at }) {
    this.#token = token;
    this.#tokenEndsAt = typeof expires_at === 'number' ? expires_at * 1000 : Date.parse(expires_at);
  }

  /** @returns {Effect[]} */
  #tellOffline() {
    this.#online = false;
    return [this.#tell({ kind: 'offline' })];
  }

  /** @param {Told} told @returns {Effect} */
  #tell(told) {
    return { do: 'tell', told };
  }

  /** @param {object} message @returns {Effect} */
  #say(message) {
    return { do: 'send', socket: /** @type {number} */ (this.#active), text: JSON.stringify(message) };
  }
}
