/**
 * The connection to a server as a pure state machine: it is told what happened and when, and answers with effects.
 * It owns the session token, the room ticket and what the person wants, and gets them over lost connections.
 * Whoever carries out the effects (link.js) decides nothing.
 */

/** @typedef {'seek' | 'offer'} Role */
/** @typedef {{topic?: string, lang?: string, role?: Role, invite?: string}} Find */
/** @typedef {'abuse' | 'spam' | 'minor' | 'other'} Category */
/** @typedef {'left' | 'expired' | 'reported' | 'shutdown'} EndReason */
/** @typedef {'now' | 'back-off' | 'never'} Advice */

/**
 * What the page is told.
 * @typedef {{kind: 'online'} | {kind: 'offline'}
 *   | {kind: 'busy', retryInMs: number}
 *   | {kind: 'waiting'}
 *   | {kind: 'paired', room: string, side: 'a' | 'b'}
 *   | {kind: 'resumed'}
 *   | {kind: 'peer', state: 'online' | 'away'}
 *   | {kind: 'ended', reason: EndReason}
 *   | {kind: 'refused', code: string}
 *   | {kind: 'failed', why: 'replaced' | 'session-over' | 'forbidden' | 'fault'}} Told
 */

/**
 * What is to be done. `socket` numbers the sockets, so that late news of an old one is told apart.
 * @typedef {{do: 'create-session'} | {do: 'probe', token: string} | {do: 'end-room', token: string}
 *   | {do: 'dial', socket: number, token: string}
 *   | {do: 'send', socket: number, text: string}
 *   | {do: 'hang-up', socket: number}
 *   | {do: 'tell', told: Told}} Effect
 */

/** First pause before another try; doubled up to the longest, and each time a random part of it is taken. */
export const FIRST_PAUSE_MS = 500;
/** Longest pause: several tries fit into the minute that a room waits for whoever lost the connection. */
export const LONGEST_PAUSE_MS = 10_000;
/** A socket that is not `ready` after this time is given up. */
export const DIAL_MS = 10_000;
/** After this long without a word from the server the page asks. */
export const SILENCE_MS = 20_000;
/** An answer that takes longer than this means that the connection is dead. */
export const PONG_MS = 8_000;
/** The same, when there is a reason to doubt the connection (back from sleep, network changed). */
export const DOUBTED_PONG_MS = 3_000;
/** After so many sockets that never became ready, the server is asked whether the token still holds. */
const PROBE_AFTER = 2;
/** A token that ends sooner than this is not worth a dial. */
const TOKEN_MARGIN_MS = 2_000;

/** Refusals after which asking again makes sense. */
const PASSING = new Set(['unavailable', 'rate']);
/** Refusals of a find that no repetition will change. */
const FINAL = new Set([
  'bad-topic', 'bad-language', 'bad-invite', 'topic-not-offered', 'matching-not-offered', 'invite-spent',
]);

/**
 * What a close code says a client should do.
 * @param {number | null} code `null`: the connection broke without a close frame.
 * @returns {Advice}
 */
export function adviceOf(code) {
  if (code === 1012) return 'now';
  if (code === 1000 || code === 1002 || code === 1007) return 'never';
  if (code !== null && code >= 4100 && code <= 4199) return 'never';
  return 'back-off';
}

export class Connection {
  /** @type {() => number} */ #random;
  /** @type {string | null} */ #token = null;
  #tokenEndsAt = 0;
  /** The socket that is `ready`. @type {number | null} */ #active = null;
  /** The socket that is being opened. @type {number | null} */ #dialing = null;
  #creating = false;
  #probing = false;
  #sockets = 0;
  #failures = 0;
  #neverReady = 0;
  /** Whether the page was told that the connection is there. */ #online = false;
  #stopped = true;

  /** Whom the person waits for. @type {Find | null} */ #want = null;
  /** The way back into the room. @type {string | null} */ #ticket = null;
  #resuming = false;

