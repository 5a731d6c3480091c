/** The table of nodes: columns, how their values are shown, and in which order. */

/** @typedef {Record<string, any>} Node */

/** A number with at most three digits that count. */
export function amount(value) {
  if (value === null || value === undefined || !Number.isFinite(value)) return '-';
  for (const [size, unit] of /** @type {[number, string][]} */ ([[1e9, 'G'], [1e6, 'M'], [1e4, 'k']])) {
    if (Math.abs(value) >= size) return short(value / (unit === 'k' ? 1e3 : size)) + unit;
  }
  return short(value);
}

function short(value) {
  if (Number.isInteger(value) || Math.abs(value) >= 100) return value.toFixed(0);
  return value.toFixed(Math.abs(value) >= 10 ? 1 : 2);
}

/** How long something lasts, in its largest unit. */
export function lasting(seconds) {
  if (seconds === null || seconds === undefined) return '-';
  for (const [size, unit] of /** @type {[number, string][]} */ ([[86400, 'd'], [3600, 'h'], [60, 'min']])) {
    if (seconds >= size) return `${Math.floor(seconds / size)} ${unit}`;
  }
  return `${Math.max(0, Math.floor(seconds))} s`;
}

const brief = (seconds) => (seconds === null ? '-' : seconds < 1 ? `${(seconds * 1000).toFixed(0)} ms` : `${amount(seconds)} s`);
const percent = (share) => (share === null ? '-' : `${(share * 100).toFixed(0)} %`);
const memory = (bytes) => (bytes === null ? '-' : `${(bytes / 2 ** 20).toFixed(0)} MiB`);
const STATES = ['silent', 'not-ready', 'draining', 'degraded', 'unknown', 'ready'];

/**
 * Each: heading, text of a node, what it is sorted by, whether it is words, and what the heading means.
 * @type {{ name: string, text: (node: Node) => string, key: (node: Node) => number | string, words?: boolean, title: string }[]}
 */
export const COLUMNS = [
  { name: 'Node', text: ({ node }) => node, key: ({ node }) => node, words: true, title: 'its id' },
  { name: 'Role', text: ({ role }) => role, key: ({ role }) => role, words: true, title: 'gateway, pairing or janitor' },
  { name: 'State', text: ({ state }) => state.replace('-', ' '), key: ({ state }) => STATES.indexOf(state), words: true, title: 'how it is' },
  number('Chatting', 'chatting', 'people who chat'),
  number('Waiting', 'waiting', 'people who wait'),
  number('Connections', 'connections', 'open connections'),
  number('Frames/s', 'frames', 'frames a second'),
  number('Requests/s', 'requests', 'requests a second'),
  number('Refused/s', 'refused', 'requests refused a second'),
  number('Matches/s', 'matches', 'matches a second'),
  number('Slowest request', 'slowest_request', 'one of a hundred takes longer', brief),
  number('Slowest match', 'slowest_match', 'one of a hundred people waits longer', brief),
  number('CPU', 'processor', 'processors in use', percent),
  number('Memory', 'memory', 'memory in use', memory),
  number('Files', 'files', 'open files, of those allowed', percent),
  { name: 'Certificate', text: ({ certificate }) => (certificate !== null && certificate <= 0 ? 'ended' : lasting(certificate)), key: ({ certificate }) => certificate ?? Infinity, title: 'until the first of its certificates ends' },
  { name: 'For', text: ({ for_ms }) => lasting(for_ms / 1000), key: ({ for_ms }) => for_ms, title: 'for how long it has been heard, or silent' },
  { name: 'Version', text: ({ version }) => version, key: ({ version }) => version, words: true, title: 'what it runs' },
];

function number(name, field, title, text = amount) {
  return { name, text: (node) => text(node[field]), key: (node) => -(node[field] ?? -1), title };
}

/** The nodes in the order of a column; what is worse, or more, is above. */
export function sorted(nodes, column, reversed) {
  const compare = (a, b) => (a < b ? -1 : a > b ? 1 : 0);
  const name = ({ node, role }) => `${node} ${role}`;
  const order = [...nodes].sort((a, b) => compare(column.key(a), column.key(b)) || compare(name(a), name(b)));
  return reversed ? order.reverse() : order;
}
