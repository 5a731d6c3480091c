/** What the operator offers, and says, in `GET /v1/status`. */

import { presenceOf } from './outlook.js';

/** Where somebody is who left quickly, if the operator names no page. */
export const EXIT_URL = 'about:blank';
/** Fewer people than this are not shown. */
const CROWD = 10;

/**
 * @param {any} status The answer of `GET /v1/status`.
 * @param {boolean} [hasKeys] Whether this page brings keys of an operator with it, which is for those who seek.
 * @returns {import('./ui-start.js').Offer}
 */
export function offerOf(status, hasKeys = false) {
  const matching = Array.isArray(status.matching) ? status.matching : ['random', 'invite'];
  const topics = Array.isArray(status.topics) ? status.topics.filter((/** @type {unknown} */ topic) => typeof topic === 'string') : [];
  const people = [status.waiting, status.chatting].filter(Number.isFinite).reduce((sum, some) => sum + some, 0);
  return {
    random: matching.includes('random'), invite: matching.includes('invite'), topics, people: people >= CROWD ? people : null,
    operator: { name: textOf(status.operator?.name), contact: textOf(status.operator?.contact), welcome: textOf(status.welcome) },
    consent: textOf(status.consent), presence: presenceOf(status), roles: rolesOf(status, hasKeys),
  };
}

/**
 * On a help line people seek, unless they say otherwise: who just talks meets anybody but a helper. Helpers with
 * passes come by the desk. With keys of its own the page leaves no other choice: whoever is met has to prove it.
 * @param {any} status
 * @param {boolean} hasKeys
 * @returns {import('./ui-start.js').Offer['roles']}
 */
function rolesOf(status, hasKeys) {
  if (hasKeys) return ['seek'];
  return status.helpers === 'pass' ? ['seek', ''] : ['', 'seek', 'offer'];
}

/** @param {unknown} value */
function textOf(value) {
  return typeof value === 'string' && value !== '' ? value : null;
}

/** @param {any} status */
export function exitOf(status) {
  const url = textOf(status.exit_url);
  return url !== null && URL.canParse(url) && ['https:', 'http:'].includes(new URL(url).protocol) ? url : EXIT_URL;
}
