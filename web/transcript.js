/**
 * What was said in a chat, as far as it is still to be seen: which message another one is about, and
 * when each vanishes. It decides, and shows nothing.
 */

/** @typedef {import('./messages.js').Target} Target */
/** @typedef {'sending' | 'sent' | 'delivered' | 'lost'} Mark */

/**
 * A text, and what became of it.
 * @typedef {object} ChatEntry
 * @property {boolean} mine
 * @property {number} number Among the messages of its side.
 * @property {string} text Empty once it is deleted or has vanished.
 * @property {Mark} mark
 * @property {ChatEntry | 'gone' | null} answers The message that it is a reply to.
 * @property {boolean} edited
 * @property {'shown' | 'deleted' | 'gone'} state `gone`: it is no longer to be seen.
 * @property {{mine: string, theirs: string}} reactions Empty: none.
 * @property {number} endsAt When it vanishes, milliseconds; `Infinity`: not by itself.
 */
/**
 * How long messages are shown, as one side has set it with its message `number`. `heard`: the highest
 * number of the other side that it knew then.
 * @typedef {{number: number, seconds: number, heard: number}} Timer
 */

/** Messages that are kept: more than anybody scrolls back. Older ones are forgotten. */
export const KEPT = 2_000;

export class Transcript {
  /** @type {Map<string, ChatEntry>} */ #entries = new Map();
  /** Takes a message that has to be shown anew, or no more. @type {(entry: ChatEntry) => void} */
  #changed;
  /** What each side has set last. @type {{mine: Timer | null, theirs: Timer | null}} */
  #timers = { mine: null, theirs: null };

  /** @param {(entry: ChatEntry) => void} changed */
  constructor(changed) {
    this.#changed = changed;
  }

  /** After how many seconds messages vanish that are shown from now on; 0: never. */
  get seconds() {
    return holding(this.#timers.mine, this.#timers.theirs);
  }

  /**
   * Adds a text, and forgets the oldest one if there are too many.
   * @param {number} now
   * @param {{mine: boolean, number: number, text: string, mark: Mark, target?: Target | null}} said
   */
  add(now, { mine, number, text, mark, target = null }) {
    /** @type {ChatEntry} */
    const entry = {
      mine, number, text, mark, answers: null, edited: false, state: 'shown', reactions: { mine: '', theirs: '' },
      endsAt: this.seconds === 0 ? Infinity : now + this.seconds * 1000,
    };
    if (target !== null) entry.answers = this.find(mine, target) ?? 'gone';
    this.#entries.set(key(mine, number), entry);
    const [oldest] = this.#entries.size > KEPT ? this.#entries.values() : [];
    if (oldest !== undefined) this.#wipe(oldest, 'gone');
    return entry;
  }

  /**
   * What a side names, if it is still shown.
   * @param {boolean} mine Whether this side names it.
   * @param {Target} target
   */
  find(mine, { own, number }) {
    const entry = this.#entries.get(key(own === mine, number));
    return entry?.state === 'shown' ? entry : undefined;
  }

  /**
   * A side reacts to a message, or takes that back. Returns the message, if there is one.
   * @param {boolean} mine Whose reaction it is.
   * @param {Target} target
   * @param {string} text
   */
  react(mine, target, text) {
    const entry = this.find(mine, target);
    if (entry === undefined) return undefined;
    entry.reactions[mine ? 'mine' : 'theirs'] = text;
    this.#changed(entry);
    return entry;
  }

  /** @param {boolean} mine @param {number} number @param {string} text */
  edit(mine, number, text) {
    const entry = this.find(mine, { own: true, number });
    if (entry === undefined) return undefined;
    entry.text = text;
    entry.edited = true;
    for (const shown of [entry, ...this.#quoting(entry)]) this.#changed(shown);
    return entry;
  }

  /** @param {boolean} mine @param {number} number */
  delete(mine, number) {
    const entry = this.find(mine, { own: true, number });
    if (entry !== undefined) this.#wipe(entry, 'deleted');
    return entry;
  }

  /** A side has set a timer. Returns whether another setting holds now. @param {boolean} mine @param {Timer} timer */
  setTimer(mine, timer) {
    const before = this.seconds;
    this.#timers[mine ? 'mine' : 'theirs'] = timer;
    return this.seconds !== before;
  }

  /** When the next message vanishes; `null` if none does. */
  get nextEnd() {
    let next = Infinity;
    for (const { endsAt } of this.#entries.values()) next = Math.min(next, endsAt);
    return next === Infinity ? null : next;
  }

  /** Wipes what has vanished by now. @param {number} now */
  vanish(now) {
    for (const entry of [...this.#entries.values()]) if (entry.endsAt <= now) this.#wipe(entry, 'gone');
  }

  /** Wipes everything. */
  clear() {
    for (const entry of [...this.#entries.values()]) this.#wipe(entry, 'gone');
  }

  /**
   * Nothing of what it said stays. Who quotes it keeps only that it was there.
   * @param {ChatEntry} entry
   * @param {'deleted' | 'gone'} state
   */
  #wipe(entry, state) {
    entry.state = state;
    entry.text = '';
    entry.edited = false;
    entry.reactions = { mine: '', theirs: '' };
    if (state === 'gone') this.#entries.delete(key(entry.mine, entry.number));
    const quoting = this.#quoting(entry);
    for (const answer of quoting) answer.answers = 'gone';
    for (const shown of [entry, ...quoting]) this.#changed(shown);
  }

  /** What quotes a message. @param {ChatEntry} entry */
  #quoting(entry) {
    return [...this.#entries.values()].filter(({ answers }) => answers === entry);
  }
}

/** @param {boolean} mine @param {number} number */
function key(mine, number) {
  return `${mine ? 'mine' : 'theirs'} ${number}`;
}

/**
 * The seconds that hold. The later of two timers is the one whose side knew the other; if neither did,
 * or both say so, both sides have to come to the same: the shorter one.
 * @param {Timer | null} mine
 * @param {Timer | null} theirs
 */
function holding(mine, theirs) {
  if (mine === null || theirs === null) return (mine ?? theirs)?.seconds ?? 0;
  const [mineIsLater, theirsIsLater] = [mine.heard >= theirs.number, theirs.heard >= mine.number];
  if (mineIsLater !== theirsIsLater) return (mineIsLater ? mine : theirs).seconds;
  if (mine.seconds === 0 || theirs.seconds === 0) return Math.max(mine.seconds, theirs.seconds);
  return Math.min(mine.seconds, theirs.seconds);
}
