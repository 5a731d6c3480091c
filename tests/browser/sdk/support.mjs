/** What the tests of the package share: a server, clients in this process, and what they tell. */

import { after } from 'node:test';

import WebSocket from 'ws';

import { Node, eventually } from '../page/program.mjs';
import { Wire } from '../page/wire.mjs';
import { sdk } from './installed.mjs';

export { WebSocket, eventually };

/** A server for the tests of a file. */
export async function serve(...options) {
  const server = await new Node('serve', options).ready();
  after(() => server.kill());
  return server;
}

/** A wire to a server that a test can cut. */
export async function wireTo(server) {
  const wire = new Wire([server.port]);
  await wire.listen();
  after(() => wire.close());
  return wire;
}

/** Where a server is. */
export const urlOf = (server) => `http://localhost:${server.port}/`;

/** A client, with all that it tells in `told`. */
export async function client(url, more = {}) {
  const { connect } = await sdk();
  const made = await connect({ url, WebSocket, ...more });
  after(() => made.close());
  made.told = recorded(made, ['working', 'busy', 'waiting', 'paired', 'secured', 'service', 'connection']);
  return made;
}

/** Two clients in a chat: `[chat, chat]`, with all that these tell in `told`. */
export async function chatting(one, two, wanted = { topic: crypto.randomUUID() }) {
  const chats = await Promise.all([one.find(wanted), two.find(wanted)]);
  return chats.map(heard);
}

/** Listens to a chat, in the turn in which it came. */
export function heard(chat) {
  chat.told = recorded(chat, ['text', 'reaction', 'edited', 'deleted', 'timer', 'unknown', 'credential', 'handover', 'typing', 'delivered', 'lost', 'ready', 'peer', 'connection', 'ended']);
  return chat;
}

/** Waits for something that a chat or a client tells, or has told; returns it. */
export async function tells(teller, type, fits = () => true) {
  let found;
  await eventually(() => (found = teller.told.find(([told, event]) => told === type && fits(event))) !== undefined);
  return found[1];
}

/** The texts that came, in order. */
export const textsOf = (chat) => chat.told.filter(([type]) => type === 'text').map(([, { text }]) => text);

function recorded(teller, types) {
  const told = [];
  for (const type of types) teller.on(type, (event) => told.push([type, event]));
  return told;
}
