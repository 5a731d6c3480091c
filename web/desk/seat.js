/**
 * A place for one chat: a session, a connection and a channel of its own, and whoever is in it. What
 * happens there is told to the desk.
 */

import { ConnectionDriver } from '../connection-driver.js';
import { Conversation } from '../conversation.js';
import { el } from '../dom.js';
import { forget } from '../search.js';
import { FAILURES, REFUSALS, UNSAFE, busy } from '../troubles.js';

/** @typedef {import('../bytes.js').Bytes} Bytes */
/** @typedef {import('../facts.js').Category} Category */
/** @typedef {import('../i18n.js').Key} Key */
/** @typedef {import('../i18n.js').Values} Values */
/** @typedef {import('../protocol.js').ConnectionEvent} ConnectionEvent */
/** @typedef {import('../search.js').Search} Search */

/** What a chat is made of, loaded before the first. @typedef {{kem: import('../kem.js').Kem, screens: import('../conversation.js').Screens}} Means */

/**
 * What the desk is told.
 * @typedef {object} Desk
 * @property {(key: Key, values?: Values) => void} progress How the search goes.
 * @property {(outlook: import('../outlook.js').Outlook) => void} outlook
 * @property {(conversation: Conversation) => void} came
 * @property {() => void} heard The other side has written.
 * @property {() => void} said The helper has written.
 * @property {(why: Key) => void} over The chat is over, and still shown.
 * @property {(why: Key) => void} failed The search or the chat has failed, and is not shown.
 * @property {() => void} parted The goodbye is done: the place is free.
 * @property {(taken: boolean) => void} reported
 * @property {() => void} closed The operator takes no new sessions.
 * @property {(service: import('../service.js').Service) => void} service
 * @property {() => void} leave The helper wants to end the chat.
 * @property {() => void} next The helper wants the next one, after a chat.
 */

export class Seat {
  #desk;
  #means;
  #helper;
  #driver = new ConnectionDriver((event) => this.#connectionEvent(event), (frame) => this.#frame(frame));
  /** @type {Search | null} */ #search = null;
  /** @type {Conversation | null} */ #chat = null;
  /** A chat that the helper has ended, while its goodbye is on its way. @type {Conversation | null} */ #leaving = null;

  /** @param {Means} means @param {import('../later/pass.js').Helper | null} helper Whose pass the sessions get. @param {Desk} desk */
  constructor(means, helper, desk) {
    this.#driver.helper = this.#helper = helper;
    this.#means = means;
    this.#desk = desk;
  }

  get chat() {
    return this.#chat;
  }

