/** The start screen: whom to meet, or an invite link for somebody known. */

import { belongsToInputMethod, el, icon } from './dom.js';
import { TOPIC_CHARS } from './facts.js';
import { language, setText } from './i18n.js';
import { secretOfInput } from './invite.js';
import { whoIsThere } from './outlook.js';
import { atServer } from './server.js';

/** @typedef {import('./facts.js').Partners} Partners */
/** @typedef {import('./protocol.js').Criteria} Criteria */
/** @typedef {import('./protocol.js').Role} Role */

/**
 * What the operator offers, as the server says in `GET /v1/status`.
 * @typedef {object} Offer
 * @property {boolean} random
 * @property {boolean} invite
 * @property {string[]} topics Empty: any topic.
 * @property {number | null} people
 * @property {{name: string | null, contact: string | null, welcome: string | null}} operator
 * @property {import('./outlook.js').Presence[]} presence Empty: the server does not tell.
 * @property {('' | Role)[]} roles What a person may choose from, the usual one first.
 * @property {string | null} consent What has to be agreed to before a stranger is looked for.
 */

/** Languages to choose from: the page's own first, then the most spoken ones. */
const LANGUAGES = [
  'ko', 'en', 'ar', 'bn', 'de', 'es', 'fa', 'fr', 'hi', 'id', 'it', 'ja', 'nl', 'pl', 'pt', 'ru', 'sw', 'th', 'tr', 'uk', 'ur', 'vi', 'zh',
];

/**
 * @param {Offer} offer
 * @param {Criteria} last The criteria of the last find, so that nobody has to choose twice.
 * @param {{find: (criteria: Criteria) => void, invite: () => void, join: (secret: import('./bytes.js').Bytes) => void}} act
 */
export function startScreen(offer, last, act) {
  const heading = el('h1', { text: 'start.heading', set: { tabindex: '-1' } });
  const intro = el('div', { class: 'intro' }, heading, el('p', { class: 'lead', text: 'start.lead' }));
  const about = el(
    'div', { class: 'about' },
    el('ul', { class: 'promises' }, promise('lock', 'start.promise.sealed'), promise('feather', 'start.promise.nothing'), promise('mask', 'start.promise.nobody')),
    offer.people === null ? null : el('p', { class: 'people' }, el('span', { class: 'dot online' }), el('span', { text: ['start.people', { count: offer.people }] })),
    whoRunsThis(offer.operator),
  );
  const ways = el('div', { class: 'ways' }, offer.random ? meet(offer, last, act.find) : null, offer.invite ? invite(act.invite, offer.random) : null, offer.invite ? haveInvite(act.join) : null);
  return { node: el('div', { class: 'screen start' }, intro, ways, about), heading };
}

/** What the operator says, in the operator's language. @param {Offer['operator']} operator */
function whoRunsThis({ name, contact, welcome }) {
  if (name === null && contact === null && welcome === null) return null;
  return el(
    'section', { class: 'operator-words', label: 'start.welcome' },
    welcome === null ? null : el('p', { class: 'welcome', set: { dir: 'auto' } }, welcome),
    name === null ? null : el('p', { class: 'hint', text: ['start.operator', { name }] }),
    contact === null ? null : el('p', { class: 'hint', text: ['start.contact', { contact }] }),
  );
}

/** Shown instead when the browser cannot encrypt. */
export function unsupportedScreen() {
  const heading = el('h1', { text: 'start.heading', set: { tabindex: '-1' } });
  return { node: el('div', { class: 'screen narrow' }, heading, el('p', { class: 'note warn', text: 'start.unsupported' })), heading };
}

/** @param {'lock' | 'feather' | 'mask'} picture @param {import('./i18n.js').Key} key */
function promise(picture, key) {
  return el('li', {}, icon(picture), el('span', { text: key }));
}

/** @param {Offer} offer @param {Criteria} last @param {(criteria: Criteria) => void} find */
function meet(offer, last, find) {
  const topic = offer.topics.length > 0 ? topicChoice(offer.topics, last.topic) : topicInput(last.topic);
  const lang = languageSelect(last.lang);
  const role = roleSelect(offer.roles, last.role);
  const showPresence = () => topic.presence((of) => whoIsThere(offer.presence, of, /** @type {Role | ''} */ (role.value)));
  role.addEventListener('change', showPresence);
  showPresence();
  const consent = offer.consent === null ? null : consentBox(offer.consent);
  const submit = (/** @type {Event} */ event) => {
    event.preventDefault();
    if (!topic.check() || consent?.check() === false) return;
    /** @type {Criteria} */
    const wanted = {};
    if (topic.value() !== '') wanted.topic = topic.value();
    if (lang.value !== '') wanted.lang = lang.value;
    if (role.value !== '') wanted.role = /** @type {Role} */ (role.value);
    find(wanted);
  };
  return el(
    'section', { class: 'card', set: { 'aria-labelledby': 'meet' } },
    el('h2', { text: 'start.meet', set: { id: 'meet' } }),
    el('p', { class: 'hint', text: 'start.meet.hint' }),
    el(
      'form', { class: 'form', set: { novalidate: true }, on: { submit } },
      topic.node,
      el('div', { class: 'pair' }, field('start.language', lang), field('start.role', role)),
      consent?.node ?? null,
      el('button', { class: 'button primary', text: 'start.find', set: { type: 'submit' } }),
    ),
  );
}

/**
 * @param {() => void} make
 * @param {boolean} second Whether another way to meet is shown above it.
 */
function invite(make, second) {
  return el(
    'section', { class: 'card', set: { 'aria-labelledby': 'invite' } },
    el('h2', { text: 'start.invite', set: { id: 'invite' } }),
    el('p', { class: 'hint', text: 'start.invite.hint' }),
    el('button', { class: second ? 'button' : 'button primary', set: { type: 'button' }, on: { click: make } }, icon('link'), el('span', { text: 'start.invite.make' })),
  );
}

