/**
 * A helper's shift: the places for chats, which of them is looked at, what was not read, and whether
 * the bell rings. It decides, and shows nothing.
 */

/**
 * `free`: nobody; `seeking`: the next one is looked for; `chat`: somebody is here; `over`: the chat has
 * ended, and is still shown; `parting`: the goodbye is on its way.
 * @typedef {'free' | 'seeking' | 'chat' | 'over' | 'parting'} State
 */

/**
 * @typedef {object} Place
 * @property {State} state
 * @property {string} topic Of the chat, or of the search; empty for none.
 * @property {boolean} isAnswered Whether the helper has looked at the chat.
 * @property {number} unread Texts of the other side that were not seen.
 * @property {{at: number, mine: boolean} | null} lastWord When a text was written last, ms, and by whom.
 * @property {string} notes The helper's own. They go with the chat.
 */

export class Shift {
  /** @type {readonly Place[]} */ places;
  /** The place that is looked at. */ selected = 0;
  isPaused = false;
  /** Whether the page itself is looked at. */ isSeen = true;
  /** The topic of the last search. @type {string | null} */ lastTopic = null;

  /** @param {number} count How many chats there may be at once. */
  constructor(count) {
    this.places = Array.from({ length: count }, emptyPlace);
  }

  /** The place that is looked at. */
  get current() {
    return this.places[this.selected];
  }

  /** Chats that have not ended. */
  get chats() {
    return this.places.filter(({ state }) => state === 'chat').length;
  }

  /** Whether closing the page would end something. */
  get isNeeded() {
    return this.chats > 0;
  }

  /** Whether the next one can be looked for: one at a time, so that nobody comes to a helper who is not ready. */
  get canTake() {
    return !this.isPaused && this.#free !== -1 && !this.places.some(({ state }) => state === 'seeking');
  }

  get #free() {
    if (this.current.state === 'free') return this.selected;
    return this.places.findIndex(({ state }) => state === 'free');
  }

  /**
   * Looks for the next one. Returns the place that waits; `null` if there is none.
   * @param {string} topic
   */
  take(topic) {
    if (!this.canTake) return null;
    const at = this.#free;
    this.#empty(at);
    Object.assign(this.places[at], { state: 'seeking', topic });
    this.lastTopic = topic;
    return at;
  }

  /** The search of a place has ended without anybody. @param {number} at */
  gaveUp(at) {
    if (this.places[at].state === 'seeking') this.#empty(at);
  }

  /** Takes nobody more for now. Returns the places whose search ends. */
  pause() {
    this.isPaused = true;
    const ended = this.places.flatMap(({ state }, at) => (state === 'seeking' ? [at] : []));
    for (const at of ended) this.#empty(at);
    return ended;
  }

  resume() {
    this.isPaused = false;
  }

  /** Somebody has come. @param {number} at @param {number} now */
  came(at, now) {
    Object.assign(this.places[at], { state: 'chat', lastWord: { at: now, mine: false }, isAnswered: false });
    if (at === this.selected) this.look();
  }

  /** The other side has written. @param {number} at @param {number} now */
  heard(at, now) {
    const place = this.places[at];
    place.lastWord = { at: now, mine: false };
    if (at !== this.selected || !this.isSeen) place.unread += 1;
  }

  /** The helper has written. @param {number} at @param {number} now */
  said(at, now) {
    this.places[at].lastWord = { at: now, mine: true };
  }

  /** The chat is over, and is still shown. @param {number} at */
  ended(at) {
    if (this.places[at].state === 'chat') this.places[at].state = 'over';
  }

  /** The helper has ended the chat: nothing of it stays but that a goodbye is on its way. @param {number} at */
  parted(at) {
    this.#empty(at);
    this.places[at].state = 'parting';
  }

  /** Nothing of the chat stays. @param {number} at */
  clear(at) {
    this.#empty(at);
  }

  /** Looks at a place. @param {number} at */
  select(at) {
    if (at < 0 || at >= this.places.length) return;
    this.selected = at;
    this.look();
  }

  /** What is selected is seen now, if the page is. */
  look() {
    if (!this.isSeen) return;
    this.current.unread = 0;
    if (this.current.state === 'chat') this.current.isAnswered = true;
  }

  /** The next place after the selected one, or before it, that is not free; the selected one if there is none. @param {1 | -1} step */
  neighbour(step) {
    const { length } = this.places;
    for (let far = 1; far < length; far++) {
      const at = (this.selected + step * far + far * length) % length;
      if (this.places[at].state !== 'free') return at;
    }
    return this.selected;
  }

  /**
   * Whether the bell rings: somebody has come and nobody has looked, or somebody waits and this helper
   * could take the next one, and looks for nobody.
   * @param {boolean} somebodyWaits
   */
  rings(somebodyWaits) {
    if (this.places.some(({ state, isAnswered }) => state === 'chat' && !isAnswered)) return true;
    return somebodyWaits && this.canTake;
  }

  /** Nothing stays. */
  end() {
    this.places.forEach((_, at) => this.#empty(at));
  }

  /** @param {number} at */
  #empty(at) {
    Object.assign(this.places[at], emptyPlace());
  }
}

/** @returns {Place} */
function emptyPlace() {
  return { state: 'free', topic: '', isAnswered: true, unread: 0, lastWord: null, notes: '' };
}

/** Steps of the time since the last word, seconds: it is told in the largest that has passed. */
const STEPS = [3600, 1800, 900, 600, 300, 240, 180, 120, 60, 30];

/**
 * The time since the last word, seconds, in steps: nobody has to see seconds pass. 0 for just now.
 * @param {number} lastAt
 * @param {number} now
 */
export function sinceLastWord(lastAt, now) {
  const seconds = Math.max(0, (now - lastAt) / 1000);
  if (seconds >= 7200) return Math.floor(seconds / 3600) * 3600;
  return STEPS.find((step) => seconds >= step) ?? 0;
}
