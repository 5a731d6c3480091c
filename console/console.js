/** The console: asks for the overview every two seconds and shows it. */

import { Chart } from './charts.js';
import { Switches } from './orders.js';
import { COLUMNS, amount, lasting, sorted } from './table.js';

const EVERY_MS = 2000;
/** A server that does not answer for this long is asked again. */
const PATIENCE_MS = 5000;

/**
 * `Report` in crates/overview/src/report.rs.
 * @typedef {object} Report
 * @property {number} time
 * @property {'bus-down' | 'looking' | 'partial' | 'whole'} standing
 * @property {import('./table.js').Node[]} nodes
 * @property {{ chatting: number, waiting: number, connections: number }} people
 * @property {Alarm[]} alarms
 * @property {Past[]} past
 * @property {import('./orders.js').InForce[]} orders
 * @property {{ step_ms: number, until: number | null } & Record<'chatting' | 'waiting' | 'connections' | 'frames' | 'refused', number[]>} history
 */
/** @typedef {{ name: string, severity: string, firing: boolean, summary: string, since: number }} Alarm */
/** @typedef {{ name: string, summary: string, since: number, until: number }} Past */
/** @typedef {import('./orders.js').Line} Line */

/** @param {string} id */
const at = (id) => /** @type {HTMLElement} */ (document.getElementById(id));
const charts = {
  people: new Chart(at('chart-people'), ['chatting', 'waiting', 'connections']),
  frames: new Chart(at('chart-frames'), ['frames']),
  refused: new Chart(at('chart-refused'), ['refused']),
};
/** The token, if one is asked for: kept in this variable alone. */
let token = '';
let order = { column: COLUMNS[0], reversed: false };
let newest = /** @type {Report | undefined} */ (undefined);

/**
 * Asks the server, with the token if there is one.
 * @type {import('./orders.js').Ask}
 */
function ask(path, options = {}) {
  const headers = new Headers(options.headers);
  if (token !== '') headers.set('authorization', `Bearer ${token}`);
  return fetch(path, { cache: 'no-store', signal: AbortSignal.timeout(PATIENCE_MS), ...options, headers });
}

const switches = new Switches(at('switches'), ask);

/** @param {string} name @param {string} [className] @param {string} [text] */
function element(name, className, text) {
  const made = document.createElement(name);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}

/** @param {Report} report */
function standing(report) {
  const place = at('standing');
  const firing = report.alarms.filter((alarm) => alarm.firing).length;
  const [text, kind] = {
    'bus-down': ['no connection to the bus: what is shown is old', 'fault'],
    looking: ['looking…', 'soon'],
    partial: [`${firing === 0 ? 'nothing is wrong' : `${firing} wrong`}; some nodes do not tell their metrics`, 'warning'],
    whole: firing === 0 ? ['nothing is wrong', 'good'] : [`${firing} wrong`, 'fault'],
  }[report.standing];
  if (place.textContent !== text) place.textContent = text;
  place.className = `standing ${kind}`;
}

/** @param {Report} report */
function numbers({ people, nodes, history }) {
  /** @param {number[]} values */
  const last = (values) => amount(values.at(-1) ?? 0);
  /** @type {[string | number, string][]} */
  const shown = [
    [people.chatting, 'people chatting'], [people.waiting, 'people waiting'], [people.connections, 'connections'],
    [last(history.frames), 'frames a second'], [nodes.filter(({ state }) => state !== 'silent').length, 'nodes heard'],
  ];
  at('numbers').replaceChildren(...shown.map(([value, name]) => {
    const box = element('p', 'number');
    box.append(element('b', '', String(value)), element('span', '', name));
    return box;
  }));
}

/**
 * A list of lines, each a word, a text and a time.
 * @type {import('./orders.js').List}
 */
