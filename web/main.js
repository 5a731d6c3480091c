/** The page: which screen is shown, and what each choice does. */

import { Attention } from './attention.js';
import { loadChat } from './chat-parts.js';
import { pause } from './clock.js';
import { choose, setLanguage } from './i18n.js';
import { linkOf, newSecret, wordsOf } from './invite.js';
import { ConnectionDriver } from './connection-driver.js';
import { takeFragment } from './fragment.js';
import { findKem } from './kem.js';
import { canEncrypt } from './noise.js';
import { EXIT_URL, exitOf, offerOf } from './offer.js';
import { colleagueOf, forget, partner, stranger } from './search.js';
import { keysOf } from './pass-keys.js';
import { atServer, hasServer, isFile, takeServer } from './server.js';
import { ofStatus } from './service.js';
import { FAILURES, REFUSALS, UNSAFE, busy } from './troubles.js';
import { alertsButton } from './ui-alerts.js';
import { endScreen } from './ui-end.js';
import { Frame } from './ui-frame.js';
import { ServiceStrip } from './ui-service.js';
import { startScreen, unsupportedScreen } from './ui-start.js';
import { forbiddenAdvice, inviteScreen, joinScreen, troubleScreen, waitScreen } from './ui-wait.js';
import { followViewport } from './viewport.js';
import { hasKeys, judgeHelper, loadPasses, partOf } from './vouching.js';

/** @typedef {import('./bytes.js').Bytes} Bytes */
/** @typedef {import('./protocol.js').Criteria} Criteria */
/** @typedef {import('./protocol.js').ConnectionEvent} ConnectionEvent */
/** @typedef {import('./i18n.js').Key} Key */
/** @typedef {import('./conversation.js').Conversation} Conversation */
/** @typedef {import('./chat-parts.js').Parts} Parts */
/** @typedef {import('./search.js').Search} Search */
/** @typedef {import('./ui-end.js').Again} Again */
/** @typedef {import('./ui-wait.js').Waiting} Waiting */

/** How long the first screen waits for the operator's offer. */
const OFFER_PATIENCE_MS = 300;

class Page {
  #driver = new ConnectionDriver((event) => this.#connectionEvent(event), (bytes) => this.#received(bytes));
  /** @type {import('./ui-start.js').Offer} */
  #offer = offerOf({}, hasKeys);
  /** Where somebody goes who leaves quickly. */ #exitUrl = EXIT_URL;
  /** The criteria of the last find, for the next one. @type {Criteria} */ #last = {};
  #attention = new Attention();
  #frame = new Frame(this.#attention);
  #strip = new ServiceStrip();
  /** Whom the person waits for. @type {Search | null} */ #search = null;
  /** What was found and loaded before that. @type {{kem: import('./kem.js').Kem, parts: Parts} | null} */ #means = null;
  /** @type {Waiting | null} */ #waiting = null;
  /** @type {Conversation | null} */ #chat = null;
  /** What is shown after a chat; it is told what has become of a report. @type {ReturnType<typeof endScreen> | null} */ #end = null;
  /**
   * A chat that this person has ended, while its goodbye is on its way.
   * @type {{chat: Conversation, done: Promise<boolean>} | null}
   */
  #leaving = null;
  /** Whether the server has ever answered. */ #isReached = false;

  async begin() {
    const { secret, server } = takeFragment();
    await setLanguage(choose(navigator.languages));
    this.#frame.begin(() => this.#exit());
    followViewport();
    addEventListener('hashchange', () => location.reload());
    addEventListener('pagehide', () => this.#discard());
    addEventListener('pageshow', (event) => event.persisted && location.reload());
    addEventListener('beforeunload', (event) => this.#isNeeded && event.preventDefault());
    if (!isFile && location.pathname.endsWith('/verify')) return this.#show((await import('./later/ui-verify.js')).verifyScreen());
    if (!(await canEncrypt())) return this.#show(unsupportedScreen());
    // A server forbids that its page is framed; a file has to refuse it itself.
    if (isFile && top !== self) return this.#show(troubleScreen('trouble.heading', 'server.framed', { again: null, home: null }));
    if (!hasServer()) await this.#askServer(server);
    // Looked for while the person reads; nobody is searched for before it is found.
    void findKem();
    if (secret === 'malformed') return this.#trouble('join.malformed.heading', 'join.malformed', null);
    if (secret !== null) return this.#join(secret);
    this.#home();
  }

  // Screens ------------------------------------------------------------------------------------------------------

  /** Leaves everything at once: the chat, what it said, and this page. */
  #exit() {
    this.#driver.run(this.#driver.machine.leave());
    this.#discard();
    this.#frame.leaveFor(this.#exitUrl);
  }

  /** @param {{node: HTMLElement, heading: HTMLElement}} screen */
  #show(screen) {
    this.#frame.show(screen, this.#chat !== null);
  }

