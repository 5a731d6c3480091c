/** Ready answers: the operator's, and those that the helper has typed into this tab. Decides, and shows nothing. */

/** The longest answer, characters: as long as one of the operator's. */
export const ANSWER_CHARS = 1000;
/** The most answers of one's own. */
export const OWN_ANSWERS = 30;

export class Answers {
  /** @type {readonly string[]} */ #given;
  /** @type {string[]} */ #own = [];

  /** @param {readonly string[]} given The operator's. */
  constructor(given) {
    this.#given = given;
  }

  /** All, the helper's own first. @returns {{text: string, own: boolean}[]} */
  get all() {
    return [...this.#own.map((text) => ({ text, own: true })), ...this.#given.map((text) => ({ text, own: false }))];
  }

  /**
   * Adds one. Returns what is wrong with it, if anything is.
   * @param {string} text
   * @returns {'empty' | 'long' | 'many' | null}
   */
  add(text) {
    const answer = text.trim();
    if (answer === '') return 'empty';
    if ([...answer].length > ANSWER_CHARS) return 'long';
    if (this.#own.includes(answer)) return null;
    if (this.#own.length >= OWN_ANSWERS) return 'many';
    this.#own.unshift(answer);
    return null;
  }

  /** @param {string} text */
  drop(text) {
    this.#own = this.#own.filter((own) => own !== text);
  }

  /** Those that have every word of a search, however it is written. @param {string} words */
  matching(words) {
    const wanted = words.toLowerCase().split(/\s+/).filter(Boolean);
    return this.all.filter(({ text }) => wanted.every((word) => text.toLowerCase().includes(word)));
  }
}

/** What `GET /v1/desk` says; the usual where it says nothing that can be used. @param {any} offer */
export function deskOf(offer) {
  const { chats, answers } = offer ?? {};
  const texts = Array.isArray(answers) ? answers.filter((/** @type {unknown} */ text) => typeof text === 'string') : [];
  return { chats: Number.isInteger(chats) && chats >= 1 && chats <= MOST_CHATS ? chats : USUAL_CHATS, answers: texts };
}

/** What the server offers, if it does not say otherwise. */
const USUAL_CHATS = 3;
/** Nobody listens to more people than this at once. */
const MOST_CHATS = 9;