function list(place, lines, none) {
  const items = lines.map(([kind, word, text, when]) => {
    const item = element('li');
    item.append(element('span', `word ${kind}`, word), element('span', 'text', text), element('span', 'when', when));
    return item;
  });
  if (items.length === 0) {
    const item = element('li');
    item.append(element('span', 'none', none));
    items.push(item);
  }
  place.replaceChildren(...items);
}

/** @param {Report} report */
function alarms({ alarms: raised, past, time }) {
  /** @param {Alarm} alarm @returns {Line} */
  const line = ({ name, severity, firing, summary, since }) =>
    [firing ? severity : 'soon', firing ? severity : 'soon', `${name}: ${summary}`, `for ${lasting((time - since) / 1000)}`];
  list(at('alarms'), raised.map(line), 'nothing');
  /** @param {Past} alarm @returns {Line} */
  const over = ({ name, summary, since, until }) =>
    ['soon', 'over', `${name}: ${summary}`, `${lasting((time - until) / 1000)} ago, for ${lasting((until - since) / 1000)}`];
  list(at('past'), past.map(over), 'nothing, as long as this has been looking');
}

function columns() {
  at('columns').replaceChildren(...COLUMNS.map((column) => {
    const head = element('th', column.words ? 'words' : '');
    head.setAttribute('scope', 'col');
    const isSorted = column === order.column;
    head.setAttribute('aria-sort', !isSorted ? 'none' : order.reversed ? 'descending' : 'ascending');
    const button = element('button', '', `${column.name}${!isSorted ? '' : order.reversed ? ' ▴' : ' ▾'}`);
    button.setAttribute('type', 'button');
    button.title = column.title;
    button.addEventListener('click', () => {
      order = { column, reversed: isSorted && !order.reversed };
      columns();
      if (newest !== undefined) nodes(newest);
      [...at('columns').querySelectorAll('button')][COLUMNS.indexOf(column)].focus();
    });
    head.append(button);
    return head;
  }));
}

/** @param {Report} report */
function nodes(report) {
  at('nodes').replaceChildren(...sorted(report.nodes, order.column, order.reversed).map((node) => {
    const row = element('tr');
    row.append(...COLUMNS.map((column, index) => {
      const cell = element(index === 0 ? 'th' : 'td', column.words ? 'words' : '', column.text(node));
      if (index === 0) cell.setAttribute('scope', 'row');
      if (column.name === 'State') cell.className = `words state ${node.state}`;
      return cell;
    }));
    return row;
  }));
}

/** @param {Report} report */
function show(report) {
  newest = report;
  standing(report);
  numbers(report);
  alarms(report);
  nodes(report);
  switches.show(report, at('orders'), list);
  const { step_ms: step, until, ...history } = report.history;
  if (until === null) return;
  charts.people.show(until, step, [history.chatting, history.waiting, history.connections]);
  charts.frames.show(until, step, [history.frames]);
  charts.refused.show(until, step, [history.refused]);
}

/** @param {string} text */
function lost(text) {
  const place = at('standing');
  if (place.textContent !== text) place.textContent = text;
  place.className = 'standing fault';
}

async function look() {
  try {
    const answer = await ask('overview');
    if (answer.status === 401) {
      at('token-fault').textContent = token === '' ? '' : 'This is not the token.';
      token = '';
      at('token').hidden = false;
      lost('a token is needed');
      return;
    }
    if (!answer.ok) throw new Error(String(answer.status));
    show(await answer.json());
    at('token').hidden = true;
  } catch {
    lost('the server does not answer: what is shown is old');
  }
}

async function lookOnAndOn() {
  for (;;) {
    // Nobody looks at a hidden page.
    if (document.visibilityState === 'visible' && (at('token').hidden || token !== '')) await look();
    await new Promise((resolve) => setTimeout(resolve, EVERY_MS));
  }
}

at('token').addEventListener('submit', (event) => {
  event.preventDefault();
  const input = /** @type {HTMLInputElement} */ (at('token-text'));
  token = input.value.trim();
  input.value = '';
  look();
});
columns();
lookOnAndOn();
