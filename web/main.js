/** The page: which screen is shown, and what each choice does. */

import { fromBase64url } from './bytes.js';
import { circles, el } from './dom.js';
import { choose, language, setLanguage, translate } from './i18n.js';
import { codeOf, linkOf, newSecret, pskOf, secretOf } from './invite.js';
import { ConnectionDriver } from './connection-driver.js';
import { canEncrypt } from './noise.js';
import { ActiveChat } from './active-chat.js';
import { ChatScreen } from './ui-chat.js';
import { askForReport, askToLeave, showHow, showSafety } from './ui-dialogs.js';
import { endScreen } from './ui-end.js';
import { startScreen, unsupportedScreen } from './ui-start.js';
import { inviteScreen, joinScreen, troubleScreen, waitScreen } from './ui-wait.js';

/** @typedef {import('./bytes.js').Bytes} Bytes */
/** @typedef {import('./protocol.js').Criteria} Criteria */
/** @typedef {import('./protocol.js').ConnectionEvent} ConnectionEvent */
/** @typedef {import('./i18n.js').Key} Key */
/** @typedef {import('./ui-wait.js').Waiting} Waiting */

/**
 * A chat on the page.
 * @typedef {{screen: ChatScreen, active: ActiveChat | null, early: Bytes[], touched: boolean,
 *   over: boolean, safety: import('./safety.js').SafetyCode | null}} Chat
 */

/**
 * How many frames are kept while the key of a room is being made. The peer repeats what is lost.
 */
const EARLY_FRAMES = 8;

/** How long the first screen waits for the operator's offer. */
const OFFER_PATIENCE_MS = 300;
/** Fewer people than this are not shown. */
const CROWD = 10;

/** @type {Map<string, Key>} */
const REFUSALS = new Map([['topic-not-offered', 'trouble.topic'], ['bad-topic', 'trouble.topic'], ['matching-not-offered', 'trouble.matching']]);
/** @type {Record<Extract<ConnectionEvent, {kind: 'failed'}>['why'], Key>} */
const FAILURES = { replaced: 'trouble.replaced', 'session-over': 'trouble.session', forbidden: 'trouble.forbidden', fault: 'trouble.fault' };

class Page {
  #driver = new ConnectionDriver((event) => this.#connectionEvent(event), (frame) => this.#frame(frame));
  /** @type {import('./ui-start.js').Offer} */
  #offer = { random: true, invite: true, topics: [], people: null };
  /** The criteria of the last find, for the next one. @type {Criteria} */ #last = {};
  /** The secret of the invite in use. @type {Bytes | null} */ #secret = null;
  /** @type {Waiting | null} */ #waiting = null;
  /** @type {Chat | null} */ #chat = null;
  /**
   * A chat that this person has ended, while its goodbye is on its way.
   * @type {{active: ActiveChat, done: Promise<void>} | null}
   */
  #leaving = null;
  #main = /** @type {HTMLElement} */ (document.getElementById('main'));

  async begin() {
    setLanguage(choose(navigator.languages));
    this.#bar();
    const secret = secretOf(location.hash);
    // Remove the secret from the address bar and the history at once.
    if (location.hash !== '') history.replaceState(null, '', location.pathname + location.search);
    addEventListener('hashchange', () => location.reload());
    addEventListener('pagehide', () => this.#driver.run(this.#driver.machine.leave()));
    addEventListener('pageshow', (event) => event.persisted && location.reload());
    addEventListener('beforeunload', (event) => this.#chat?.over === false && event.preventDefault());
    if (!(await canEncrypt())) return this.#show(unsupportedScreen());
    if (secret === 'malformed') return this.#trouble('join.malformed.heading', 'join.malformed', null);
    if (secret !== null) return this.#join(secret);
    this.#home();
  }

  // Screens ------------------------------------------------------------------------------------------------------

  #bar() {
    const other = el('button', {
      class: 'textual', text: 'language.other', set: { type: 'button', lang: language() === 'en' ? 'ko' : 'en' },
      on: {
        click: () => {
          other.lang = language();
          setLanguage(language() === 'en' ? 'ko' : 'en');
          document.title = translate('title');
        },
      },
    });
    const home = el('a', { class: 'brand', label: 'nav.home', set: { href: './' } }, circles('sign'), el('span', {}, 'cipher-chat'));
    const how = el('button', { class: 'textual', text: 'nav.how', set: { type: 'button' }, on: { click: () => showHow() } });
    document.getElementById('bar')?.append(home, el('div', { class: 'bar-tools' }, how, other));
  }

  /** @param {{node: HTMLElement, heading: HTMLElement}} screen */
  #show({ node, heading }) {
    const first = this.#main.childElementCount === 0;
    for (const dialog of document.querySelectorAll('dialog')) dialog.close();
    document.body.classList.toggle('chatting', this.#chat !== null);
    document.title = translate('title');
    this.#main.replaceChildren(node);
    scrollTo(0, 0);
    // Screen readers start at the new heading. The first screen they read from the top anyway.
    if (!first) heading.focus();
  }

  #home() {
    this.#forget();
    this.#leaving?.active.close();
    this.#driver.run(this.#driver.machine.stop());
    const asked = this.#askOffer();
    // The first time, the page waits a moment for the operator's offer, so that it does not change
    // while somebody types.
    if (this.#main.childElementCount === 0) void Promise.race([asked, pause(OFFER_PATIENCE_MS)]).then(() => this.#showStart());
    else this.#showStart();
  }

  #showStart() {
    this.#show(startScreen(this.#offer, this.#last, { find: (find) => this.#meet(find), invite: () => void this.#invite() }));
  }

