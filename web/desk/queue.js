/** Who waits for a helper, as far as the server tells it, and whom to take next. Decides, and shows nothing. */

/** @typedef {import('../facts.js').Partners} Partners */
/** @typedef {import('../outlook.js').Presence} Presence */

/**
 * A topic, `''` for none, and how many seekers wait for it; `null` if that is not told.
 * @typedef {{topic: string, waiting: Partners | null}} Row
 */

/** Whoever has waited for longest, of whatever topic: what is chosen until the helper chooses a topic. */
export const WHOEVER = null;

/** How much more somebody is needed there. What is not known may be somebody. @type {Record<Partners, number>} */
const NEED = { many: 3, few: 2, none: 0 };
const UNKNOWN_NEED = 1;

/**
 * A row for each topic that this helper may take.
 * @param {string[]} offered Topics that the operator offers; none if any topic is allowed.
 * @param {Presence[]} presence
 * @param {string[] | null} allowed Topics of the helper's pass, folded; `null` for all.
 * @returns {Row[]}
 */
export function rowsOf(offered, presence, allowed) {
  const topics = offered.length > 0 ? ['', ...offered] : ['', ...(allowed ?? [])];
  const mine = allowed === null ? topics : topics.filter((topic) => allowed.includes(folded(topic)));
  return mine.map((topic) => ({ topic, waiting: presence.find((one) => one.topic === topic)?.waiting ?? null }));
}

/** Topics are compared as the server compares them. @param {string} topic */
export function folded(topic) {
  return topic.normalize('NFKC').toLowerCase().normalize('NFKC').trim();
}

/** Whether somebody waits, as far as it is known. @param {Row[]} rows */
export function isSomebodyWaiting(rows) {
  return rows.some(({ waiting }) => waiting === 'few' || waiting === 'many');
}

/**
 * The topic whose turn it is: the one that was chosen, or the one with most people. Of equals the one
 * that was not taken last, so that none is left out.
 * @param {Row[]} rows
 * @param {string | null} chosen
 * @param {string | null} last The topic that was taken last.
 */
export function nextTopic(rows, chosen, last) {
  if (chosen !== WHOEVER && rows.some(({ topic }) => topic === chosen)) return chosen;
  const need = (/** @type {Row} */ { waiting }) => (waiting === null ? UNKNOWN_NEED : NEED[waiting]);
  const after = rows.findIndex(({ topic }) => topic === last) + 1;
  const inTurn = [...rows.slice(after), ...rows.slice(0, after)];
  return inTurn.reduce((best, row) => (best === null || need(row) > need(best) ? row : best), /** @type {Row | null} */ (null))?.topic ?? '';
}
