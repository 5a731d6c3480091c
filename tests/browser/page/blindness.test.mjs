/**
 * What the servers get to know. Two chats go from gateway to gateway with everything logged; then
 * all that passed over NATS, every log and every metric is searched for whatever must not be there,
 * in every form in which a program might write it.
 */

import assert from 'node:assert/strict';
import { after, test } from 'node:test';

import { codeOf, pskOf, secretOf } from '../../../web/invite.js';
import { Ear } from './cluster.mjs';
import { Terminal } from './program.mjs';
import { clusterWorld, delivered, makeInvite, reads, ready, safetyOf, seek, write } from './support.mjs';

const SIZES = [256, 512, 1024, 2048, 4096, 8192, 16384];
const TOPIC = 'Stamp Collecting Anonymous';
const SENTENCES = ['meet me under the clock', '내일 시계탑 아래에서 만나요', `a longer one: ${'la'.repeat(1500)}`];

const it = clusterWorld({ log: 'trace' }, tell);
const ear = new Ear();
/** What happened: filled once, searched by each test. */
const story = { safety: [], secret: '', rooms: [], ids: new Set(), tokens: new Set() };
/** Where it is searched for: by name, as bytes. */
const places = { bus: Buffer.alloc(0), logs: Buffer.alloc(0), metrics: Buffer.alloc(0) };

async function tell() {
  await ear.listen(it.nodes.natsPort);
  const [first, second] = it.nodes.gateways;
  const away = `http://127.0.0.1:${second.port}`;
  const page = await it.visitor({ through: [first] });
  const link = await makeInvite(page);
  story.secret = new URL(link).hash.slice(1);
  await talk(page, new Terminal('--url', away, `--invite=${story.secret}`));
  await page.getByRole('button', { name: 'Clear everything' }).click();
  await page.getByRole('button', { name: 'Back to the start' }).click();
  await seek(page, TOPIC);
  await talk(page, new Terminal('--url', away, '--topic', TOPIC.toLowerCase()));
  learn(page);
  await it.dismiss();
  const metrics = await Promise.all(it.nodes.all.map((node) => node.metrics()));
  places.metrics = Buffer.from(metrics.join('\n'));
  // Also what is said at the end.
  for (const node of it.nodes.all) node.signal('SIGTERM');
  await Promise.all(it.nodes.all.map((node) => node.ended));
  places.logs = Buffer.from([...it.nodes.all, it.nodes.nats].map(({ out, err }) => out + err).join('\n'));
  places.bus = ear.heard;
}
after(() => ear.close());

/**
 * A chat with everything in it: texts both ways, the safety code looked at, typing, a lost
 * connection, a goodbye.
 */
async function talk(page, other) {
  try {
    const [seen] = await Promise.all([other.secured(), ready(page)]);
    assert.deepEqual(await safetyOf(page), seen);
    story.safety.push(seen);
    await page.locator('textarea').pressSequentially('typed and not sent');
    for (const sentence of SENTENCES) {
      await write(page, `page: ${sentence}`);
      other.type(`terminal: ${sentence}`);
      await Promise.all([reads(page, `terminal: ${sentence}`), other.reads(`page: ${sentence}`)]);
    }
    page.wire.cut();
    await other.says('the other person has lost the connection');
    page.wire.mend();
    await other.says('the other person is back');
    await write(page, 'back again');
    await other.reads('back again');
    await delivered(page);
    other.close();
    await page.locator('.over').waitFor();
    await other.ended;
  } finally {
    await other.kill();
  }
}

/** Keeps what the server told the page of itself: sessions, rooms, tokens and tickets. */
function learn(page) {
  story.rooms = page.told.filter(({ type }) => type === 'paired');
  for (const { session, room, token, ticket } of page.told) {
    for (const id of [session, room]) if (id !== undefined) story.ids.add(id);
    for (const word of [token, ticket]) if (word !== undefined) story.tokens.add(word);
  }
}

/** Bytes as a program might write them. */
function forms(bytes) {
  const buffer = Buffer.from(bytes);
  const list = [...buffer];
  return [
    buffer, buffer.toString('hex'), buffer.toString('hex').toUpperCase(), buffer.toString('base64'), buffer.toString('base64url'),
    list.join(', '), list.join(','), list.map((byte) => `0x${byte.toString(16).padStart(2, '0')}`).join(', '),
  ];
}

