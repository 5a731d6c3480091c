/** Finds the addresses of the web in a text. */

/** Beyond this length an address is only text: nobody would read it before opening it. */
const LONGEST = 2_000;
const ADDRESS = /https?:\/\/[^\s\ufffd<>"`]+/giu;
/** What ends a sentence rather than an address. */
const TRAILING = /[.,;:!?'"’”»…。、，！？]$/u;
/** Brackets belong to the address if they were opened in it. */
const BRACKETS = [['(', ')'], ['[', ']'], ['{', '}'], ['（', '）'], ['「', '」'], ['『', '』']];

/** @typedef {{text: string, address: URL | null}} Part A stretch of a text, and where it leads. */

/**
 * Cuts a text into stretches that are addresses and stretches that are not.
 * @param {string} text
 * @returns {Part[]}
 */
export function partsOf(text) {
  /** @type {Part[]} */
  const parts = [];
  let done = 0;
  for (const { 0: found, index } of text.matchAll(ADDRESS)) {
    const written = trimmed(found);
    const address = addressOf(written);
    if (address === null) continue;
    if (index > done) parts.push({ text: text.slice(done, index), address: null });
    parts.push({ text: written, address });
    done = index + written.length;
  }
  if (done < text.length) parts.push({ text: text.slice(done), address: null });
  return parts;
}

/**
 * The address without what ends its sentence. Its brackets are counted once: a stranger may send
 * thousands.
 * @param {string} found
 */
function trimmed(found) {
  const stray = new Map(BRACKETS.map(([open, close]) => [close, count(found, close) - count(found, open)]));
  let end = found.length;
  for (; end > 0; end -= 1) {
    const last = found.charAt(end - 1);
    const strays = stray.get(last) ?? 0;
    if (strays > 0) stray.set(last, strays - 1);
    else if (!TRAILING.test(last)) break;
  }
  return found.slice(0, end);
}

/** @param {string} text @param {string} char */
function count(text, char) {
  return text.split(char).length - 1;
}

/** @param {string} written */
function addressOf(written) {
  const address = written.length <= LONGEST && URL.canParse(written) ? new URL(written) : null;
  // What looks like one place may be a name that is given to another, before an @.
  const misleads = address !== null && (address.username !== '' || address.password !== '');
  return misleads || address?.host === '' ? null : address;
}