  /** @type {number | null} */ #dialAt = null;
  /** @type {number | null} */ #dialGivenUpAt = null;
  /** @type {number | null} */ #askAgainAt = null;
  /** @type {number | null} */ #pingAt = null;
  /** @type {number | null} */ #deadAt = null;

  /** @param {() => number} random A number from 0 to 1, 1 excluded. */
  constructor(random) {
    this.#random = random;
  }

  /** Whether the person is in a room, connected to it or not. */
  get inRoom() {
    return this.#ticket !== null;
  }

  /** The socket over which frames of the room may go now, or `null`. */
  get roomSocket() {
    return this.inRoom && !this.#resuming ? this.#active : null;
  }

  /** The session token, if it still holds. @param {number} now */
  tokenAt(now) {
    return this.#tokenEndsAt - TOKEN_MARGIN_MS > now ? this.#token : null;
  }

  /** When `tick` wants to be called, in milliseconds, or `null`. */
  get wakeAt() {
    const times = [this.#dialAt, this.#dialGivenUpAt, this.#askAgainAt, this.#pingAt, this.#deadAt];
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
    const type = this.inRoom ? 'next' : 'find';
    this.#want = find;
    this.#forgetRoom();
    this.#askAgainAt = null;
    this.#stopped = false;
    if (this.#active !== null) return [this.#say({ type, ...find })];
    return this.#connect(now);
  }

  /** Stops waiting. @returns {Effect[]} */
  cancel() {
    this.#want = null;
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
    this.#want = null;
    this.#forgetRoom();
    this.#active = this.#dialing = null;
    this.#online = false;
    this.#failures = this.#neverReady = 0;
    this.#clearTimes();
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
    const idle = this.#stopped || this.#dialing !== null || this.#active !== null;
    return idle ? [] : this.#connect(now);
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
    if (socket !== this.#active) return;
    this.#pingAt = now + SILENCE_MS;
    this.#deadAt = null;
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
    if (due(this.#deadAt)) effects.push(...this.#giveUp(/** @type {number} */ (this.#active), now));
    else if (due(this.#pingAt)) effects.push(...this.#ping(now, PONG_MS));
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
    if (busy || (this.#want === null && !this.inRoom)) return [];
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
      this.#failures = this.#neverReady = 0;
      this.heard(socket, now);
    }
    if (!this.#online) effects.push(this.#tell({ kind: 'online' }));
    this.#online = true;
    this.#resuming = this.inRoom;
    return [...effects, ...this.#askAgain()];
  }

  /** Says what the person wants: back into the room, or somebody to talk to. @returns {Effect[]} */
  #askAgain() {
    this.#askAgainAt = null;
    if (this.#active === null) return [];
    if (this.#resuming) return [this.#say({ type: 'resume', ticket: this.#ticket })];
    return this.#want === null ? [] : [this.#say({ type: 'find', ...this.#want })];
  }

  // While open ---------------------------------------------------------------------------------------------------

  /** @param {any} message @param {number} now @returns {Effect[]} */
  #control(message, now) {
    switch (message.type) {
      case 'waiting':
        return this.#want === null ? [] : [this.#tell({ kind: 'waiting' })];
      case 'paired':
        return this.#paired(message);
      case 'resumed':
        if (!this.inRoom) return [];
        this.#ticket = message.ticket;
        this.#resuming = false;
        return [this.#tell({ kind: 'resumed' })];
      case 'peer':
        return this.inRoom ? [this.#tell({ kind: 'peer', state: message.state })] : [];
      case 'ended':
        return this.#ended(message.reason);
      case 'token':
        this.#keepToken(message);
        if (this.inRoom && message.ticket) this.#ticket = message.ticket;
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
    if (this.#want === null) return [this.#say({ type: 'leave' })];
    this.#want = null;
    this.#ticket = ticket;
    this.#resuming = false;
    return [this.#tell({ kind: 'paired', room, side })];
  }

  /** @param {EndReason} reason @returns {Effect[]} */
  #ended(reason) {
    if (!this.inRoom) return [];
    this.#forgetRoom();
    return [this.#tell({ kind: 'ended', reason })];
  }

  /** @param {string} code @param {number} now @returns {Effect[]} */
  #refused(code, now) {
    const asking = this.#resuming || this.#want !== null;
    if (PASSING.has(code)) {
      if (!asking) return [];
      this.#askAgainAt = now + this.#pause();
      return [this.#tell({ kind: 'busy', retryInMs: this.#askAgainAt - now })];
    }
    if (this.#resuming && code !== 'in-room') return this.#ended('expired');
    if (this.#want !== null && FINAL.has(code)) {
      this.#want = null;
      return [this.#tell({ kind: 'refused', code })];
    }
    return [];
  }

  /** @param {object} message @returns {Effect[]} */
  #endRoom(message) {
    if (!this.inRoom) return [];
    const open = this.#active;
    const live = open !== null && !this.#resuming;
    this.#forgetRoom();
    if (live) return [this.#say(message)];
    // Without a connection the other side would wait out the whole grace: one request may still get through.
    return this.#token === null ? [] : [{ do: 'end-room', token: this.#token }];
  }

  /** @param {number} now @param {number} patience @returns {Effect[]} */
  #ping(now, patience) {
    this.#pingAt = null;
    this.#deadAt = Math.min(this.#deadAt ?? Infinity, now + patience);
    return [this.#say({ type: 'ping' })];
  }

  // Losing -------------------------------------------------------------------------------------------------------

  /** @param {number} socket @param {number} now @returns {Effect[]} */
  #giveUp(socket, now) {
    return [{ do: 'hang-up', socket }, ...this.closed(socket, null, now)];
  }

  #lose() {
    this.#active = this.#pingAt = this.#deadAt = this.#askAgainAt = null;
    this.#resuming = this.inRoom;
  }

  /** @param {Advice} advice @param {number | null} code @param {number} now @returns {Effect[]} */
  #reconnect(advice, code, now) {
    if (this.#stopped) return [];
    if (advice === 'never') return this.#fail(WHY.get(code ?? 0) ?? 'fault');
    if (!this.inRoom && this.#want === null) {
      // Nobody is waited for: the next `find` will dial.
      this.#online = false;
      return [];
    }
    const effects = this.#tellOffline();
    if (advice === 'now') this.#failures = 0;
    effects.push(...this.#later(now));
    if (this.#neverReady >= PROBE_AFTER && this.#token !== null && !this.#probing) {
      this.#probing = true;
      effects.push({ do: 'probe', token: this.#token });
    }
    return effects;
  }

  /** @param {number} now @returns {Effect[]} */
  #later(now) {
    this.#dialAt = now + this.#pause();
    return [];
  }

  /** Full jitter: many who lost the same server do not come back in step. */
  #pause() {
    const longest = Math.min(FIRST_PAUSE_MS * 2 ** this.#failures, LONGEST_PAUSE_MS);
    this.#failures += 1;
    return Math.round(longest * this.#random());
  }

  /** The session is over: a room is lost with it, a wish is not. @returns {Effect[]} */
  #tokenDied() {
    this.#token = null;
    return this.#ended('expired');
  }

  /** @param {Extract<Told, {kind: 'failed'}>['why']} why @returns {Effect[]} */
  #fail(why) {
    // Not left, but lost: the room may live on in the window that replaced this one.
    this.#forgetRoom();
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

  #forgetRoom() {
    this.#ticket = null;
    this.#resuming = false;
  }

  #clearTimes() {
    this.#dialAt = this.#dialGivenUpAt = this.#askAgainAt = this.#pingAt = this.#deadAt = null;
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

/** @type {Map<number, 'replaced' | 'session-over'>} */
const WHY = new Map([[4102, 'replaced'], [4103, 'session-over']]);
