/** The page: which screen is shown, and what the person's choices do. */

import { fromBase64url } from './bytes.js';
import { circles, el } from './dom.js';
import { choose, language, setLanguage, words } from './i18n.js';
import { codeOf, linkOf, newSecret, pskOf, secretOf } from './invite.js';
import { Link } from './link.js';
import { canEncrypt } from './noise.js';
import { Talk } from './talk.js';
import { ChatScreen } from './ui-chat.js';
import { askForReport, askToLeave, showHow, showSafety } from './ui-dialogs.js';
import { endScreen } from './ui-end.js';
import { startScreen, unsupportedScreen } from './ui-start.js';
import { inviteScreen, joinScreen, troubleScreen, waitScreen } from './ui-wait.js';

/** @typedef {import('./bytes.js').Bytes} Bytes */
/** @typedef {import('./protocol.js').Find} Find */
/** @typedef {import('./protocol.js').Told} Told */
/** @typedef {import('./i18n.js').Key} Key */
/** @typedef {import('./ui-wait.js').Waiting} Waiting */

/** A chat on the page. @typedef {{screen: ChatScreen, talk: Talk | null, early: Bytes[], touched: boolean, over: boolean, safety: import('./safety.js').SafetyCode | null}} Chat */

/** Frames that come while the key of a room is being made; the other side repeats what is lost. */
const EARLY_FRAMES = 8;

/** How long the first screen waits for what the operator offers. */
const OFFER_PATIENCE_MS = 300;
/** Fewer people than this are not worth a word. */
const CROWD = 10;

/** @type {Map<string, Key>} */
const REFUSALS = new Map([['topic-not-offered', 'trouble.topic'], ['bad-topic', 'trouble.topic'], ['matching-not-offered', 'trouble.matching']]);
/** @type {Record<Extract<Told, {kind: 'failed'}>['why'], Key>} */
const FAILURES = { replaced: 'trouble.replaced', 'session-over': 'trouble.session', forbidden: 'trouble.forbidden', fault: 'trouble.fault' };

class Page {
  #link = new Link((told) => this.#told(told), (frame) => this.#frame(frame));
  /** @type {import('./ui-start.js').Offer} */ #offer = { random: true, invite: true, topics: [], people: null };
  /** Whom the person looked for last, so that "someone else" means the same. @type {Find} */ #last = {};
  /** The secret of the invite in use. @type {Bytes | null} */ #secret = null;
  /** @type {Waiting | null} */ #waiting = null;
  /** @type {Chat | null} */ #chat = null;
  /** A chat that this person has ended and whose goodbye is on its way. @type {{talk: Talk, done: Promise<void>} | null} */ #parting = null;
  #main = /** @type {HTMLElement} */ (document.getElementById('main'));

