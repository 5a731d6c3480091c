/** Helpers with passes in Node.js, over a real server that knows the operator's key. */

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';

import { sdk } from './installed.mjs';
import { Operator } from './operator.mjs';
import { WebSocket, client, heard, serve, tells, textsOf, urlOf } from './support.mjs';

const { ChatError, connect } = await sdk();

const operator = new Operator();
const place = mkdtempSync(join(tmpdir(), 'cipher-chat-helpers-'));
after(() => rmSync(place, { recursive: true }));
const file = (name, content) => {
  writeFileSync(join(place, name), content);
  return join(place, name);
};
const revoked = await operator.link();
const options = ['--pass-key', file('passes.pub', operator.pem), '--revoked-passes', file('revoked', operator.list(revoked.id))];
const server = await serve(...options);
const url = urlOf(server);
const failsAs = (code) => (fault) => fault instanceof ChatError && fault.code === code;
const met = (seeker, helper, topic) => Promise.all([seeker.find({ topic, role: 'seek' }), helper.find({ topic, role: 'offer' })]).then((chats) => chats.map(heard));

test('who has the key of the operator knows a helper, and meets nobody else', async () => {
  const topic = crypto.randomUUID();
  const { id, link } = await operator.link([topic]);
  const [chat, other] = await met(await client(url, { helperKey: operator.key }), await client(url, { pass: link }), topic.toUpperCase());
  const { standing, topics, id: shown } = await tells(chat, 'credential');
  assert.deepEqual([standing, topics, shown, chat.helper.standing], ['verified', [topic], id, 'verified']);
  chat.send('it is about my brother');
  await tells(other, 'text');
  assert.deepEqual(textsOf(other), ['it is about my brother']);
  assert.equal(other.helper, null);
});

test('without a key of its own a client tells that the server says so', async () => {
  const topic = crypto.randomUUID();
  const [chat] = await met(await client(url), await client(url, { pass: (await operator.link()).link }), topic);
  assert.equal((await tells(chat, 'credential')).standing, 'said');
});

test('a helper of another operator, or for another topic, is refused before anything is said', async () => {
  const topic = crypto.randomUUID();
  const stranger = await client(url, { helperKey: new Operator().key });
  const helper = await client(url, { pass: (await operator.link()).link });
  void helper.find({ topic, role: 'offer' }).catch(() => {});
  await assert.rejects(stranger.find({ topic, role: 'seek' }), failsAs('unsafe'));
});

test('who shows no pass is no helper, and that is no attack', async () => {
  const topic = crypto.randomUUID();
  const [seeker, other] = [await client(url, { helperKey: operator.key }), await client(url)];
  const seeking = assert.rejects(seeker.find({ topic, role: 'seek' }), failsAs('no-proof'));
  const chat = heard(await other.find({ topic, role: 'offer' }));
  chat.send('trust me');
  await seeking;
  assert.deepEqual(textsOf(chat), []);
});

test('the server takes no pass that is revoked, of somebody else, or for a secret that is another', async () => {
  await assert.rejects(connect({ url, WebSocket, pass: revoked.link }).then((made) => (after(() => made.close()), made.find({ role: 'offer' }))), failsAs('pass'));
  await assert.rejects(connect({ url, WebSocket, pass: (await new Operator().link()).link }).then((made) => (after(() => made.close()), made.find({ role: 'offer' }))), failsAs('pass'));
  const [one, two] = [await operator.link(), await operator.link()];
  await assert.rejects(connect({ url, WebSocket, pass: `${one.link.split('.').slice(0, 2).join('.')}.${two.pass}` }), failsAs('bad-pass'));
  await assert.rejects(connect({ url, WebSocket, helperKey: 'x' }), failsAs('bad-key'));
});

test('a helper hands over to exactly one colleague', async () => {
  const topic = crypto.randomUUID();
  const [{ link }, colleague, another] = [await operator.link(), await operator.link(), await operator.link()];
  const [chat, helper] = await met(await client(url, { helperKey: operator.key }), await client(url, { pass: link }), topic);
  await tells(chat, 'credential');
  const invite = await helper.handOver(colleague.pass);
  const { accept } = await tells(chat, 'handover');
  const next = await client(url, { pass: colleague.link });
  const [mine, theirs] = (await Promise.all([accept(), next.find({ invite: invite.link, role: 'offer' })])).map(heard);
  assert.equal((await helper.ended).reason, 'bye');
  assert.equal((await tells(mine, 'credential')).id, colleague.id);
  theirs.send('I am the colleague');
  await tells(mine, 'text');
  const wrong = await theirs.handOver(another.pass);
  const { accept: again } = await tells(mine, 'handover');
  const impostor = await client(url, { pass: link });
  void impostor.find({ invite: wrong.link, role: 'offer' }).catch(() => {});
  await assert.rejects(again(), failsAs('unsafe'));
});
