/** A client: one session at one server, which looks for somebody, or is in one chat, at a time. */

import { Chat } from './chat.js';
import { ChatError } from './errors.js';
import { Events } from './events.js';
import { newInvite, searchBy, secretIn } from './invites.js';
import { ConnectionDriver } from './page/connection-driver.js';
import { colleagueOf, forget, stranger } from './page/search.js';
import { USUAL, ofStatus } from './page/service.js';
import { hashOfColleague, judged, partIn, told } from './passes.js';
import { Talk } from './talk.js';

/** @typedef {import('./page/facts.js').Category} Category */
/** @typedef {import('./page/protocol.js').ConnectionEvent} ConnectionEvent */
/** @typedef {import('./page/search.js').Search} Search */
/** @typedef {import('./page/service.js').Service} Service */
/** @typedef {import('./invites.js').Invite} Invite */

/**
 * Whom to look for. By `topic` (up to 64 characters), `language` (BCP 47) and `role` (who seeks is
 * matched with who offers): all may be left out, and all that are given have to fit. Or by `invite`:
 * one that was made here, or a link or words that somebody has given you.
 * @typedef {{topic?: string, language?: string, role?: import('./page/protocol.js').Role, invite?: undefined, signal?: AbortSignal}
 *   | {invite: Invite | string, role?: import('./page/protocol.js').Role, signal?: AbortSignal}} Wanted `signal` ends the search. Who was
 *   given an invite seeks, unless the `role` is another: `offer` is for a colleague to whom a helper hands over.
 */

/**
 * What a client tells. `working`: the share of a proof of work that is done, which the operator asks
 * for. `busy`: the server has no room, and is asked again in so many ms; `closed`: the operator takes
 * nobody at present. `waiting`: nobody has come yet, and what may be
 * expected as far as it is known; again when that changes. `paired`: somebody is there, and `secured`: the
 * chat is. `service`: what the operator says to all. `connection`: of a search; a chat has its own.
 * @typedef {object} ClientEvents
 * @property {{share: number}} working
 * @property {{retryInMs: number, closed: boolean}} busy
 * @property {import('./page/outlook.js').Outlook} waiting
 * @property {{}} paired
 * @property {{safetyCode: import('./talk.js').SafetyCode}} secured
 * @property {Service} service
 * @property {{state: 'online' | 'silent' | 'offline', keptMs: null}} connection
 */

/**
 * What the server says of itself (`Status` in schemas/openapi.json): what it offers, and whether it is
 * open. A newer one may say more.
 * @typedef {{matching?: ('random' | 'invite')[], topics?: string[], paused?: boolean, closed?: string, notice?: string,
 *   [more: string]: unknown}} Status
 */

/** A search that is under way. @typedef {{search: Search, resolve: (chat: Chat) => void, reject: (fault: unknown) => void}} Seeking */

export class Client {
  /** The server, with a slash at the end. @readonly */ url;
  /** What the operator says to all. @type {Service} */ service = USUAL;
  #driver;
  #kem;
  #passes;
  #call;
  /** @type {Events<ClientEvents>} */ #events = new Events();
  /** Whether something begins that has not come to `#seeking` yet. */ #isBeginning = false;
  /** @type {Seeking | null} */ #seeking = null;
  /** The room that this client is in, or is leaving. @type {{talk: Talk, chat: Chat} | null} */ #room = null;
  /** Takes what becomes of a report. @type {((taken: boolean) => void) | null} */ #reported = null;
  #isClosed = false;

  /**
   * `connect` makes clients.
   * @internal
   * @param {URL} url
   * @param {import('./page/kem.js').Kem} kem
   * @param {import('./passes.js').Passes} passes
   * @param {import('./page/connection-driver.js').Reach} reach
   */
  constructor(url, kem, passes, reach) {
    this.url = url.href;
    this.#kem = kem;
    this.#passes = passes;
    this.#call = reach.call;
    this.#driver = new ConnectionDriver((event) => this.#happened(event), (frame) => this.#room?.talk.frame(frame), reach);
    this.#driver.helper = passes.helper;
  }

  /**
   * Adds a listener. Returns what removes it.
   * @template {keyof ClientEvents} T
   * @param {T} type
   * @param {(event: ClientEvents[T]) => void} listener
   * @returns {() => void}
   */
  on(type, listener) {
    return this.#events.on(type, listener);
  }

  /**
   * Asks what the server offers. `service` is what the answer says of it.
   * @returns {Promise<Status>}
   * @throws {ChatError} `unreachable`
   */
  async status() {
    const status = await this.#driver.askStatus();
    if (status === null) throw new ChatError('unreachable');
    this.#service(ofStatus(status));
    return status;
  }

