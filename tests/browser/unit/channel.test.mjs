import assert from 'node:assert/strict';
import { test } from 'node:test';

import { handshakeFrame } from '../../../web/packet.js';
import { exchange, pass, secured, seeded, sidesOf, unhex, vectors } from './support.mjs';

const texts = (side) => side.events.filter(({ kind }) => kind === 'message').map(({ text }) => text);
const delivered = (side) => side.events.filter(({ kind }) => kind === 'delivered').map(({ number }) => number);

test('whatever a network loses, doubles and reorders, each text arrives once and in order', async () => {
  for (let seed = 1; seed <= 12; seed++) {
    const random = seeded(seed);
    const [a, b] = await sidesOf(vectors('handshake').cases[seed % 2]);
    const wire = { a: [], b: [] };
    a.channel.onFrame = (frame) => wire.b.push(frame);
    b.channel.onFrame = (frame) => wire.a.push(frame);
    await Promise.all([a.start(), b.start()]);
    const said = { a: [], b: [] };
    for (let now = 0; now < 120_000; now += 50) {
      a.now = b.now = now;
      const rough = now < 60_000;
      for (const [side, name] of [[a, 'a'], [b, 'b']]) {
        if (rough && said[name].length < 30 && random() < 0.1) {
          const text = `${name}${said[name].length}`;
          const sent = side.send(text);
          if ('number' in sent) said[name].push(text);
          await sent.done;
        }
        if ((side.channel.nextTimeout ?? Infinity) <= now) await side.channel.handleTimeout(now);
        const queue = wire[name].splice(0);
        if (rough) queue.sort(() => random() - 0.5);
        for (const frame of queue) {
          if (rough && random() < 0.3) continue;
          await side.take(frame);
          if (rough && random() < 0.1) await side.take(frame);
        }
      }
    }
    assert.ok(said.a.length > 5 && said.b.length > 5, `seed ${seed}: a chat took place`);
    assert.deepEqual([texts(b), texts(a)], [said.a, said.b], `seed ${seed}`);
    assert.deepEqual([delivered(a).length, delivered(b).length], [said.a.length, said.b.length], `seed ${seed}`);
  }
});

test('texts written while the way is closed are sent when it opens', async () => {
  const [a, b] = await secured();
  await a.channel.pathChanged(a.now, 'link-down');
  const { number, done } = a.send('kept');
  await done;
  assert.deepEqual(a.takeFrames(), []);
  await a.channel.pathChanged(a.now, 'peer-online');
  assert.deepEqual(a.takeFrames(), [], 'the own link is still down');
  await a.channel.pathChanged(a.now, 'link-up');
  await pass(a, b, a.now + 1000);
  assert.deepEqual([texts(b), delivered(a)], [['kept'], [number]]);
});

test('a byte that was changed on the way changes nothing but a counter', async () => {
  const [a, b] = await secured();
  await a.send('x').done;
  const [frame] = a.takeFrames();
  for (const at of [10, 100, 255]) {
    const bad = frame.slice();
    bad[at] ^= 1;
    await b.take(bad);
  }
  assert.equal(b.channel.dropped.forged, 3);
  await b.take(frame);
  await b.take(frame);
  assert.equal(b.channel.dropped.replayed, 1);
  assert.deepEqual(texts(b), ['x']);
});

test('a packet number is never used twice, however many texts are written at once', async () => {
  const [a] = await secured();
  const sent = Array.from({ length: 40 }, (_, at) => a.send(`text ${at}`));
  await Promise.all(sent.map(({ done }) => done));
  const numbers = a.takeFrames().map((frame) => new DataView(frame.buffer).getBigUint64(2));
  assert.equal(new Set(numbers).size, numbers.length);
});

test('invited and matched sides never meet', async () => {
  const [random, invited] = vectors('handshake').cases;
  const [a] = await sidesOf(random);
  const [, b] = await sidesOf({ ...invited, room: random.room });
  await Promise.all([a.start(), b.start()]);
  await exchange(a, b);
  assert.equal(b.end, 'handshake-length');
});

test('another invite is refused', async () => {
  const [, invited] = vectors('handshake').cases;
  const [a] = await sidesOf(invited);
  const [, b] = await sidesOf({ ...invited, psk: '00'.repeat(32) });
  await Promise.all([a.start(), b.start()]);
  await exchange(a, b);
  assert.equal(b.end, 'handshake-refused');
});

test('a key other than the promised one ends the chat', async () => {
  const [vector] = vectors('handshake').cases;
  const [a] = await sidesOf(vector);
  await a.start();
  await a.take(unhex(vector.frames.commitment));
  const bad = unhex(vector.frames.message2);
  bad[4] ^= 1;
  await a.take(bad);
  assert.equal(a.end, 'commitment-broken');
});

