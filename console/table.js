/** The table of nodes: columns, how their values are shown, and in which order. */

/**
 * What the server tells of one role of a node: `Node` in crates/overview/src/report.rs.
 * @typedef {object} Node
 * @property {string} node
 * @property {string} role
 * @property {string} boot
 * @property {string} version
 * @property {string} state
 * @property {number} for_ms
 * @property {number} restarts
 * @property {number | null} connections
 * @property {number | null} waiting
 * @property {number | null} chatting
 * @property {number | null} frames
 * @property {number | null} requests
 * @property {number | null} refused
 * @property {number | null} matches
 * @property {number | null} slowest_request
 * @property {number | null} slowest_match
 * @property {number | null} processor
 * @property {number | null} memory
 * @property {number | null} files
 * @property {number | null} certificate
 *
 * @typedef {'connections' | 'waiting' | 'chatting' | 'frames' | 'requests' | 'refused' | 'matches' | 'slowest_request' | 'slowest_match' | 'processor' | 'memory' | 'files'} Figure
 *
 * @typedef {object} Column
 * @property {string} name its heading
 * @property {(node: Node) => string} text
 * @property {(node: Node) => number | string} key what it is sorted by
 * @property {boolean} [words]
 * @property {string} title what the heading means
 */

/**
 * A number with at most three digits that count.
 * @param {number | null | undefined} value
 */
export function amount(value) {
  if (value === null || value === undefined || !Number.isFinite(value)) return '-';
  for (const [size, unit] of /** @type {[number, string][]} */ ([[1e9, 'G'], [1e6, 'M'], [1e4, 'k']])) {
    if (Math.abs(value) >= size) return short(value / (unit === 'k' ? 1e3 : size)) + unit;
  }
  return short(value);
}

/** @param {number} value */
function short(value) {
  if (Number.isInteger(value) || Math.abs(value) >= 100) return value.toFixed(0);
  return value.toFixed(Math.abs(value) >= 10 ? 1 : 2);
}

/**
 * How long something lasts, in its largest unit.
 * @param {number | null | undefined} seconds
 */
export function lasting(seconds) {
  if (seconds === null || seconds === undefined) return '-';
  for (const [size, unit] of /** @type {[number, string][]} */ ([[86400, 'd'], [3600, 'h'], [60, 'min']])) {
    if (seconds >= size) return `${Math.floor(seconds / size)} ${unit}`;
  }
  return `${Math.max(0, Math.floor(seconds))} s`;
}

/** @param {number | null} seconds */
const brief = (seconds) => (seconds === null ? '-' : seconds < 1 ? `${(seconds * 1000).toFixed(0)} ms` : `${amount(seconds)} s`);
/** @param {number | null} share */
const percent = (share) => (share === null ? '-' : `${(share * 100).toFixed(0)} %`);
/** @param {number | null} bytes */
const memory = (bytes) => (bytes === null ? '-' : `${(bytes / 2 ** 20).toFixed(0)} MiB`);
const STATES = ['silent', 'not-ready', 'draining', 'degraded', 'unknown', 'ready'];

/** @type {Column[]} */
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

/**
 * @param {string} name
 * @param {Figure} field
 * @param {string} title
 * @param {(value: number | null) => string} text
 * @returns {Column}
 */
function number(name, field, title, text = amount) {
  return { name, text: (node) => text(node[field]), key: (node) => -(node[field] ?? -1), title };
}

/**
 * The nodes in the order of a column; what is worse, or more, is above.
 * @param {Node[]} nodes
 * @param {Column} column
 * @param {boolean} reversed
 */
export function sorted(nodes, column, reversed) {
  /** @param {number | string} a @param {number | string} b */
  const compare = (a, b) => (a < b ? -1 : a > b ? 1 : 0);
  /** @param {Node} node */
  const name = ({ node, role }) => `${node} ${role}`;
  const order = [...nodes].sort((a, b) => compare(column.key(a), column.key(b)) || compare(name(a), name(b)));
  return reversed ? order.reverse() : order;
}