/** Asserts that none of these is found in a place. */
function absent(name, needles) {
  for (const needle of needles) {
    const at = places[name].indexOf(needle);
    if (at < 0) continue;
    const around = places[name].subarray(Math.max(0, at - 160), at + 160).toString('latin1');
    assert.fail(`${typeof needle === 'string' ? needle : `bytes ${needle.toString('hex')}`} in the ${name}: …${around}…`);
  }
}

/** An id as text, as bytes, and as a UUID. */
function formsOfId(id) {
  const bytes = Buffer.from(id, 'base64url');
  const hex = bytes.toString('hex');
  return [...forms(bytes), id, hex.replace(/(.{8})(.{4})(.{4})(.{4})(.{12})/, '$1-$2-$3-$4-$5')];
}

test('the search finds what is there', () => {
  const frames = ear.frames;
  assert.ok(frames.length > 30, `${frames.length} frames went over the bus`);
  assert.ok(story.ids.size >= 3 && story.tokens.size >= 4, 'two rooms and a session are known');
  // Nothing is logged of single chats, even at the finest level; that it is the finest shows at the
  // start.
  assert.ok(it.nodes.all.every(({ err }) => err.includes('DEBUG') && err.includes('health and metrics')), 'every node has logged');
  assert.ok(places.metrics.includes('cipher_chat_'));
  // Rooms are named on the bus; so their names would be found elsewhere, too.
  for (const { room } of story.rooms) assert.throws(() => absent('bus', formsOfId(room)), /in the bus/);
  assert.equal(story.rooms.length, 2);
});

test('no word of a chat is anywhere', () => {
  for (const place of Object.keys(places)) {
    for (const sentence of [...SENTENCES, 'back again', 'typed and not sent', 'page: ', 'terminal: ']) {
      absent(place, [sentence, ...(sentence.length > 8 ? forms(Buffer.from(sentence)) : [])]);
    }
  }
});

test('neither the secret of an invite, nor its link, nor its key is anywhere', async () => {
  const secret = secretOf(`#${story.secret}`);
  const psk = await pskOf(secret);
  for (const place of Object.keys(places)) absent(place, [story.secret, ...forms(secret), ...forms(psk)]);
  // The code is told to the server, which needs it; it passes it on as a hash and writes it down
  // nowhere.
  const code = await codeOf(secret);
  for (const place of Object.keys(places)) absent(place, [code, ...forms(Buffer.from(code, 'base64url'))]);
});

test('no safety code is anywhere, as pictures, names or numbers', () => {
  for (const { signs, numbers } of story.safety) {
    const three = signs.slice(0, 3).map((sign) => sign.split(/ (.*)/));
    const between = '[^\\p{L}\\p{N}]{1,12}';
    const named = new RegExp(three.map(([, name]) => name).join(between), 'iu');
    const counted = new RegExp(numbers.split(' ').join('\\D{1,6}'));
    for (const [place, bytes] of Object.entries(places)) {
      absent(place, [three.map(([picture]) => picture).join(''), three.map(([picture]) => picture).join(' ')]);
      for (const pattern of [named, counted]) assert.doesNotMatch(bytes.toString(), pattern, place);
    }
  }
});

test('no topic is anywhere but hashed', () => {
  const ways = [TOPIC, TOPIC.toLowerCase(), TOPIC.toUpperCase(), encodeURIComponent(TOPIC)];
  for (const place of Object.keys(places)) absent(place, [...ways, ...forms(Buffer.from(TOPIC.toLowerCase()))]);
});

test('no log and no metric holds a whole session, room or key id, a token, or a part of one', () => {
  for (const place of ['logs', 'metrics']) {
    for (const id of story.ids) absent(place, formsOfId(id));
    for (const token of story.tokens) {
      const [header, claims, signature] = token.split('.');
      const { kid } = JSON.parse(Buffer.from(header, 'base64url'));
      absent(place, [claims, signature, kid, Buffer.from(kid, 'base64url').toString('hex')]);
    }
    assert.doesNotMatch(places[place].toString(), /eyJ[\w-]{16,}/, 'anything like a token');
    assert.doesNotMatch(places[place].toString(), /[\da-f]{8}-[\da-f]{4}-4[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}/i, 'anything like a session');
  }
});

test('no token goes over the bus', () => {
  for (const token of story.tokens) absent('bus', [token, token.split('.')[2], Buffer.from(token.split('.')[2], 'base64url')]);
});

test('every frame between the gateways has one of seven sizes', () => {
  const sizes = new Set(ear.frames.map(({ length }) => length));
  for (const size of sizes) assert.ok(SIZES.includes(size), `a frame of ${size} bytes`);
  assert.ok(sizes.size >= 2, 'short and long ones');
});