  async #askOffer() {
    const status = await this.#driver.askStatus();
    if (status === null) return;
    const before = JSON.stringify(this.#offer);
    this.#offer = offerOf(status);
    const untouched = this.#main.querySelector('.start') !== null && !this.#main.querySelector('form')?.contains(document.activeElement);
    if (untouched && JSON.stringify(this.#offer) !== before) this.#showStart();
  }

  /** @param {Criteria} find */
  #meet(find) {
    this.#leaveChat();
    this.#last = find;
    this.#wait(waitScreen(find, () => this.#home()), find);
  }

  async #invite() {
    this.#secret = newSecret();
    const screen = inviteScreen(linkOf(this.#secret, location.href), () => this.#home());
    this.#wait(screen, { invite: await codeOf(this.#secret), role: 'offer' });
  }

  /** @param {Bytes} secret */
  #join(secret) {
    const join = async () => {
      this.#secret = secret;
      /** @type {Criteria} */
      const find = { invite: await codeOf(secret), role: 'seek' };
      this.#wait(waitScreen(find, () => this.#home()), find);
    };
    this.#show(joinScreen({ join: () => void join(), decline: () => this.#home() }));
  }

  /** @param {Waiting} screen @param {Criteria} find */
  async #wait(screen, find) {
    this.#waiting = screen;
    this.#show(screen);
    await this.#leaving?.done;
    if (this.#waiting === screen) this.#driver.find(find);
  }

  /** @param {Key} title @param {Key} what @param {(() => void) | null} again */
  #trouble(title, what, again) {
    this.#forget();
    this.#leaving?.active.close();
    this.#driver.run(this.#driver.machine.stop());
    this.#show(troubleScreen(title, what, { again, home: () => this.#home() }));
  }

  // What the connection says -------------------------------------------------------------------------------------

  /** @param {ConnectionEvent} event */
  #connectionEvent(event) {
    switch (event.kind) {
      case 'online':
        return this.#waiting?.progress('wait.connecting');
      case 'waiting':
        return this.#waiting?.progress(this.#secret === null ? 'wait.queued' : 'invite.waiting');
      case 'busy':
        return this.#waiting?.progress('wait.busy', { seconds: Math.ceil(event.retryInMs / 1000) });
      case 'silent':
        this.#waiting?.progress('wait.silent');
        return this.#chat?.screen.selfState('silent');
      case 'answers':
        this.#waiting?.progressAgain();
        return this.#chat?.screen.selfState('online');
      case 'moving':
        return this.#chat?.active?.pathChanged('link-down');
      case 'offline':
        this.#leaving?.active.close();
        this.#waiting?.progress(event.why === 'silent' ? 'wait.silent' : 'wait.offline');
        this.#chat?.screen.selfState(navigator.onLine ? event.why : 'offline');
        return this.#chat?.active?.pathChanged('link-down');
      case 'paired':
        return void this.#paired(event.room, event.side);
      case 'resumed':
        this.#chat?.screen.selfState('online');
        this.#chat?.screen.peerOnline(true);
        return this.#chat?.active?.pathChanged('link-up');
      case 'peer':
        this.#chat?.screen.peerOnline(event.state === 'online');
        return this.#chat?.active?.pathChanged(event.state === 'online' ? 'peer-online' : 'peer-away');
      case 'ended':
        this.#leaving?.active.close();
        return this.#over(event.away ? 'over.away' : `over.${event.reason}`);
      case 'refused':
        if (event.code === 'invite-spent') return this.#trouble('trouble.spent.heading', 'trouble.spent', null);
        return this.#trouble('trouble.heading', REFUSALS.get(event.code) ?? 'trouble.refused', null);
      case 'failed':
        if (this.#chat !== null) return this.#over(FAILURES[event.why]);
        return this.#trouble('trouble.heading', FAILURES[event.why], this.#secret === null ? () => this.#meet(this.#last) : null);
    }
  }