  /** Looks for somebody. @param {Search} search */
  find(search) {
    forget(this.#search);
    this.#search = search;
    this.#desk.progress('wait.connecting');
    this.#driver.find(search.criteria);
  }

  /** Looks for nobody any more. */
  cancel() {
    forget(this.#search);
    this.#search = null;
    this.#driver.stop();
  }

  /**
   * Ends the chat, with a last word if there is one. Whether it was sent is told.
   * @param {string} note
   * @returns {'sent' | 'full' | 'over'}
   */
  end(note = '') {
    const chat = this.#chat;
    const sent = note === '' || chat === null ? 'sent' : chat.say(note);
    // Without it the chat goes on: a last word is not lost in silence.
    if (sent === 'full') return sent;
    this.#chat = null;
    const bye = chat?.bye() ?? null;
    chat?.wipe();
    chat?.screen.node.remove();
    if (chat === null || bye === null) {
      chat?.close();
      this.#driver.run(this.#driver.machine.leave());
      this.#desk.parted();
      return sent;
    }
    this.#leaving = chat;
    void bye.then(() => {
      // Somebody may have closed everything meanwhile.
      if (this.#leaving !== chat) return;
      this.#leaving = null;
      this.#driver.run(this.#driver.machine.leave());
      this.#desk.parted();
    });
    return sent;
  }

  /** Nothing of a chat that is over stays. */
  clear() {
    this.#drop();
    this.#driver.run(this.#driver.machine.leave());
  }

  /** Ends everything at once, as when the tab closes. */
  stop() {
    this.#drop();
    this.#leaving?.close();
    this.#leaving = null;
    this.#driver.stop();
  }

  #drop() {
    this.#chat?.wipe();
    this.#chat?.close();
    this.#chat?.screen.node.remove();
    forget(this.#search);
    this.#chat = this.#search = null;
  }

  // What the connection says -------------------------------------------------------------------------------------

  /** @param {ConnectionEvent} event */
  #connectionEvent(event) {
    switch (event.kind) {
      case 'online':
        return this.#searching('wait.connecting');
      case 'waiting':
        if (this.#search === null) return;
        this.#searching('desk.place.seeking');
        return this.#desk.outlook(event.outlook);
      case 'working':
        return this.#searching('wait.work');
      case 'busy':
        if (event.closed) this.#desk.closed();
        return this.#searching(...busy(event));
      case 'service':
        return this.#desk.service(event.service);
      case 'silent':
        this.#searching('wait.silent');
        return this.#chat?.showOwn('silent');
      case 'answers':
        this.#searching('desk.place.seeking');
        return this.#chat?.showOwn('online');
      case 'moving':
        return this.#chat?.pathChanged('link-down');
      case 'offline':
        this.#leaving?.close();
        this.#searching(event.why === 'silent' ? 'wait.silent' : 'wait.offline');
        this.#chat?.showOwn(navigator.onLine ? event.why : 'offline', this.#driver.machine.graceMs);
        return this.#chat?.pathChanged('link-down');
      case 'paired':
        return void this.#paired(event);
      case 'paired-again':
        this.#leaving?.close();
        return this.#chat === null ? undefined : this.#failed('trouble.secure.again');
      case 'resumed':
        this.#chat?.showOwn('online');
        return this.#chat?.pathChanged('link-up');
      case 'peer':
        return this.#chat?.pathChanged(event.state === 'online' ? 'peer-online' : 'peer-away', this.#driver.machine.graceMs);
      case 'ended':
        this.#leaving?.close();
        return this.#over(event.away ? 'over.away' : `over.${event.reason}`);
      case 'refused':
        return this.#failed(REFUSALS.get(event.code) ?? (event.code === 'invite-spent' ? 'trouble.spent' : 'trouble.refused'));
      case 'reported':
        return this.#desk.reported(event.taken);
      case 'failed':
        return this.#chat === null ? this.#failed(FAILURES[event.why]) : this.#over(FAILURES[event.why]);
    }
  }

  /** @param {Key} key @param {Values} [values] */
  #searching(key, values) {
    if (this.#search !== null) this.#desk.progress(key, values);
  }

  /** @param {Bytes} frame */
  #frame(frame) {
    (this.#leaving ?? this.#chat)?.frame(frame);
  }

  /** @param {Extract<ConnectionEvent, {kind: 'paired'}>} event */
  async #paired({ room, side, criteria }) {
    const search = this.#search;
    // A match is only taken for the search that is under way, whose key the chat is bound to.
    if (search === null || search.criteria !== criteria) return this.#driver.run(this.#driver.machine.leave());
    const chat = this.#conversation(search);
    this.#search = null;
    this.#chat = chat;
    this.#desk.came(chat);
    if (!(await chat.open(room, side))) this.#failed('trouble.fault');
  }

  /** @param {Search} search */
  #conversation(search) {
    /** @type {Conversation} */
    const chat = new Conversation(search, this.#means.kem, this.#means.screens, {
      send: (frame, awaits) => this.#driver.send(frame, awaits),
      // The desk has a bell for all chats.
      alerts: el('span', { set: { hidden: true } }),
      wrote: () => this.#desk.heard(),
      said: () => this.#desk.said(),
      peerBye: () => this.#over('over.bye'),
      ended: (reason) => {
        if (this.#chat !== chat || reason === 'closed' || reason === 'bye' || reason === 'peer-bye') return;
        this.#failed(UNSAFE[reason] ?? 'trouble.secure.tampered');
      },
      next: null,
      leave: () => this.#desk.leave(),
      report: (category) => this.#report(category),
      part: this.#helper === null ? null : { helper: this.#helper },
    });
    return chat;
  }

  /** Reports the chat, which ends it. @param {Category} category */
  #report(category) {
    const effects = this.#driver.machine.report(category);
    const isOnItsWay = effects.some((effect) => effect.do === 'send');
    this.#drop();
    this.#driver.run(effects);
    this.#desk.failed(isOnItsWay ? 'end.reporting' : 'end.unreported');
  }

  /** @param {Key} why */
  #over(why) {
    const chat = this.#chat;
    if (chat === null) return;
    // After the peer's goodbye the channel stays for a moment, to acknowledge it. Any other end closes it.
    if (why !== 'over.bye') chat.close();
    if (chat.isOver) return;
    chat.over(why, { again: { text: 'desk.next', go: () => this.#desk.next() }, clear: () => this.#cleared() });
    this.#desk.over(why);
  }

  #cleared() {
    this.clear();
    this.#desk.parted();
  }

  /** @param {Key} why */
  #failed(why) {
    this.#drop();
    this.#driver.stop();
    this.#desk.failed(why);
  }
}
