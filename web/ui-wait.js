/** The screens before a chat: an invite to send, an invite that was opened, and waiting. */

import { announce, circles, el, icon, qrPicture } from './dom.js';
import { setText } from './i18n.js';
import { isSomebodyThere, otherSearches, UNKNOWN } from './outlook.js';
import { sentences } from './outlook-words.js';
import { atServer } from './server.js';

/** @typedef {import('./ui-start.js').Offer['roles']} Roles */
/** @typedef {import('./i18n.js').Key} Key */
/** @typedef {import('./i18n.js').Values} Values */
/** @typedef {import('./outlook.js').Outlook} Outlook */
/** @typedef {import('./protocol.js').Criteria} Criteria */

/** After this long without a match, the screen says why, and what else can be tried. */
const LONG_MS = 10_000;
/** How long "Copied" stays. */
const COPIED_MS = 2_000;

/**
 * A screen that shows the progress of waiting.
 * @typedef {object} Waiting
 * @property {HTMLElement} node
 * @property {HTMLElement} heading
 * @property {(key: Key, values?: Values) => void} progress
 * @property {(share: number) => void} working How much of a proof of work is done; 1: all of it.
 * @property {(outlook: Outlook) => void} expect What may be expected, as the server says.
 * @property {Key} waitingFor What is shown while the server knows of the search.
 * @property {() => void} progressAgain What was shown before the server was silent is true again.
 */

/**
 * Waiting for a match, or for the host of an opened invite.
 * @param {Criteria | 'invited'} wanted
 * @param {{cancel: () => void, roles?: Roles, widen?: (criteria: Criteria) => void}} act
 * @returns {Waiting}
 */
export function waitScreen(wanted, { cancel, roles = [''], widen = () => {} }) {
  const invited = wanted === 'invited';
  const heading = el('h1', { text: invited ? 'wait.join.heading' : 'wait.heading', set: { tabindex: '-1' } });
  const status = el('p', { class: 'progress', text: 'wait.connecting' });
  const about = el('p', { class: 'lead' });
  if (!invited) {
    if (wanted.topic === undefined) setText(about, 'wait.any');
    else setText(about, 'wait.topic', { topic: wanted.topic });
  }
  const advice = invited ? joinAdvice() : strangerAdvice(wanted, roles, widen);
  const node = el(
    'div', { class: 'screen narrow centred' },
    circles('waiting'),
    heading, about, status, advice.expected, advice.node,
    el('button', { class: 'button', text: 'wait.cancel', set: { type: 'button' }, on: { click: cancel } }),
    invited ? null : el('p', { class: 'note', text: 'wait.tip' }),
  );
  const waitingFor = invited ? 'wait.join.queued' : 'wait.queued';
  return { node, heading, waitingFor, expect: advice.expect, ...progressOf(status, waitingFor, advice.begin) };
}

/** What to do where nobody has come to an invite; nothing is known of when somebody will. */
function joinAdvice() {
  const node = el('p', { class: 'hint late', text: 'wait.join' });
  node.hidden = true;
  return { node, expected: null, expect: () => {}, begin: () => void setTimeout(() => (node.hidden = false), LONG_MS) };
}

/**
 * What may be expected, and after a while why nobody has come yet. Not where somebody is known to be
 * there: another search would lose the place in this one.
 * @param {Criteria} wanted
 * @param {Roles} roles
 * @param {(criteria: Criteria) => void} widen
 */
function strangerAdvice(wanted, roles, widen) {
  const expected = el('p', { class: 'hint expected' });
  const node = whyNobody(wanted, roles, widen);
  let [outlook, isLong] = [UNKNOWN, false];
  const update = () => {
    node.hidden = !isLong || isSomebodyThere(outlook);
    // The advice says it, too.
    expected.hidden = outlook.partners === 'none' && !node.hidden;
  };
  const begin = () => void setTimeout(() => ((isLong = true), update()), LONG_MS);
  const expect = (/** @type {Outlook} */ news) => {
    outlook = news;
    const said = sentences(outlook, wanted.role);
    expected.replaceChildren(...said.flatMap(([key, values]) => [el('span', { text: [key, values] }), ' ']));
    if (said.length > 0) announce(...said[0]);
    update();
  };
  update();
  return { node, expected, expect, begin };
}

/**
 * Why nobody has come yet, and other searches.
 * @param {Criteria} wanted
 * @param {Roles} roles
 * @param {(criteria: Criteria) => void} widen
 */
function whyNobody(wanted, roles, widen) {
  const { topic, role } = wanted;
  const choices = otherSearches(wanted, roles).map(([without, criteria]) =>
    el('button', { class: 'button', text: `wait.widen.${without}`, set: { type: 'button' }, on: { click: () => widen(criteria) } }));
  return el(
    'div', { class: 'late' },
    el('p', { class: 'hint', text: topic === undefined ? 'wait.none.any' : 'wait.none.topic' }),
    role === undefined ? null : el('p', { class: 'hint', text: `wait.none.${role}` }),
    el('div', { class: 'actions centre' }, ...choices),
  );
}

/**
 * A new invite, and waiting for whoever opens it.
 * @param {string} link
 * @param {Promise<string[]>} words The same to be read out.
 * @param {() => void} cancel
 * @returns {Waiting}
 */