  /**
   * Makes an invite. Give its link or its words to one person, over a way that you trust, and look for
   * them with it.
   * @returns {Promise<Invite>}
   */
  createInvite() {
    return newInvite(new URL(this.url));
  }

  /**
   * Waits for somebody, over broken connections too, until the chat with them is secured.
   * @param {Wanted} [wanted]
   * @returns {Promise<Chat>}
   * @throws {ChatError} the codes of a search; after `gone` it can be begun again.
   */
  find({ signal, ...wanted } = {}) {
    return this.#find(() => this.#searchFor(wanted), signal);
  }

  /** @param {() => Promise<Search>} begin @param {AbortSignal} [signal] @returns {Promise<Chat>} */
  async #find(begin, signal) {
    signal?.throwIfAborted();
    if (this.#isClosed) throw new ChatError('closed');
    if (this.#isBeginning || this.#seeking !== null || this.#room?.talk.isOver === false) throw new ChatError('in-chat');
    this.#isBeginning = true;
    try {
      const search = await begin();
      // A goodbye is still on its way.
      await this.#room?.talk.ended;
      if (this.#isClosed || signal?.aborted) forget(search);
      signal?.throwIfAborted();
      if (this.#isClosed) throw new ChatError('closed');
      return await this.#seek(search, signal);
    } finally {
      this.#isBeginning = false;
    }
  }

  /** Ends a search and a chat without waiting for a goodbye (`chat.end()` says one), and the connection. */
  close() {
    this.#isClosed = true;
    this.#room?.talk.over('self');
    this.#abandon(new ChatError('closed'));
    this.#driver.stop();
  }

  /** @param {Omit<Wanted, 'signal'>} wanted @returns {Promise<Search>} */
  async #searchFor(wanted) {
    if ('invite' in wanted && wanted.invite !== undefined) return searchBy(/** @type {Invite | string} */ (wanted.invite), new URL(this.url), wanted.role);
    const { topic, language, role } = /** @type {{topic?: string, language?: string, role?: import('./page/protocol.js').Role}} */ (wanted);
    return stranger({ ...(topic && { topic }), ...(language && { lang: language }), ...(role && { role }) });
  }

  /** @param {Search} search @param {AbortSignal} [signal] @returns {Promise<Chat>} */
  #seek(search, signal) {
    return new Promise((resolve, reject) => {
      const stop = () => {
        this.#room?.talk.over('self');
        this.#abandon(signal?.reason);
        this.#driver.stop();
      };
      signal?.addEventListener('abort', stop, { once: true });
      const done = () => signal?.removeEventListener('abort', stop);
      this.#seeking = { search, resolve: (chat) => (done(), resolve(chat)), reject: (fault) => (done(), reject(fault)) };
      this.#driver.find(search.criteria);
    });
  }

  /** The search has failed. @param {unknown} fault */
  #abandon(fault) {
    const seeking = this.#seeking;
    if (seeking === null) return;
    this.#seeking = null;
    forget(seeking.search);
    seeking.reject(fault);
  }

