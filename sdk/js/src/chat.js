/** One chat, as whoever uses the package has it. */

import { ChatError } from './errors.js';
import { Events } from './events.js';
import { utf8 } from './page/bytes.js';
import { MAX_TEXT } from './page/limits.js';

/**
 * Texts that wait for a program that takes them one by one. Thirty packets a second can bring more than a
 * slow program works off: a thousand of the longest are some 16 MB, and more than anybody writes by hand.
 */
const MAX_WAITING = 1_000;

/** @typedef {import('./page/facts.js').Category} Category */
/** @typedef {import('./talk.js').End} End */
/** @typedef {import('./talk.js').SafetyCode} SafetyCode */
/** @typedef {import('./talk.js').Sent} Sent */
/** @typedef {import('./talk.js').Talk} Talk */
/** @typedef {import('./passes.js').HelperPass} HelperPass */
/** @typedef {import('./invites.js').Invite} Invite */
/** A text of this side (`own`: the `id` of what `send` gave) or of the other (that of its event). @typedef {{own: boolean, id: number}} Said */

/**
 * What a chat tells. `text`: what a stranger has written, as it may be shown (characters that control
 * or turn what is around them are U+FFFD); `raw` is what was sent. `peer`: whether the other side has
 * a connection; `connection`: whether this side has. Both come back by themselves, and nothing is lost
 * meanwhile; `keptMs` is how long the server keeps the place, `null` where it does not say. `ready`:
 * there is room again after `send` has thrown `full`.
 * The other side's program asks for `edited`, `deleted` and `timer` (after so many seconds texts vanish from
 * now on; 0: never again): what was shown before is to be shown so. `unknown`: a newer program has said
 * something. `credential`: what is known of the helper on the other side. `handover`: the helper offers
 * that a colleague goes on; `accept` ends this chat and looks for exactly that one.
 * @typedef {object} ChatEvents
 * @property {{id: number, text: string, raw: string, replyTo: Said | 'gone' | null}} text
 * @property {{to: Said, text: string, raw: string}} reaction
 * @property {{id: number, text: string, raw: string}} edited
 * @property {{id: number}} deleted
 * @property {{seconds: number}} timer
 * @property {{}} unknown
 * @property {HelperPass} credential
 * @property {{accept: () => Promise<Chat>}} handover
 * @property {{active: boolean}} typing
 * @property {Sent} delivered
 * @property {Sent} lost
 * @property {{}} ready
 * @property {{state: 'online' | 'away', keptMs: number | null}} peer
 * @property {{state: 'online' | 'silent' | 'offline', keptMs: number | null}} connection
 * @property {End} ended
 */

/**
 * A secured chat. Add listeners in the turn in which you get it: what happens meanwhile is told after
 * that turn. As an async iterable it gives each text of the other side, until the chat ends. At most a
 * thousand texts wait to be taken: after them it throws `behind`, and the chat itself goes on.
 */
export class Chat {
  /** @type {Talk} */ #talk;
  /** @type {(category: Category) => Promise<boolean>} */ #report;
  /** @type {Events<ChatEvents>} */ #events = new Events();
  /** What is told after the first turn. @type {(() => void)[] | null} */ #held = [];
  /** @type {'online' | 'away'} */ #peer = 'online';
  /** @type {HelperPass | null} */ #helper = null;
  /** @type {(colleague: string) => Promise<Invite>} */ #handOver;

  /**
   * @param {Talk} talk
   * @param {boolean} byInvite
   * @param {(category: Category) => Promise<boolean>} report
   * @param {(colleague: string) => Promise<Invite>} handOver
   */
  constructor(talk, byInvite, report, handOver) {
    this.#talk = talk;
    this.#report = report;
    this.#handOver = handOver;
    /** Whether the two met by an invite: then nobody without it can sit between. @readonly */
    this.byInvite = byInvite;
    void talk.ended.then((end) => this.tell('ended', end));
  }

