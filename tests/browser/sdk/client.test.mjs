/** Chats of two clients in Node.js over a real server. */

import assert from 'node:assert/strict';
import { execFile, execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { promisify } from 'node:util';

import { BINARY } from '../page/program.mjs';
import { PLACE, SDK, sdk } from './installed.mjs';
import { WebSocket, chatting, client, heard, serve, tells, textsOf, urlOf, wireTo } from './support.mjs';

const { ChatError, LIMITS, connect } = await sdk();
const server = await serve('--grace', '30s');
const url = urlOf(server);

/** That a call fails with this code. */
const failsAs = (code) => (fault) => fault instanceof ChatError && fault.code === code;

test('two meet by topic, language and role, have the same safety code, and read each other in order', async () => {
  const [one, two] = [await client(url), await client(url)];
  const topic = crypto.randomUUID();
  const found = one.find({ topic, language: 'ko', role: 'seek' });
  await tells(one, 'waiting');
  const [a, b] = await Promise.all([found, two.find({ topic, language: 'ko', role: 'offer' })]).then((chats) => chats.map(heard));
  assert.match(a.safetyCode.numbers, /^\d{5} \d{5} \d{5}$/);
  assert.equal(a.safetyCode.emoji.length, 7);
  assert.deepEqual(a.safetyCode, b.safetyCode);
  assert.deepEqual((await tells(one, 'secured')).safetyCode, a.safetyCode);
  assert.deepEqual([a.byInvite, a.isOver, a.peer], [false, false, 'online']);
  for (const text of ['one', 'two', 'three']) a.send(text);
  const sent = b.send('네');
  assert.equal(await sent.delivered, true);
  assert.deepEqual([sent.id, sent.text, sent.state], [1, '네', 'delivered']);
  await tells(b, 'text', ({ text }) => text === 'three');
  assert.deepEqual(textsOf(b), ['one', 'two', 'three']);
  assert.deepEqual(textsOf(a), ['네']);
});

test('writing is told, and what a text may not do is taken out of it', async () => {
  const [a, b] = await chatting(await client(url), await client(url));
  a.typing(true);
  await tells(b, 'typing', ({ active }) => active);
  a.send('left \u202e right');
  const { text, raw } = await tells(b, 'text');
  assert.deepEqual([text, raw], ['left \ufffd right', 'left \u202e right']);
  assert.equal(b.told.findLast(([type]) => type === 'typing')[1].active, false, 'the text has ended it');
});

test('a goodbye arrives after all texts, and both are told how it ended', async () => {
  const [a, b] = await chatting(await client(url), await client(url));
  for (let at = 0; at < 20; at += 1) a.send(`${at}`);
  assert.deepEqual(await a.end(), { reason: 'self', received: true, unsent: [] });
  assert.deepEqual(await b.ended, { reason: 'bye', received: false, unsent: [] });
  assert.deepEqual(textsOf(b), Array.from({ length: 20 }, (_, at) => `${at}`));
  for (const chat of [a, b]) assert.throws(() => chat.send('late'), failsAs('over'));
});

test('each text of a chat can be waited for in turn, until it ends', async () => {
  const [one, two] = [await client(url), await client(url)];
  const wanted = { topic: crypto.randomUUID() };
  const asking = one.find(wanted).then(async (chat) => {
    const answers = [];
    chat.send('1');
    for await (const text of chat) {
      answers.push(text);
      if (answers.length === 3) await chat.end();
      else chat.send(`${Number(text) + 1}`);
    }
    return answers;
  });
  const chat = await two.find(wanted);
  for await (const text of chat) chat.send(`${Number(text) * 10}`);
  assert.deepEqual(await asking, ['10', '110', '1110']);
});

test('texts wait for a slow program up to a bound, and it is told that others came', async () => {
  const [a, b] = await chatting(await client(url), await client(url));
  const [slow, quick] = [b[Symbol.asyncIterator](), b[Symbol.asyncIterator]()];
  const first = quick.next();
  // Told as the channel tells them: sent over a server, a thousand take as long as its rates want.
  for (let id = 1; id <= 1000; id += 1) b.tell('text', { id, text: `${id}`, raw: `${id}`, replyTo: null });
  assert.equal((await first).value, '1');
  b.tell('text', { id: 1001, text: '1001', raw: '1001', replyTo: null });
  b.tell('text', { id: 1002, text: '1002', raw: '1002', replyTo: null });
  const taken = async (iterator, from) => {
    for (let id = from; id <= 1000; id += 1) assert.equal((await iterator.next()).value, `${id}`);
  };
  await taken(slow, 1);
  await assert.rejects(slow.next(), failsAs('behind'));
  assert.equal((await slow.next()).done, true, 'told once');
  await taken(quick, 2);
  assert.equal((await quick.next()).value, '1001', 'who took one in time has room for one more');
  await assert.rejects(quick.next(), failsAs('behind'), 'but not for two');
  assert.equal(await a.send('still here').delivered, true, 'the chat goes on');
});

test('people who know each other meet by a link, and by words', async () => {
  const host = await client(url);
  for (const form of ['link', 'words']) {
    const invite = await host.createInvite();
    assert.match(invite.link, new RegExp(`^${url}#[\\w-]{22}$`));
    const guest = await client(url);
    const own = await client(url);
    // It is searched for by whoever made it; another client of the same program may do that.
    const [a, b] = await Promise.all([own.find({ invite }), guest.find({ invite: invite[form] })]);
    assert.deepEqual([a.byInvite, b.byInvite, a.safetyCode.numbers], [true, true, b.safetyCode.numbers]);
  }
});

test('what is no invite of this server is refused before anything is sent', async () => {
  const one = await client(url);
  for (const invite of ['', 'abandon abandon', `${url}#short`, 'https://elsewhere.example/#AAECAwQFBgcICQoLDA0ODw', { link: `${url}#AAECAwQFBgcICQoLDA0ODw`, words: '' }]) {
    await assert.rejects(one.find({ invite }), failsAs('bad-invite'), String(invite));
  }
});

test('a broken connection comes back, and nothing that was written meanwhile is lost', async () => {
  const wire = await wireTo(server);
  const [a, b] = await chatting(await client(wire.url), await client(url));
  a.send('before');
  await tells(b, 'text');
  wire.cut();
  await tells(a, 'connection', ({ state }) => state === 'offline');
  const { keptMs } = await tells(b, 'peer', ({ state }) => state === 'away');
  assert.equal(keptMs, 30_000);
  const sent = [a.send('from the tunnel'), b.send('to the tunnel')];
  assert.deepEqual([a.peer, b.peer, sent[0].state], ['online', 'away', 'sending']);
  wire.mend();
  assert.deepEqual(await Promise.all(sent.map(({ delivered }) => delivered)), [true, true]);
  await tells(a, 'connection', ({ state }) => state === 'online');
  await tells(b, 'peer', ({ state }) => state === 'online');
  assert.deepEqual([textsOf(a), textsOf(b)], [['to the tunnel'], ['before', 'from the tunnel']]);
});

test('what may not have arrived is told when the chat ends', async () => {
  const wire = await wireTo(server);
  const [a, b] = await chatting(await client(url), await client(wire.url));
  wire.cut();
  await tells(a, 'peer', ({ state }) => state === 'away');
  const sent = ['one', 'two'].map((text) => a.send(text));
  assert.deepEqual(await a.end(), { reason: 'self', received: false, unsent: ['one', 'two'] });
  assert.deepEqual(await Promise.all(sent.map(({ delivered }) => delivered)), [false, false]);
  await tells(a, 'lost', ({ text }) => text === 'two');
  wire.mend();
  assert.deepEqual(await b.ended, { reason: 'away', received: false, unsent: [] });
});

test('who stays away longer than the server keeps the place ends the chat', async () => {
  const short = await serve('--grace', '1s');
  const wire = await wireTo(short);
  const [a, b] = await chatting(await client(urlOf(short)), await client(wire.url));
  wire.cut();
  await tells(a, 'peer', ({ state }) => state === 'away');
  a.send('are you there?');
  const { reason, unsent } = await a.ended;
  assert.deepEqual([reason, unsent], ['expired', ['are you there?']]);
  wire.mend();
  assert.equal((await b.ended).reason, 'away');
});

test('a report ends the chat, and says whether the server has taken it', async () => {
  const [a, b] = await chatting(await client(url), await client(url));
  assert.equal(await a.report('spam'), true);
  assert.deepEqual([(await a.ended).reason, (await b.ended).reason], ['self', 'left']);
  await assert.rejects(a.report('spam'), failsAs('over'));
});

test('a client does one thing at a time, and the next when that is over', async () => {
  const [one, two, three] = [await client(url), await client(url), await client(url)];
  const [a] = await chatting(one, two);
  await assert.rejects(one.find(), failsAs('in-chat'));
  const ending = a.end();
  const wanted = { topic: crypto.randomUUID() };
  const [next] = await Promise.all([one.find(wanted), three.find(wanted)]);
  assert.equal((await ending).received, true);
  assert.equal(next.isOver, false);
  one.close();
  assert.equal((await next.ended).reason, 'self');
  await assert.rejects(one.find(), failsAs('closed'));
});

test('a search can be cancelled, and begun again', async () => {
  const [one, two] = [await client(url), await client(url)];
  const cancel = new AbortController();
  const found = one.find({ topic: crypto.randomUUID(), signal: cancel.signal });
  await tells(one, 'waiting');
  cancel.abort();
  await assert.rejects(found, { name: 'AbortError' });
  await assert.rejects(one.find({ signal: cancel.signal }), { name: 'AbortError' });
  const [chat] = await chatting(one, two);
  assert.equal(await chat.send('here').delivered, true);
});

test('texts have their limits', async () => {
  const [a] = await chatting(await client(url), await client(url));
  assert.throws(() => a.send(''), failsAs('empty'));
  assert.throws(() => a.send('가'.repeat(LIMITS.textBytes / 3 + 1)), failsAs('too-long'));
  assert.equal(await a.send('x'.repeat(LIMITS.textBytes)).delivered, true);
  const refused = () => {
    for (let at = 0; at <= LIMITS.unacknowledged; at += 1) a.send(`${at}`);
  };
  assert.throws(refused, failsAs('full'));
  await tells(a, 'ready');
  assert.equal(await a.send('again').delivered, true);
});

test('what is wrong with the place is said by a code', async () => {
  for (const wrong of ['', 'http://chat.example/', 'ftp://chat.example/', 'https://user@chat.example/']) await assert.rejects(connect({ url: wrong, WebSocket }), failsAs('bad-url'), wrong);
  await assert.rejects(connect({ url, WebSocket: null }), failsAs('no-websocket'));
  const wire = await wireTo(server);
  wire.cut();
  await assert.rejects(connect({ url: wire.url, WebSocket }), failsAs('unreachable'));
});

test('what the server does not offer ends the search', async () => {
  const strict = await serve('--topics', 'music', '--matching', 'random');
  const one = await client(urlOf(strict));
  assert.deepEqual((await one.status()).topics, ['music']);
  await assert.rejects(one.find({ topic: 'chess' }), failsAs('topic-not-offered'));
  await assert.rejects(one.find({ invite: await one.createInvite() }), failsAs('matching-not-offered'));
  await chatting(one, await client(urlOf(strict)), { topic: 'music' });
});

test('where work is asked for, it is done and told', async () => {
  const guarded = await serve('--admission', '5000');
  const shares = [];
  const one = await connect({ url: urlOf(guarded), WebSocket, working: ({ share }) => shares.push(share) });
  assert.deepEqual([shares[0], shares.at(-1)], [0, 1]);
  const [chat] = await chatting(one, await client(urlOf(guarded)));
  assert.equal(await chat.send('here').delivered, true);
  one.close();
});

test('what the operator says to all is told, and a closed server is waited for', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'sdk-'));
  after(() => rmSync(dir, { recursive: true }));
  execFileSync(BINARY, ['pki', dir, '--gateways', 'gateway-1']);
  const ruled = await serve('--order-key', join(dir, 'gateway-1/orders.pub'));
  const order = (...words) => promisify(execFile)(BINARY, ['order', ...words, '--key', join(dir, 'ops/orders.key'), '--ops', ruled.ops]);
  const one = await client(urlOf(ruled));
  const wanted = { topic: crypto.randomUUID() };
  const found = one.find(wanted);
  await tells(one, 'waiting');
  await order('notice', 'Away at 22:00');
  await tells(one, 'service', ({ notice }) => notice === 'Away at 22:00');
  await order('close', 'Back at 8');
  await tells(one, 'service', ({ closed }) => closed === 'Back at 8');
  const late = await client(urlOf(ruled));
  assert.deepEqual(late.service, { paused: false, closed: 'Back at 8', notice: 'Away at 22:00' });
  const also = late.find(wanted);
  assert.ok((await tells(late, 'busy', ({ closed }) => closed)).retryInMs > 0);
  await order('resume');
  late.close();
  await assert.rejects(also, failsAs('closed'));
  const [chat] = await Promise.all([found, (await client(urlOf(ruled))).find(wanted)]);
  assert.equal(await chat.send('open again').delivered, true);
});

