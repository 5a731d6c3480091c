/**
 * Answers for a help line while nobody is there. Whoever looks for help under a topic meets this
 * program, which says at once that it is one, tells the opening hours, and says goodbye. Within the
 * hours it stands aside, so that people meet people; or, with a file of invite links that helpers wait
 * behind, it hands on one link to each.
 *
 *     CHAT_URL=https://chat.example TOPIC=grief HOURS='Mon-Fri 09:00-17:00' node bot.mjs
 *
 *     TIME_ZONE    of the hours, as an IANA name (default: that of this machine)
 *     LANGUAGE     of those to answer, as a BCP 47 tag (default: all)
 *     DESK_LINKS   a file with one invite link a line; each is handed on once
 */

import { readFile } from 'node:fs/promises';

import { ChatError, connect } from 'cipher-chat';
import WebSocket from 'ws';

import { isOpen, parseHours } from './hours.mjs';

const { CHAT_URL: url = '', TOPIC: topic, HOURS = '', LANGUAGE: language, DESK_LINKS: desk } = process.env;
const { TIME_ZONE: timeZone = Intl.DateTimeFormat().resolvedOptions().timeZone } = process.env;
const hours = parseHours(HOURS);

/** How soon the bot sees that the hours have begun or ended. */
const LOOK_MS = 5_000;
/** How long it waits after a server that does not answer, or refuses it. */
const AGAIN_MS = 5_000;

/** Links that were handed on. @type {Set<string>} */
const given = new Set();

const open = () => isOpen(hours, timeZone, new Date());
const standsAside = () => desk === undefined && open();
const pause = (/** @type {number} */ ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** The next link of the desk; `undefined` if there is none. */
async function nextLink() {
  const lines = desk === undefined ? '' : await readFile(desk, 'utf8').catch(() => '');
  const link = lines.split('\n').map((line) => line.trim()).find((line) => line !== '' && !given.has(line));
  if (link !== undefined) given.add(link);
  return link;
}

async function answer() {
  const times = `${HOURS} (${timeZone})`;
  if (!open()) return `Nobody is here now. People answer ${times}. Nothing that you write here is kept or read by anybody.`;
  const link = await nextLink();
  if (link === undefined) return `Everybody is in a chat at the moment. Please try again in a while: people answer ${times}.`;
  return `Somebody waits for you behind this link, which works once: ${link}`;
}

/** @param {import('cipher-chat').Chat} chat */
async function talk(chat) {
  chat.send('I am a program, not a person.');
  chat.send(await answer());
  const { received } = await chat.end();
  console.log(received ? 'one was answered' : 'one left before the answer had arrived');
}

/** Waits for one person, unless the bot is to stand aside meanwhile. */
async function serve() {
  // A client of its own for each: whoever has met this one would not be matched with it again.
  const client = await connect({ url, WebSocket });
  const aside = new AbortController();
  const looking = setInterval(() => standsAside() && aside.abort(), LOOK_MS);
  try {
    client.on('waiting', () => console.log('waiting'));
    await talk(await client.find({ topic, language, role: 'offer', signal: aside.signal }));
  } finally {
    clearInterval(looking);
    client.close();
  }
}

for (;;) {
  if (standsAside()) {
    await pause(LOOK_MS);
    continue;
  }
  try {
    await serve();
  } catch (fault) {
    if (fault instanceof ChatError && fault.code === 'bad-url') throw fault;
    // Somebody who left before the chat was secured, or the hours have begun.
    if ((fault instanceof ChatError && fault.code === 'gone') || standsAside()) continue;
    console.error(String(fault));
    await pause(AGAIN_MS);
  }
}