/**
 * Takes an invite that was read out or sent: its words, or its link.
 * @param {(secret: import('./bytes.js').Bytes) => void} join
 */
function haveInvite(join) {
  const text = el('textarea', { set: { rows: '2', autocomplete: 'off', autocapitalize: 'off', spellcheck: 'false', enterkeyhint: 'go', 'aria-describedby': 'have-fault' } });
  const fault = el('p', { class: 'fault', set: { id: 'have-fault', role: 'alert' } });
  const go = async () => {
    const secret = await secretOfInput(text.value, atServer().href);
    text.setAttribute('aria-invalid', String(!(secret instanceof Uint8Array)));
    if (secret instanceof Uint8Array) return join(secret);
    // What was typed is a secret: a fault names a place in it, never a word of it.
    if (typeof secret === 'string') setText(fault, `have.${secret}`);
    else setText(fault, `have.${secret.fault}`, { number: secret.number ?? 0 });
    text.focus();
  };
  text.addEventListener('keydown', (event) => {
    if (event.key !== 'Enter' || event.shiftKey || belongsToInputMethod(event)) return;
    event.preventDefault();
    void go();
  });
  return el(
    'details', { class: 'card have' },
    el('summary', { text: 'have.heading' }),
    el(
      'div', { class: 'form' },
      field('have.text', text), fault,
      el('button', { class: 'button', text: 'join.go', set: { type: 'button' }, on: { click: () => void go() } }),
    ),
  );
}

/** What was agreed to, which this page does not ask again. @type {string | null} */
let agreedTo = null;

/** @param {string} consent */
function consentBox(consent) {
  const box = el('input', { set: { type: 'checkbox', checked: agreedTo === consent, 'aria-describedby': 'consent-fault' } });
  const fault = el('p', { class: 'fault', set: { id: 'consent-fault', role: 'alert' } });
  const check = () => {
    agreedTo = box.checked ? consent : null;
    box.setAttribute('aria-invalid', String(!box.checked));
    if (box.checked) {
      fault.replaceChildren();
    } else {
      setText(fault, 'start.consent');
      box.focus();
    }
    return box.checked;
  };
  return { node: el('div', {}, el('label', { class: 'choice' }, box, el('span', { set: { dir: 'auto' } }, consent)), fault), check };
}

/** @param {import('./i18n.js').Key} key @param {HTMLElement} input */
function field(key, input) {
  return el('label', { class: 'field' }, el('span', { class: 'name', text: key }), input);
}

/** @param {string} [last] */
function topicInput(last = '') {
  const input = el('input', {
    placeholder: 'start.topic.placeholder',
    set: { type: 'text', autocomplete: 'off', autocapitalize: 'off', enterkeyhint: 'search', spellcheck: 'false', 'aria-describedby': 'topic-fault' },
  });
  const fault = el('p', { class: 'fault', set: { id: 'topic-fault' } });
  input.value = last;
  const check = () => {
    const long = [...input.value.trim()].length > TOPIC_CHARS;
    input.setAttribute('aria-invalid', String(long));
    if (long) {
      setText(fault, 'start.topic.long', { max: TOPIC_CHARS });
      input.focus();
    } else {
      fault.replaceChildren();
    }
    return !long;
  };
  const there = el('p', { class: 'hint there' });
  const presence = (/** @type {(topic: string) => Partners | null} */ of) => {
    const partners = of('');
    there.hidden = partners === null;
    if (partners !== null) there.replaceChildren(el('span', { text: 'start.there' }), ' ', el('span', { text: `start.there.${partners}` }));
  };
  return { node: el('div', {}, field('start.topic.optional', input), fault, there), value: () => input.value.trim(), check, presence };
}

/** @param {string[]} topics @param {string} [last] */
function topicChoice(topics, last) {
  const chosen = last !== undefined && topics.includes(last) ? last : '';
  const there = new Map(['', ...topics].map((topic) => [topic, el('small', { class: 'there' })]));
  const choices = [...there].map(([topic, who]) => el(
    'label', { class: 'chip' },
    el('input', { set: { type: 'radio', name: 'topic', value: topic, checked: topic === chosen } }),
    topic === '' ? el('span', { text: 'start.topic.any' }) : el('span', {}, topic),
    who,
  ));
  const presence = (/** @type {(topic: string) => Partners | null} */ of) => {
    for (const [topic, who] of there) {
      const partners = of(topic);
      who.hidden = partners === null;
      if (partners !== null) setText(who, `start.there.${partners}`);
    }
  };
  const node = el('fieldset', { class: 'chips' }, el('legend', { class: 'name', text: 'start.topic' }), ...choices);
  const value = () => node.querySelector('input:checked')?.getAttribute('value') ?? '';
  return { node, value, check: () => true, presence };
}

/** @param {string} [last] */
export function languageSelect(last) {
  const select = el('select', {}, el('option', { text: 'start.language.any', set: { value: '' } }));
  for (const tag of LANGUAGES) {
    const name = new Intl.DisplayNames([tag], { type: 'language' }).of(tag) ?? tag;
    select.append(el('option', { set: { value: tag, lang: tag } }, name));
  }
  select.value = last ?? language();
  return select;
}

/** @param {Offer['roles']} roles @param {Role} [last] */
function roleSelect(roles, last) {
  const select = el('select', {});
  for (const role of roles) {
    select.append(el('option', { text: `start.role.${role === '' ? 'none' : role}`, set: { value: role } }));
  }
  select.value = last !== undefined && roles.includes(last) ? last : roles[0];
  return select;
}