test('a second, different handshake message ends a chat that is not secured', async () => {
  const [vector] = vectors('handshake').cases;
  const [a] = await sidesOf(vector);
  await a.start();
  await a.take(unhex(vector.frames.commitment));
  const other = unhex(vector.frames.commitment);
  other[4] ^= 1;
  await a.take(other);
  assert.equal(a.end, 'handshake-changed');
});

test('no handshake message ends a secured chat, whatever it is', async () => {
  const [a, b] = await secured();
  const others = [[1, 32], [1, 31], [2, 32], [2, 48], [3, 48], [3, 0]].map(([step, length]) => handshakeFrame(step, new Uint8Array(length).fill(9)));
  for (const side of [a, b]) for (const frame of others) await side.take(frame);
  assert.deepEqual([a.channel.dropped.unexpected, b.channel.dropped.unexpected], [others.length, others.length]);
  assert.deepEqual([a.events, b.events], [[], []]);
  await a.send('as before').done;
  await pass(a, b, a.now + 1000);
  assert.deepEqual(texts(b), ['as before']);
});

test('only a real opening of the way makes a side send everything again', async () => {
  const [a, b] = await secured();
  await a.send('once').done;
  assert.equal(a.takeFrames().length, 1);
  for (let time = 0; time < 5; time++) await a.channel.pathChanged(a.now, 'peer-online');
  await a.channel.pathChanged(a.now, 'link-up');
  assert.deepEqual(a.takeFrames(), [], 'the way was open');
  await a.channel.pathChanged(a.now, 'peer-away');
  await a.channel.pathChanged(a.now, 'peer-online');
  assert.equal(a.takeFrames().length, 1);
  await a.channel.pathChanged(a.now, 'link-down');
  await a.channel.pathChanged(a.now, 'peer-online');
  assert.deepEqual(a.takeFrames(), [], 'the own link is down');
  await a.channel.pathChanged(a.now, 'link-up');
  await pass(a, b, a.now + 1000);
  assert.deepEqual(texts(b), ['once']);
});

test('frames say whether the peer answers them', async () => {
  const [a, b] = await secured();
  const answered = [];
  for (const side of [a, b]) side.channel.onFrame = (frame, awaits) => (side.frames.push(frame), answered.push(awaits));
  await a.send('x').done;
  await pass(a, b, a.now + 1000);
  assert.deepEqual(answered, [true, false], 'the text, and what acknowledges it');
});

test('a full window refuses, and tells when there is room again', async () => {
  const [a, b] = await secured();
  const taken = Array.from({ length: 70 }, (_, at) => a.send(`text ${at}`)).filter((sent) => 'number' in sent);
  assert.equal(taken.length, 63, 'a place is kept for the goodbye');
  assert.deepEqual(a.send('one more'), { refused: 'full' });
  await Promise.all(taken.map(({ done }) => done));
  await pass(a, b, a.now + 2000);
  assert.ok(a.events.some(({ kind }) => kind === 'window-open'));
  assert.equal(texts(b).length, 63);
});

test('texts of eight kilobytes pass, longer ones and empty ones do not', async () => {
  const [a, b] = await secured();
  const longest = '가'.repeat(2730) + 'ab';
  await a.send(longest).done;
  assert.deepEqual(a.send(`${longest}c`), { refused: 'too-long' });
  assert.deepEqual(a.send(''), { refused: 'empty' });
  await pass(a, b, a.now + 1000);
  assert.deepEqual(texts(b), [longest]);
});

test('a byte order mark is part of the text', async () => {
  const [a, b] = await secured();
  await a.send('\ufefftext').done;
  await exchange(a, b);
  assert.deepEqual(texts(b), ['\ufefftext']);
});

test('what was not acknowledged is told as not delivered, and nothing is handled after the end', async () => {
  const [a, b] = await secured();
  const { number, done } = a.send('lost');
  await done;
  const [frame] = a.takeFrames();
  await a.channel.close();
  assert.deepEqual(a.takeEvents(), [{ kind: 'not-delivered', number }, { kind: 'ended', reason: 'closed' }]);
  await b.take(frame);
  await pass(a, b, a.now + 5000);
  assert.deepEqual([a.events, a.frames, a.channel.nextTimeout], [[], [], null]);
  assert.deepEqual(a.send('after'), { refused: 'over' });
});

test('both may say goodbye at once', async () => {
  const [a, b] = await secured();
  await Promise.all([a.channel.bye(a.now), b.channel.bye(b.now)]);
  await pass(a, b, a.now + 5000);
  assert.deepEqual([a.end, b.end], ['bye', 'bye']);
});