  async begin() {
    setLanguage(choose(navigator.languages));
    this.#bar();
    const secret = secretOf(location.hash);
    // Out of sight at once: no screenshot, no history, no shoulder.
    if (location.hash !== '') history.replaceState(null, '', location.pathname + location.search);
    addEventListener('hashchange', () => location.reload());
    addEventListener('pagehide', () => this.#link.run(this.#link.connection.leave()));
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
      class: 'textual', say: 'language.other', set: { type: 'button', lang: language() === 'en' ? 'ko' : 'en' },
      on: {
        click: () => {
          other.lang = language();
          setLanguage(language() === 'en' ? 'ko' : 'en');
          document.title = words('title');
        },
      },
    });
    const home = el('a', { class: 'brand', label: 'nav.home', set: { href: './' } }, circles('sign'), el('span', {}, 'cipher-chat'));
    const how = el('button', { class: 'textual', say: 'nav.how', set: { type: 'button' }, on: { click: () => showHow() } });
    document.getElementById('bar')?.append(home, el('div', { class: 'bar-tools' }, how, other));
  }

  /** @param {{node: HTMLElement, heading: HTMLElement}} screen */
  #show({ node, heading }) {
    const first = this.#main.childElementCount === 0;
    for (const dialog of document.querySelectorAll('dialog')) dialog.close();
    document.body.classList.toggle('chatting', this.#chat !== null);
    document.title = words('title');
    this.#main.replaceChildren(node);
    scrollTo(0, 0);
    // A screen reader starts at the new heading; on the first screen it reads the page anyway.
    if (!first) heading.focus();
  }

  #home() {
    this.#forget();
    this.#parting?.talk.close();
    this.#link.run(this.#link.connection.stop());
    const asked = this.#askOffer();
    // The first time, the page waits a moment for the operator's offer rather than change under somebody's hands.
    if (this.#main.childElementCount === 0) void Promise.race([asked, pause(OFFER_PATIENCE_MS)]).then(() => this.#showStart());
    else this.#showStart();
  }

  #showStart() {
    this.#show(startScreen(this.#offer, this.#last, { find: (find) => this.#meet(find), invite: () => void this.#invite() }));
  }

  async #askOffer() {
    const status = await this.#link.askStatus();
    if (status === null) return;
    const before = JSON.stringify(this.#offer);
    this.#offer = offerOf(status);
    const untouched = this.#main.querySelector('.start') !== null && !this.#main.querySelector('form')?.contains(document.activeElement);
    if (untouched && JSON.stringify(this.#offer) !== before) this.#showStart();
  }

  /** @param {Find} find */
  #meet(find) {
    this.#part();
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
      /** @type {Find} */
      const find = { invite: await codeOf(secret), role: 'seek' };
      this.#wait(waitScreen(find, () => this.#home()), find);
    };
    this.#show(joinScreen({ join: () => void join(), decline: () => this.#home() }));
  }

  /** @param {Waiting} screen @param {Find} find */
  async #wait(screen, find) {
    this.#waiting = screen;
    this.#show(screen);
    await this.#parting?.done;
    if (this.#waiting === screen) this.#link.find(find);
  }

  /** @param {Key} title @param {Key} what @param {(() => void) | null} again */
  #trouble(title, what, again) {
    this.#forget();
    this.#parting?.talk.close();
    this.#link.run(this.#link.connection.stop());
    this.#show(troubleScreen(title, what, { again, home: () => this.#home() }));
  }

  // What the connection says -------------------------------------------------------------------------------------

  /** @param {Told} told */
  #told(told) {
    switch (told.kind) {
      case 'online':
        return this.#waiting?.progress('wait.connecting');
      case 'waiting':
        return this.#waiting?.progress(this.#secret === null ? 'wait.queued' : 'invite.waiting');
      case 'busy':
        return this.#waiting?.progress('wait.busy', { seconds: Math.ceil(told.retryInMs / 1000) });
      case 'offline':
        this.#parting?.talk.close();
        this.#waiting?.progress('wait.offline');
        this.#chat?.screen.selfOnline(false);
        return this.#chat?.talk?.way('link-down');
      case 'paired':
        return void this.#paired(told.room, told.side);
      case 'resumed':
        this.#chat?.screen.selfOnline(true);
        this.#chat?.screen.peerOnline(true);
        return this.#chat?.talk?.way('link-up');
      case 'peer':
        this.#chat?.screen.peerOnline(told.state === 'online');
        return this.#chat?.talk?.way(told.state === 'online' ? 'peer-online' : 'peer-away');
      case 'ended':
        this.#parting?.talk.close();
        return this.#over(told.away ? 'over.away' : `over.${told.reason}`);
      case 'refused':
        if (told.code === 'invite-spent') return this.#trouble('trouble.spent.heading', 'trouble.spent', null);
        return this.#trouble('trouble.heading', REFUSALS.get(told.code) ?? 'trouble.refused', null);
      case 'failed':
        if (this.#chat !== null) return this.#over(FAILURES[told.why]);
        return this.#trouble('trouble.heading', FAILURES[told.why], this.#secret === null ? () => this.#meet(this.#last) : null);
    }
  }

  /** @param {Bytes} frame */
  #frame(frame) {
    if (this.#parting !== null) return this.#parting.talk.frame(frame);
    if (this.#chat === null) return;
    if (this.#chat.talk !== null) this.#chat.talk.frame(frame);
    else if (this.#chat.early.length < EARLY_FRAMES) this.#chat.early.push(frame);
  }

  // The chat -----------------------------------------------------------------------------------------------------

  /** @param {string} roomId @param {'a' | 'b'} side */
  async #paired(roomId, side) {
    const invited = this.#secret !== null;
    const screen = new ChatScreen(invited, {
      send: (text) => this.#say(text),
      typing: (active) => this.#chat?.talk?.typing(active),
      safety: () => chat.safety !== null && showSafety(chat.safety, invited),
      next: invited ? null : () => this.#end('next'),
      leave: () => this.#end('leave'),
      report: () => askForReport((category) => this.#report(category)),
    });
    /** @type {Chat} */
    const chat = { screen, talk: null, early: [], touched: false, over: false, safety: null };
    this.#waiting = null;
    this.#chat = chat;
    this.#show(screen);
    const room = fromBase64url(roomId);
    if (room === null) return this.#trouble('trouble.heading', 'trouble.fault', null);
    const psk = this.#secret === null ? null : await pskOf(this.#secret);
    const talk = await Talk.open({ side, room, psk, send: (frame) => this.#link.send(frame) }, this.#listener(chat));
    if (this.#chat !== chat) return talk.close();
    chat.talk = talk;
    for (const frame of chat.early.splice(0)) talk.frame(frame);
  }

  /** @param {Chat} chat @returns {import('./talk.js').Listener} */
  #listener(chat) {
    const { screen } = chat;
    return {
      secured: (safety) => {
        chat.safety = safety;
        screen.secured();
        screen.focus();
      },
      message: (line) => {
        chat.touched = true;
        screen.add(line);
      },
      marked: (line) => screen.mark(line),
      peerTyping: (active) => screen.peerTyping(active),
      windowOpen: () => screen.windowOpen(),
      peerBye: () => this.#over('over.bye'),
      ended: (reason) => this.#channelEnded(chat, reason),
    };
  }

  /** @param {string} text @returns {'sent' | 'full' | 'over'} */
  #say(text) {
    const chat = this.#chat;
    const said = chat?.talk?.say(text);
    if (chat === null || said === undefined) return 'over';
    if ('refused' in said) return said.refused;
    chat.touched = true;
    chat.screen.add(said.line);
    return 'sent';
  }

  /** @param {'leave' | 'next'} what */
  #end(what) {
    const go = what === 'next' ? () => this.#meet(this.#last) : () => this.#leave();
    if (this.#chat?.touched) askToLeave(what, go);
    else go();
  }

  #leave() {
    const again = this.#again();
    this.#part();
    this.#goodbye('end.self', this.#parting?.talk ?? null, again);
  }

  /** @param {import('./protocol.js').Category} category */
  #report(category) {
    const again = this.#again();
    this.#link.run(this.#link.connection.report(category));
    this.#goodbye('end.reported', null, again);
  }

  /** The other side or the server has ended the chat; what was said stays readable until the person goes on. @param {Key} why */
  #over(why) {
    const chat = this.#chat;
    if (chat === null) return;
    // After a goodbye the channel stays for a moment, to confirm it; what else ends a chat ends the channel.
    if (why !== 'over.bye') chat.talk?.close();
    if (chat.over) return;
    chat.over = true;
    const again = this.#again();
    chat.screen.over(why, { again, clear: () => this.#goodbye(why, chat.talk, again) });
  }

  /** @param {Chat} chat @param {import('./channel.js').EndReason} reason */
  #channelEnded(chat, reason) {
    if (this.#chat !== chat || reason === 'closed' || reason === 'bye' || reason === 'peer-bye') return;
    this.#trouble('trouble.secure.heading', reason === 'no-channel' ? 'trouble.secure.none' : 'trouble.secure.tampered', null);
  }

  /** @param {Key} how @param {Talk | null} talk @param {(() => void) | null} again */
  async #goodbye(how, talk, again) {
    const screen = endScreen(how, { again, home: () => this.#home() });
    this.#forget();
    this.#show(screen);
    await this.#parting?.done;
    screen.undelivered(talk?.unconfirmed ?? 0);
  }

  /** Meeting somebody else is for those who were matched at random. */
  #again() {
    return this.#secret === null ? () => this.#meet(this.#last) : null;
  }

  /** Says goodbye inside the channel, so that what was said before still arrives, then to the server; the screen does not wait. */
  #part() {
    const { talk } = this.#chat ?? {};
    this.#chat = null;
    this.#forget();
    if (!talk || talk.isOver) return this.#link.run(this.#link.connection.leave());
    const done = talk.bye().then(() => {
      this.#parting = null;
      this.#link.run(this.#link.connection.leave());
    });
    this.#parting = { talk, done };
  }

  /** Drops everything of the last chat. */
  #forget() {
    this.#chat?.talk?.close();
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
