/** In words: what somebody who waits may expect. */

/** @typedef {import('./i18n.js').Key} Key */
/** @typedef {import('./i18n.js').Values} Values */
/** @typedef {import('./outlook.js').Outlook} Outlook */
/** @typedef {import('./protocol.js').Role} Role */

/** The words for the steps of `ahead`; a number between two steps has the words of the lower one. */
const AHEAD = /** @type {const} */ ([10, 5, 2, 1, 0]);

/**
 * The sentences for it; none where nothing is known.
 * @param {Outlook} outlook
 * @param {Role | undefined} role That of the person who waits.
 * @returns {[Key, Values][]}
 */
export function sentences({ ahead, partners, aboutS }, role) {
  // Where nobody is, nobody can say how long it takes.
  if (partners === 'none') return [[`outlook.none.${role ?? 'any'}`, {}]];
  /** @type {[Key, Values][]} */
  const said = [];
  const step = ahead === null ? undefined : AHEAD.find((least) => ahead >= least);
  if (step !== undefined) said.push([`outlook.ahead.${step}`, {}]);
  if (aboutS !== null && aboutS > 0) said.push(about(aboutS));
  return said;
}

/** @param {number} seconds @returns {[Key, Values]} */
function about(seconds) {
  if (seconds < 60) return ['outlook.about.half', {}];
  if (seconds < 120) return ['outlook.about.one', {}];
  return ['outlook.about.minutes', { minutes: Math.round(seconds / 60) }];
}