export function inviteScreen(link, words, cancel) {
  const heading = el('h1', { text: 'invite.heading', set: { tabindex: '-1' } });
  const status = el('p', { class: 'progress', text: 'wait.connecting' });
  const picture = el('figure', {}, el('figcaption', { class: 'hint', text: 'invite.scan' }));
  // Most people make no invite. Without the picture its link and its words are left.
  void import('./later/qr.js').then(({ encode }) => picture.prepend(qrPicture(encode(link), 'invite.qr')), () => picture.remove());
  const text = el('input', { class: 'link', label: 'invite.link', set: { type: 'text', readonly: true, value: link } });
  text.addEventListener('focus', () => text.select());
  const node = el(
    'div', { class: 'screen narrow invite' },
    heading,
    el('p', { class: 'lead', text: 'invite.lead' }),
    el('div', { class: 'copy' }, text, copyButton(link, text)),
    el('div', { class: 'status' }, circles('waiting small'), status),
    wordsToReadOut(words),
    picture,
    el('p', { class: 'hint', text: 'invite.warning' }),
    el('button', { class: 'button', text: 'invite.cancel', set: { type: 'button' }, on: { click: cancel } }),
  );
  return { node, heading, waitingFor: 'invite.waiting', expect: () => {}, ...progressOf(status, 'invite.waiting') };
}

/** @param {Promise<string[]>} words */
function wordsToReadOut(words) {
  // The words are English in every language of the page.
  const list = el('ol', { set: { lang: 'en', translate: 'no' } });
  void words.then((all) => list.append(...all.map((word) => el('li', {}, word))));
  return el(
    'details', { class: 'words' },
    el('summary', { text: 'invite.words' }),
    list,
    el('p', { class: 'hint' }, el('span', { text: 'invite.words.how' }), ' ', el('strong', { class: 'host' }, atServer().host)),
  );
}

/** @param {string} link @param {HTMLInputElement} text */
function copyButton(link, text) {
  const label = el('span', { text: 'invite.copy' });
  const copy = async () => {
    text.select();
    // Without permission the selected text is left for the person to copy.
    const copied = await navigator.clipboard?.writeText(link).then(() => true, () => false);
    if (!copied) return;
    setText(label, 'invite.copied');
    announce('invite.copied');
    setTimeout(() => setText(label, 'invite.copy'), COPIED_MS);
  };
  return el('button', { class: 'button primary', set: { type: 'button' }, on: { click: copy } }, label);
}

/**
 * An opened link; nothing has been sent yet.
 * @param {{join: () => void, decline: () => void}} act
 */
export function joinScreen(act) {
  const heading = el('h1', { text: 'join.heading', set: { tabindex: '-1' } });
  const node = el(
    'div', { class: 'screen narrow' },
    circles('sign large'),
    heading,
    el('p', { class: 'lead', text: 'join.lead' }),
    el('ul', { class: 'plain' }, el('li', { text: 'join.one' }), el('li', { text: 'join.two' }), el('li', { text: 'join.three' })),
    el(
      'div', { class: 'actions' },
      el('button', { class: 'button primary', text: 'join.go', set: { type: 'button' }, on: { click: act.join } }),
      el('button', { class: 'button quiet', text: 'join.not', set: { type: 'button' }, on: { click: act.decline } }),
    ),
  );
  return { node, heading };
}

/**
 * Something went wrong, and trying again by itself does not help.
 * @param {Key} title
 * @param {Key} what
 * @param {{again: (() => void) | null, home: (() => void) | null, operator?: HTMLElement}} act `operator`: what
 *   the operator of the server can do about it.
 */
export function troubleScreen(title, what, act) {
  const heading = el('h1', { text: title, set: { tabindex: '-1' } });
  const again = act.again === null ? null : el('button', { class: 'button primary', text: 'trouble.again', set: { type: 'button' }, on: { click: act.again } });
  const home = act.home === null ? null : el('button', { class: again === null ? 'button primary' : 'button quiet', text: 'end.home', set: { type: 'button' }, on: { click: act.home } });
  const node = el('div', { class: 'screen narrow' }, el('div', { class: 'badge' }, icon('lost')), heading, el('p', { class: 'lead', text: what }), act.operator ?? null, el('div', { class: 'actions' }, again, home));
  return { node, heading };
}

/** What an operator can do when the server refuses a page of its own. */
export function forbiddenAdvice() {
  return el(
    'details', { class: 'note operator' },
    el('summary', { text: 'trouble.operator' }),
    el('p', { text: 'trouble.operator.why' }),
    el('ul', { class: 'plain' }, el('li', { text: 'trouble.operator.host' }), el('li', {}, el('span', { text: 'trouble.operator.option' }), ' ', el('code', {}, `--allowed-origin ${self.origin}`))),
  );
}

/**
 * @param {HTMLElement} status
 * @param {Key} waitingFor
 * @param {() => void} [begun] Called once, when the search is known to the server.
 */
function progressOf(status, waitingFor, begun = () => {}) {
  /** @type {[Key, Values]} */
  let last = ['wait.connecting', {}];
  let hasBegun = false;
  const progress = (/** @type {Key} */ key, /** @type {Values} */ values = {}) => {
    if (key !== 'wait.silent') last = [key, values];
    if (key === waitingFor && !hasBegun) {
      hasBegun = true;
      begun();
    }
    const before = status.textContent;
    setText(status, key, values);
    if (status.textContent !== before) announce(key, values);
  };
  const bar = el('progress', { class: 'work', label: 'wait.work', set: { max: '1', hidden: true } });
  status.after(bar);
  const working = (/** @type {number} */ share) => {
    bar.value = share;
    bar.hidden = share === 1;
    progress(share === 1 ? 'wait.connecting' : 'wait.work');
  };
  return { progress, working, progressAgain: () => progress(...last) };
}