  /** @param {Bytes} frame */
  #frame(frame) {
    if (this.#leaving !== null) return this.#leaving.active.frame(frame);
    if (this.#chat === null) return;
    if (this.#chat.active !== null) this.#chat.active.frame(frame);
    else if (this.#chat.early.length < EARLY_FRAMES) this.#chat.early.push(frame);
  }

  // The chat -----------------------------------------------------------------------------------------------------

  /** @param {string} roomId @param {'a' | 'b'} side */
  async #paired(roomId, side) {
    const invited = this.#secret !== null;
    const screen = new ChatScreen(invited, {
      send: (text) => this.#say(text),
      typing: (active) => this.#chat?.active?.typing(active),
      safety: () => chat.safety !== null && showSafety(chat.safety, invited),
      next: invited ? null : () => this.#end('next'),
      leave: () => this.#end('leave'),
      report: () => askForReport((category) => this.#report(category)),
    });
    /** @type {Chat} */
    const chat = { screen, active: null, early: [], touched: false, over: false, safety: null };
    this.#waiting = null;
    this.#chat = chat;
    this.#show(screen);
    const room = fromBase64url(roomId);
    if (room === null) return this.#trouble('trouble.heading', 'trouble.fault', null);
    const psk = this.#secret === null ? null : await pskOf(this.#secret);
    const active = await ActiveChat.open({ side, room, psk, send: (frame, awaits) => this.#driver.send(frame, awaits) }, this.#listener(chat));
    if (this.#chat !== chat) return active.close();
    chat.active = active;
    for (const frame of chat.early.splice(0)) active.frame(frame);
  }

  /** @param {Chat} chat @returns {import('./active-chat.js').Listener} */
  #listener(chat) {
    const { screen } = chat;
    return {
      secured: (safety) => {
        chat.safety = safety;
        screen.secured();
        screen.focus();
      },
      message: (entry) => {
        chat.touched = true;
        screen.add(entry);
      },
      marked: (entry) => screen.mark(entry),
      peerTyping: (active) => screen.peerTyping(active),
      windowOpen: () => screen.windowOpen(),
      peerBye: () => this.#over('over.bye'),
      ended: (reason) => this.#channelEnded(chat, reason),
    };
  }

  /** @param {string} text @returns {'sent' | 'full' | 'over'} */
  #say(text) {
    const chat = this.#chat;
    const said = chat?.active?.send(text);
    if (chat === null || said === undefined) return 'over';
    if ('refused' in said) return said.refused;
    chat.touched = true;
    chat.screen.add(said.entry);
    return 'sent';
  }

  /** @param {'leave' | 'next'} what */
  #end(what) {
    const go = what === 'next' ? () => this.#meet(this.#last) : () => this.#leave();
    if (this.#chat?.touched) askToLeave(what, go);
    else go();
  }

  #leave() {
    const again = this.#nextFind();
    this.#leaveChat();
    this.#goodbye('end.self', this.#leaving?.active ?? null, again);
  }

  /** @param {import('./facts.js').Category} category */
  #report(category) {
    const again = this.#nextFind();
    this.#driver.run(this.#driver.machine.report(category));
    this.#goodbye('end.reported', null, again);
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
    if (why !== 'over.bye') chat.active?.close();
    if (chat.over) return;
    chat.over = true;
    const again = this.#nextFind();
    chat.screen.over(why, { again, clear: () => this.#goodbye(why, chat.active, again) });
  }

  /** @param {Chat} chat @param {import('./channel-end.js').ChannelEnd} reason */
  #channelEnded(chat, reason) {
    if (this.#chat !== chat || reason === 'closed' || reason === 'bye' || reason === 'peer-bye') return;
    this.#trouble('trouble.secure.heading', reason === 'no-channel' ? 'trouble.secure.none' : 'trouble.secure.tampered', null);
  }

  /** @param {Key} how @param {ActiveChat | null} active @param {(() => void) | null} again */
  async #goodbye(how, active, again) {
    const screen = endScreen(how, { again, home: () => this.#home() });
    this.#forget();
    this.#show(screen);
    await this.#leaving?.done;
    screen.undelivered(active?.unconfirmed ?? 0);
  }

  /** The next find, for chats that did not come from an invite. */
  #nextFind() {
    return this.#secret === null ? () => this.#meet(this.#last) : null;
  }

  /**
   * Says goodbye inside the channel, so that earlier texts still arrive, then leaves the room. The
   * screen does not wait for it.
   */
  #leaveChat() {
    const { active } = this.#chat ?? {};
    this.#chat = null;
    this.#forget();
    if (!active || active.isOver) return this.#driver.run(this.#driver.machine.leave());
    const done = active.bye().then(() => {
      this.#leaving = null;
      this.#driver.run(this.#driver.machine.leave());
    });
    this.#leaving = { active, done };
  }

  /** Drops everything of the last chat. */
  #forget() {
    this.#chat?.active?.close();
    this.#chat = this.#waiting = this.#secret = null;
  }
}

/** @param {number} ms */
function pause(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** @param {any} status The answer of `GET /v1/status`. @returns {import('./ui-start.js').Offer} */
function offerOf(status) {
  const matching = Array.isArray(status.matching) ? status.matching : ['random', 'invite'];
  const topics = Array.isArray(status.topics) ? status.topics.filter((/** @type {unknown} */ topic) => typeof topic === 'string') : [];
  const people = [status.waiting, status.chatting].filter(Number.isFinite).reduce((sum, some) => sum + some, 0);
  return { random: matching.includes('random'), invite: matching.includes('invite'), topics, people: people >= CROWD ? people : null };
}

void new Page().begin();