  /** Waits until the person has said which server a page from a file is to talk to. @param {URL | null} named */
  async #askServer(named) {
    const { serverScreen } = await import('./later/ui-server.js');
    await new Promise((resolve) => {
      this.#show(serverScreen(named, (server) => resolve(takeServer(server))));
    });
  }

  #home() {
    this.#stop();
    const asked = this.#askOffer();
    // To a page from a file a server that lets no such page in looks like one that is away.
    if (isFile && !this.#isReached) return void asked.then((told) => this.#firstAnswer(told));
    // The first time, the page waits a moment for the operator's offer, so that it does not change
    // while somebody types.
    if (!this.#frame.isShown) void Promise.race([asked, pause(OFFER_PATIENCE_MS)]).then(() => this.#showStart());
    else this.#showStart();
  }

  /** @param {boolean} told Whether the server has answered. */
  #firstAnswer(told) {
    this.#isReached = told;
    if (told) this.#showStart();
    else this.#trouble('trouble.heading', 'server.silent', () => this.#home());
  }

  #showStart() {
    this.#show(startScreen(this.#offer, this.#last, {
      find: (find) => this.#meet(find), invite: () => this.#invite(), join: (secret) => this.#joinWith(secret),
    }));
  }

  async #askOffer() {
    const status = await this.#driver.askStatus();
    if (status === null) return false;
    this.#strip.show(ofStatus(status));
    const before = JSON.stringify(this.#offer);
    this.#offer = offerOf(status, hasKeys);
    this.#exitUrl = exitOf(status);
    // A helper's pass is checked as soon as the chat begins.
    if (keysOf(status.pass_keys).length > 0) void loadPasses().catch(() => {});
    if (this.#frame.isStartUntouched && JSON.stringify(this.#offer) !== before) this.#showStart();
    return true;
  }

  /** @param {Criteria} criteria */
  #meet(criteria) {
    this.#leaveChat();
    this.#last = criteria;
    void this.#wait(waitScreen(criteria, { cancel: () => this.#home(), roles: this.#offer.roles, widen: (wider) => this.#meet(wider) }), stranger(criteria));
  }

  #invite() {
    this.#leaveChat();
    const secret = newSecret();
    void this.#wait(inviteScreen(linkOf(secret, atServer().href), wordsOf(secret), () => this.#home()), partner(secret, 'offer'));
  }

  /** @param {Bytes} secret */
  #join(secret) {
    this.#show(joinScreen({ join: () => this.#joinWith(secret), decline: () => this.#home() }));
  }

  /** @param {Bytes} secret */
  #joinWith(secret) {
    void this.#wait(waitScreen('invited', { cancel: () => this.#home() }), partner(secret, 'seek'));
  }

  /** Ends the chat with a helper, and goes on with the colleague of whom the helper has told. @param {import('./messages.js').Handover} offer */
  #goOn(offer) {
    this.#leaveChat();
    void this.#wait(waitScreen('invited', { cancel: () => this.#home() }), colleagueOf(offer));
  }

  /**
   * Waits for somebody, unless the person has gone on before it can begin.
   * @param {Waiting} screen
   * @param {Search | Promise<Search>} begun
   */
  async #wait(screen, begun) {
    this.#waiting = screen;
    screen.node.append(alertsButton(this.#attention));
    this.#show(screen);
    const loading = loadChat(screen, {
      isWanted: () => this.#waiting === screen, isReached: async () => (await this.#driver.askStatus()) !== null,
    });
    const [search, kem, parts] = await Promise.all([begun, findKem(), loading]);
    await this.#leaving?.done;
    if (this.#waiting !== screen) return forget(search);
    // Never a chat without it, and nothing weaker instead.
    if (kem === null) {
      forget(search);
      return this.#trouble('trouble.heading', 'trouble.kem', null);
    }
    if (parts === null) {
      forget(search);
      return this.#trouble('trouble.heading', 'trouble.load', null);
    }
    this.#means = { kem, parts };
    this.#search = search;
    this.#driver.find(search.criteria);
  }

  /** @param {Key} title @param {Key} what @param {(() => void) | null} again @param {HTMLElement} [operator] */
  #trouble(title, what, again, operator) {
    this.#stop();
    this.#show(troubleScreen(title, what, { again, home: () => this.#home(), operator }));
  }

  // What the connection says -------------------------------------------------------------------------------------

  /** @param {ConnectionEvent} event */
  #connectionEvent(event) {
    switch (event.kind) {
      case 'online':
        return this.#waiting?.progress('wait.connecting');
      case 'waiting':
        this.#waiting?.expect(event.outlook);
        return this.#waiting?.progress(this.#waiting.waitingFor);
      case 'working':
        return this.#waiting?.working(event.share);
      case 'busy':
        // Why it is closed stands in the strip.
        if (event.closed) void this.#askOffer();
        return this.#waiting?.progress(...busy(event));
      case 'service':
        return this.#strip.show(event.service);
      case 'silent':
        this.#waiting?.progress('wait.silent');
        return this.#chat?.showOwn('silent');
      case 'answers':
        this.#waiting?.progressAgain();
        return this.#chat?.showOwn('online');
      case 'moving':
        return this.#chat?.pathChanged('link-down');
      case 'offline':
        this.#leaving?.chat.close();
        this.#waiting?.progress(event.why === 'silent' ? 'wait.silent' : 'wait.offline');
        this.#chat?.showOwn(navigator.onLine ? event.why : 'offline', this.#driver.machine.graceMs);
        return this.#chat?.pathChanged('link-down');
      case 'paired':
        return void this.#paired(event);
      case 'paired-again':
        this.#leaving?.chat.close();
        if (this.#chat !== null) this.#trouble('trouble.secure.heading', 'trouble.secure.again', null);
        return;
      case 'resumed':
        this.#chat?.showOwn('online');
        return this.#chat?.pathChanged('link-up');
      case 'peer':
        return this.#chat?.pathChanged(event.state === 'online' ? 'peer-online' : 'peer-away', this.#driver.machine.graceMs);
      case 'ended':
        this.#leaving?.chat.close();
        return this.#over(event.away ? 'over.away' : `over.${event.reason}`);
      case 'refused':
        if (event.code === 'invite-spent') return this.#trouble('trouble.spent.heading', 'trouble.spent', null);
        return this.#trouble('trouble.heading', REFUSALS.get(event.code) ?? 'trouble.refused', null);
      case 'reported':
        return this.#end?.reported(event.taken);
      case 'failed':
        if (this.#chat !== null) return this.#over(FAILURES[event.why]);
        return this.#trouble('trouble.heading', FAILURES[event.why], this.#search?.psk ? null : () => this.#meet(this.#last), event.why === 'forbidden' ? forbiddenAdvice() : undefined);
    }
  }

  /** A frame of the room. @param {Bytes} frame */
  #received(frame) {
    if (this.#leaving !== null) this.#leaving.chat.frame(frame);
    else this.#chat?.frame(frame);
  }

  // The chat -----------------------------------------------------------------------------------------------------

  /** @param {Extract<ConnectionEvent, {kind: 'paired'}>} event */
  async #paired({ room, side, criteria }) {
    // A match is only taken for the search that is under way, whose key the chat is bound to.
    const [search, means] = [this.#search, this.#means];
    if (search === null || means === null || search.criteria !== criteria) return this.#driver.run(this.#driver.machine.leave());
    const chat = new means.parts.Conversation(search, means.kem, means.parts.screens, {
      send: (frame, awaits) => this.#driver.send(frame, awaits),
      alerts: alertsButton(this.#attention),
      wrote: () => this.#attention.happened('wrote'),
      peerBye: () => this.#over('over.bye'),
      ended: (reason) => this.#channelEnded(chat, reason),
      next: search.psk === null ? () => this.#meet(this.#last) : null,
      leave: () => this.#leave(),
      report: (category) => this.#report(category),
      part: partOf(search),
      judge: (shown) => judgeHelper(shown, search),
      handedOver: (offer) => this.#goOn(offer),
    });
    this.#waiting = this.#search = null;
    this.#chat = chat;
    this.#show(chat.screen);
    this.#attention.happened('came');
    if (!(await chat.open(room, side))) this.#trouble('trouble.heading', 'trouble.fault', null);
  }

  #leave() {
    const again = this.#again();
    this.#leaveChat();
    void this.#goodbye('end.self', this.#leaving?.chat ?? null, again);
  }

  /** @param {import('./facts.js').Category} category */
  #report(category) {
    const again = this.#again();
    const effects = this.#driver.machine.report(category);
    // Without a connection the chat can be ended, but not reported.
    void this.#goodbye(effects.some((effect) => effect.do === 'send') ? 'end.reporting' : 'end.unreported', null, again);
    this.#driver.run(effects);
  }

  /**
   * The peer or the server has ended the chat. Its texts stay readable until the person goes on.
   * @param {Key} why
   */
  #over(why) {
    const chat = this.#chat;
    if (chat === null) return;
    // After the peer's goodbye the channel stays for a moment, to acknowledge it. Any other end
    // closes it.
    if (why !== 'over.bye') chat.close();
    if (chat.isOver) return;
    const again = this.#again();
    chat.over(why, { again, clear: () => void this.#goodbye(why, chat, again) });
    this.#attention.happened('left');
  }

  /** @param {Conversation} chat @param {import('./channel-end.js').ChannelEnd} reason */
  #channelEnded(chat, reason) {
    if (this.#chat !== chat || reason === 'closed' || reason === 'bye' || reason === 'peer-bye') return;
    if (reason === 'no-proof') return this.#trouble('trouble.proof.heading', 'trouble.proof', chat.invited ? null : () => this.#meet(this.#last));
    this.#trouble('trouble.secure.heading', UNSAFE[reason] ?? 'trouble.secure.tampered', null);
  }

  /** @param {Key} how @param {Conversation | null} chat @param {Again} again */
  async #goodbye(how, chat, again) {
    const screen = endScreen(how, { again, home: () => this.#home() });
    this.#end = screen;
    this.#forget();
    this.#show(screen);
    const received = await this.#leaving?.done ?? false;
    screen.undelivered(chat?.unconfirmed ?? 0);
    if (received && chat?.isTouched) screen.received();
  }

  /** What can follow the chat: another stranger, or another invite. @returns {Again} */
  #again() {
    if (this.#chat?.invited) return { text: 'end.invite', go: () => this.#invite() };
    return { text: 'end.again', go: () => this.#meet(this.#last) };
  }

  /**
   * Says goodbye inside the channel, so that earlier texts still arrive, then leaves the room. The
   * screen does not wait for it.
   */
  #leaveChat() {
    const chat = this.#chat;
    const bye = chat?.bye() ?? null;
    this.#chat = null;
    chat?.wipe();
    this.#forget();
    if (chat === null || bye === null) return this.#driver.run(this.#driver.machine.leave());
    const done = bye.then((received) => {
      this.#leaving = null;
      this.#driver.run(this.#driver.machine.leave());
      return received;
    });
    this.#leaving = { chat, done };
  }

  /** Ends everything that is under way. */
  #stop() {
    this.#forget();
    this.#leaving?.chat.close();
    this.#driver.stop();
  }

  /**
   * The page is left: nothing stays in a page that the browser keeps for the way back. That page
   * begins anew.
   */
  #discard() {
    this.#stop();
    this.#frame.clear();
  }

  /** Whether somebody is in a chat here, or will come with an invite that only this page can answer. */
  get #isNeeded() {
    return this.#chat?.isOver === false || this.#search?.criteria.role === 'offer' && this.#search.psk !== null;
  }

  /** Drops everything of the last chat. */
  #forget() {
    this.#chat?.wipe();
    this.#chat?.close();
    forget(this.#search);
    this.#chat = this.#waiting = this.#search = null;
  }
}

void new Page().begin();