test('a program needs no package where there is a global WebSocket, and ends by itself after close', async () => {
  const program = `
    import { connect } from 'cipher-chat';
    const url = process.argv[1];
    const [one, two] = await Promise.all([connect({ url }), connect({ url })]);
    const [a, b] = await Promise.all([one.find({ topic: url }), two.find({ topic: url })]);
    a.send('here');
    for await (const text of b) {
      console.log(text);
      await b.end();
    }
    one.close();
    two.close();
  `;
  const flags = 'WebSocket' in globalThis ? [] : ['--experimental-websocket'];
  const { stdout } = await promisify(execFile)(process.execPath, [...flags, '--input-type=module', '--eval', program, url], { cwd: PLACE });
  assert.equal(stdout, 'here\n');
});


test('the first chat of the README works as it stands there', async () => {
  const [, program] = readFileSync(`${SDK}/README.md`, 'utf8').match(/```js\n([^]*?)```/);
  assert.ok(program.trim().split('\n').length <= 10);
  const run = promisify(execFile)(process.execPath, ['--input-type=module', '--eval', program.replace('https://chat.example', url)], { cwd: PLACE });
  const chat = heard(await (await client(url)).find({ topic: 'music' }));
  await tells(chat, 'text', ({ text }) => text === 'Hello!');
  chat.send('Hello to you');
  await chat.end();
  assert.equal((await run).stdout, `${chat.safetyCode.emoji.join(' ')}\nHello to you\n`);
});