  /** @type {SafetyCode} */
  get safetyCode() {
    return /** @type {SafetyCode} */ (this.#talk.safety);
  }

  /** Whether nothing can be sent any more. */
  get isOver() {
    return this.#talk.isOver;
  }

  /** Resolves when the chat has ended. It never rejects. */
  get ended() {
    return this.#talk.ended;
  }

  /** Whether the other side has a connection, as far as this side knows. */
  get peer() {
    return this.#peer;
  }

  /** What is known of the helper on the other side; `null` if it has shown no pass. */
  get helper() {
    return this.#helper;
  }

  /**
   * Offers that a colleague goes on: a helper's with a pass. Give the colleague the invite, who looks with
   * `find({ invite, role: 'offer' })`; who seeks help is asked, and meets nobody else there.
   * @param {string} colleague Their pass, or their public key.
   * @returns {Promise<Invite>}
   * @throws {ChatError} `bad-pass`, `no-helper`, `full`, `over`
   */
  handOver(colleague) {
    return this.#handOver(colleague);
  }

  /**
   * Adds a listener. Returns what removes it.
   * @template {keyof ChatEvents} T
   * @param {T} type
   * @param {(event: ChatEvents[T]) => void} listener
   * @returns {() => void}
   */
  on(type, listener) {
    return this.#events.on(type, listener);
  }

  /**
   * Sends a text of 1 to 8192 bytes in UTF-8. It is numbered, acknowledged and sent again over broken
   * connections until it was delivered or the chat has ended.
   * @param {string} text
   * @returns {Sent}
   * @throws {ChatError} `empty`, `too-long`, `full` (wait for `ready`), `over`
   */
  send(text) {
    const { length } = utf8(text);
    if (length === 0) throw new ChatError('empty');
    if (length > MAX_TEXT) throw new ChatError('too-long');
    const sent = this.#talk.send(text);
    if (typeof sent === 'string') throw new ChatError(sent);
    return sent;
  }

  /** Tells the other side that somebody writes here, or has stopped; at most once in a second. @param {boolean} active */
  typing(active) {
    this.#talk.typing(active);
  }

  /**
   * Ends the chat with a goodbye after all that was sent before. Waits up to 6 s until the other side
   * has received everything.
   * @returns {Promise<End>}
   */
  async end() {
    await this.#talk.bye();
    return this.ended;
  }

  /**
   * Ends the chat and reports it to the operator. No text is told to anybody.
   * @param {Category} category
   * @returns {Promise<boolean>} Whether the server has taken the report.
   */
  report(category) {
    return this.#report(category);
  }

  /** Each text of the other side, as it may be shown. It throws a `ChatError`, `behind`, if it is not taken in time. @returns {AsyncIterableIterator<string>} */
  [Symbol.asyncIterator]() {
    /** @type {string[]} */
    const texts = [];
    let wake = () => {};
    let isDone = false;
    let isBehind = false;
    const stop = () => {
      for (const remove of off) remove();
      isDone = true;
      wake();
    };
    const off = [
      this.on('text', ({ text }) => {
        isBehind = texts.length === MAX_WAITING;
        if (isBehind) return stop();
        texts.push(text);
        wake();
      }),
      this.on('ended', stop),
    ];
    const finish = () => {
      stop();
      return { done: /** @type {const} */ (true), value: undefined };
    };
    return {
      next: async () => {
        while (texts.length === 0 && !isDone) await new Promise((resolve) => (wake = () => resolve(undefined)));
        const text = texts.shift();
        if (text === undefined && isBehind) {
          // Told once: whoever asks again is at the end.
          isBehind = false;
          throw new ChatError('behind');
        }
        return text === undefined ? finish() : { done: false, value: text };
      },
      return: async () => {
        texts.length = 0;
        isBehind = false;
        return finish();
      },
      [Symbol.asyncIterator]() {
        return this;
      },
    };
  }

  /**
   * For the client.
   * @internal
   * @template {keyof ChatEvents} T
   * @param {T} type
   * @param {ChatEvents[T]} event
   */
  tell(type, event) {
    if (type === 'credential') this.#helper = /** @type {HelperPass} */ (event);
    if (type === 'peer') this.#peer = /** @type {ChatEvents['peer']} */ (event).state;
    if (this.#held !== null) this.#held.push(() => this.#events.tell(type, event));
    else this.#events.tell(type, event);
  }

  /** For the client: whoever has the chat has added listeners. @internal */
  release() {
    const held = this.#held ?? [];
    this.#held = null;
    for (const tell of held) tell();
  }
}
