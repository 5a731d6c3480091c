/** What somebody who waits may expect, and who is there for a topic, as the server says. */

import { PARTNERS } from './facts.js';

/** @typedef {import('./facts.js').Partners} Partners */
/** @typedef {import('./protocol.js').Criteria} Criteria */
/** @typedef {import('./protocol.js').Role} Role */

/**
 * As far as it is known. `ahead`: at least so many are before this person. `aboutS`: most have waited
 * for less than so many seconds.
 * @typedef {{ahead: number | null, partners: Partners | null, aboutS: number | null}} Outlook
 */

/** @type {Outlook} */
export const UNKNOWN = { ahead: null, partners: null, aboutS: null };

/** @param {any} message A `waiting`. @returns {Outlook} */
export function outlookOf({ ahead, partners, about_s }) {
  return { ahead: countOf(ahead), partners: partnersOf(partners), aboutS: countOf(about_s) };
}

/** @param {unknown} count */
function countOf(count) {
  return typeof count === 'number' && Number.isSafeInteger(count) && count >= 0 ? count : null;
}

/** @param {unknown} word @returns {Partners | null} */
export function partnersOf(word) {
  return PARTNERS.find((known) => known === word) ?? null;
}

/** Whether it is known that somebody is there. @param {Outlook} outlook */
export function isSomebodyThere({ partners }) {
  return partners === 'few' || partners === 'many';
}

/**
 * The searches in which others are met than in this one, each by what it leaves out. One in any
 * language is none of them: after 10 s of waiting the server looks in all languages by itself.
 * Nor is one without a role on a help line: who seeks a helper is not sent to anybody.
 * @param {Criteria} wanted
 * @param {readonly ('' | Role)[]} roles What may be chosen here, the usual one first.
 * @returns {['topic' | 'role', Criteria][]}
 */
export function otherSearches(wanted, [usual]) {
  const { topic, role } = wanted;
  /** @type {['topic' | 'role', Criteria][]} */
  const all = [];
  if (topic !== undefined) all.push(['topic', without(wanted, 'topic')]);
  if (role !== undefined && usual === '') all.push(['role', without(wanted, 'role')]);
  return all;
}

/** @param {Criteria} wanted @param {'topic' | 'role'} name @returns {Criteria} */
function without(wanted, name) {
  const { [name]: _left, ...others } = wanted;
  return others;
}

/**
 * Who is there for each topic, and for none (`''`), before anybody waits.
 * `waiting`: those who seek and wait now.
 * @typedef {{topic: string, helpers: Partners | null, seekers: Partners | null, others: Partners | null, waiting: Partners | null}} Presence
 */

/** @param {any} status The answer of `GET /v1/status`. @returns {Presence[]} */
export function presenceOf(status) {
  const all = Array.isArray(status.presence) ? status.presence : [];
  return all.filter((/** @type {any} */ one) => typeof one === 'object' && one !== null).map((/** @type {any} */ one) => ({
    topic: typeof one.topic === 'string' ? one.topic : '',
    helpers: partnersOf(one.helpers), seekers: partnersOf(one.seekers), others: partnersOf(one.others), waiting: partnersOf(one.waiting),
  }));
}

/**
 * How many there are whom somebody with this role would meet.
 * @param {Presence[]} all
 * @param {string} topic
 * @param {Role | ''} role
 */
export function whoIsThere(all, topic, role) {
  const there = all.find((one) => one.topic === topic);
  if (there === undefined) return null;
  return { seek: there.helpers, offer: there.seekers, '': there.others }[role];
}
