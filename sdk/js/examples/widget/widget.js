/** A chat on a page of a site. It writes texts as text, loads nothing from elsewhere, and keeps nothing. */

import { ChatError, connect } from './cipher-chat/index.js';

/** @template {HTMLElement} E @param {string} id @returns {E} */
const part = (id) => /** @type {E} */ (document.getElementById(id));
const [root, begin, texts, form, safety] = [part('chat'), part('begin'), part('texts'), part('form'), part('safety')];
/** @type {HTMLTextAreaElement} */
const box = part('text');
const { server: url = '', topic = '' } = root.dataset;

/** How long after the last key somebody counts as writing. */
const WRITING_MS = 3_000;
/** What is said of a chat that is over. @type {Record<string, string>} */
const ENDS = { self: 'You have ended the chat.', bye: 'The other side has said goodbye.', unsafe: 'The chat was ended for your safety.' };

/** @type {import('./cipher-chat/index.js').Chat | null} */
let chat = null;
/** @type {ReturnType<typeof setTimeout> | undefined} */
let writing;

/** @param {string} text */
const say = (text) => (part('state').textContent = text);

/** @param {string} text @param {'mine' | 'theirs'} whose */
function show(text, whose) {
  const line = document.createElement('li');
  line.className = whose;
  line.dir = 'auto';
  line.textContent = text;
  texts.append(line);
  line.scrollIntoView({ block: 'nearest' });
  return line;
}

/** The operator asks for some work of each visitor. @param {{share: number}} event */
const working = ({ share }) => say(`Your browser calculates its way in: ${Math.round(share * 100)} %`);

begin.addEventListener('click', async () => {
  begin.hidden = true;
  texts.replaceChildren();
  say('Connecting …');
  /** @type {import('./cipher-chat/index.js').ChatClient | undefined} */
  let client;
  try {
    client = await connect({ url, working });
    client.on('waiting', () => say('Waiting for somebody …'));
    client.on('busy', ({ retryInMs }) => say(`The server is busy. The next try is in ${Math.ceil(retryInMs / 1000)} s.`));
    client.on('working', working);
    await during(await client.find({ topic, role: 'seek' }));
  } catch (fault) {
    say(fault instanceof ChatError ? `This is not possible now: ${fault.message}.` : 'Something went wrong.');
  }
  client?.close();
  begin.hidden = false;
  begin.focus();
});

/** @param {import('./cipher-chat/index.js').Chat} found */
async function during(found) {
  chat = found;
  for (const node of [texts, form, safety]) node.hidden = false;
  /** @type {HTMLOutputElement} */ (safety.querySelector('output')).value = found.safetyCode.emoji.join(' ');
  say('You are connected. Only the two of you can read this.');
  box.focus();
  found.on('text', ({ text }) => show(text, 'theirs'));
  found.on('typing', ({ active }) => say(active ? 'The other side is writing …' : ''));
  found.on('peer', ({ state }) => say(state === 'away' ? 'The other side has lost the connection, and may come back.' : ''));
  found.on('connection', ({ state }) => say(state === 'online' ? '' : 'The connection is lost. It comes back by itself.'));
  const { reason, unsent } = await found.ended;
  chat = null;
  for (const node of [form, safety]) node.hidden = true;
  say((ENDS[reason] ?? 'The chat is over.') + (unsent.length > 0 ? ' What is struck out may not have arrived.' : ''));
}

form.addEventListener('submit', async (event) => {
  event.preventDefault();
  try {
    const sent = chat?.send(box.value);
    if (sent === undefined) return;
    box.value = '';
    const line = show(sent.text, 'mine');
    if (!(await sent.delivered)) line.classList.add('lost');
  } catch (fault) {
    say(fault instanceof ChatError ? `This was not sent: ${fault.message}.` : 'This was not sent.');
  }
});

box.addEventListener('input', () => {
  clearTimeout(writing);
  chat?.typing(box.value !== '');
  writing = setTimeout(() => chat?.typing(false), WRITING_MS);
});

part('end').addEventListener('click', () => void chat?.end());