  /** @param {ConnectionEvent} event */
  #happened(event) {
    switch (event.kind) {
      case 'waiting':
        return this.#events.tell('waiting', event.outlook);
      case 'working':
        return this.#events.tell('working', { share: event.share });
      case 'busy':
        return this.#events.tell('busy', { retryInMs: event.retryInMs, closed: event.closed === true });
      case 'service':
        return this.#service(event.service);
      case 'online':
      case 'answers':
        return this.#connection('online');
      case 'silent':
        return this.#connection('silent');
      case 'moving':
        return this.#room?.talk.pathChanged('link-down');
      case 'offline':
        return this.#offline(event.why);
      case 'resumed':
        this.#connection('online');
        return this.#room?.talk.pathChanged('link-up');
      case 'peer':
        return this.#peer(event.state);
      case 'paired':
        return void this.#paired(event);
      case 'paired-again':
        return this.#room?.talk.over('unsafe', event.kind);
      case 'ended':
        return this.#room?.talk.over(event.away ? 'away' : event.reason);
      case 'refused':
        return this.#abandon(new ChatError(/** @type {import('./errors.js').ErrorCode} */ (event.code)));
      case 'reported':
        this.#reported?.(event.taken);
        this.#reported = null;
        return;
      case 'failed':
        this.#room?.talk.over(event.why);
        return this.#abandon(new ChatError(event.why));
    }
  }

  /** @param {Service} service */
  #service(service) {
    const { paused, closed, notice } = this.service;
    this.service = service;
    if (service.paused !== paused || service.closed !== closed || service.notice !== notice) this.#events.tell('service', service);
  }

  /** @param {'online' | 'silent' | 'offline'} state */
  #connection(state) {
    const chat = this.#room?.chat;
    const keptMs = state === 'offline' ? this.#driver.machine.graceMs : null;
    if (chat === undefined || this.#seeking !== null) this.#events.tell('connection', { state, keptMs: null });
    else if (!chat.isOver) chat.tell('connection', { state, keptMs });
  }

  /** @param {'lost' | 'silent'} why */
  #offline(why) {
    this.#connection(why === 'silent' ? 'silent' : 'offline');
    const talk = this.#room?.talk;
    // A goodbye that cannot arrive is not waited for.
    if (talk?.isOver) talk.over('left');
    else talk?.pathChanged('link-down');
  }

  /** @param {'online' | 'away'} state */
  #peer(state) {
    this.#room?.talk.pathChanged(state === 'online' ? 'peer-online' : 'peer-away');
    if (this.#room?.talk.isOver === false) this.#room.chat.tell('peer', { state, keptMs: state === 'away' ? this.#driver.machine.graceMs : null });
  }

  /** @param {Extract<ConnectionEvent, {kind: 'paired'}>} event */
  async #paired({ room, side, criteria }) {
    const seeking = this.#seeking;
    // A match is only taken for the search that is under way, whose key the chat is bound to.
    if (seeking === null || seeking.search.criteria !== criteria) return this.#leave();
    /** @type {Chat} */
    let chat;
    const talk = new Talk({
      send: (frame, awaits) => this.#driver.send(frame, awaits),
      secured: () => this.#secured(seeking, chat),
      part: partIn(this.#passes, seeking.search),
      judge: async (shown) => {
        const found = await judged(shown, seeking.search, this.#passes.pinned, this.#call);
        const helper = told(found);
        if (helper !== null) chat.tell('credential', helper);
        return found.verdict;
      },
      handover: (offer) => chat.tell('handover', { accept: () => this.#goOn(talk, offer) }),
      text: (event) => chat.tell('text', event),
      tell: (type, event) => chat.tell(type, event),
      settled: (sent) => chat.tell(sent.state === 'delivered' ? 'delivered' : 'lost', sent),
      typing: (active) => chat.tell('typing', { active }),
      ready: () => chat.tell('ready', {}),
      closed: () => this.#leave(),
    });
    chat = new Chat(talk, seeking.search.psk !== null, (category) => this.#report(talk, category), (colleague) => this.#handOver(talk, colleague));
    const own = { talk, chat };
    this.#room = own;
    this.#events.tell('paired', {});
    void talk.ended.then((end) => {
      if (this.#room === own) this.#room = null;
      if (this.#seeking === seeking) this.#abandon(new ChatError(end.reason === 'unsafe' || end.reason === 'no-proof' ? end.reason : 'gone', end.detail ?? end.reason));
    });
    // The channel erases the key.
    const isRoom = await talk.open(room, side, seeking.search.psk, this.#kem);
    if (isRoom) return;
    talk.over('unsafe', 'no-room');
    this.#leave();
  }

  /** @param {Seeking} seeking @param {Chat} chat */
  #secured(seeking, chat) {
    if (this.#seeking !== seeking) return;
    this.#seeking = null;
    this.#events.tell('secured', { safetyCode: chat.safetyCode });
    seeking.resolve(chat);
    // After the turn of whoever has waited for it.
    setTimeout(() => chat.release());
  }

  /** @param {Talk} talk @param {Category} category */
  async #report(talk, category) {
    if (this.#room?.talk !== talk || talk.isOver) throw new ChatError('over');
    const effects = this.#driver.machine.report(category);
    const isSent = effects.some((effect) => effect.do === 'send');
    /** @type {Promise<boolean>} */
    const taken = isSent ? new Promise((resolve) => (this.#reported = resolve)) : Promise.resolve(false);
    this.#driver.run(effects);
    talk.over('self');
    return taken;
  }

  /** Goes on with a colleague. @param {Talk} talk @param {import('./page/messages.js').Handover} offer */
  async #goOn(talk, offer) {
    if (this.#room?.talk !== talk || talk.isOver) throw new ChatError('over');
    const gone = talk.bye();
    return this.#find(async () => {
      await gone;
      return colleagueOf(offer);
    });
  }

  /** @param {Talk} talk @param {string} colleague */
  async #handOver(talk, colleague) {
    const hash = await hashOfColleague(colleague);
    const invite = await this.createInvite();
    const said = this.#passes.helper === null ? 'no-helper' : talk.handOver({ invite: /** @type {import('./page/bytes.js').Bytes} */ (secretIn(invite)), colleague: hash });
    if (said !== 'sent') throw new ChatError(said);
    return invite;
  }

  #leave() {
    this.#driver.run(this.#driver.machine.leave());
  }
}
