import assert from 'node:assert/strict';
import { test } from 'node:test';

import { concat, equal, utf8 } from '../../../web/bytes.js';
import { Handshake } from '../../../web/handshake.js';
import { findKem } from '../../../web/kem.js';
import { newEphemeral, sha256 } from '../../../web/noise.js';
import { PacketCipher } from '../../../web/packet-cipher.js';
import { BYE, ContentWriter, OPENING, TEXT, handshakeFrame, parseFrame } from '../../../web/packet.js';
import { safetyCode } from '../../../web/safety.js';
import { Side, exchange, pass, secured, seeded, sidesOf, unhex, vectors } from './support.mjs';

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

test('who writes is said to before the text that is sent in the same moment', async () => {
  const [a, b] = await secured();
  const typing = a.channel.setTyping(a.now, true);
  const text = a.send('done').done;
  const again = a.channel.setTyping(a.now, true);
  await Promise.all([typing, text, again]);
  await pass(a, b, a.now + 500);
  const told = () => b.events.filter(({ kind }) => kind === 'peer-typing' || kind === 'message').map(({ text, active }) => text ?? active);
  assert.deepEqual(told(), [true, 'done'], 'a notice a second at most');
  await pass(a, b, a.now + 1500);
  assert.deepEqual(told(), [true, 'done', true]);
});

test('a byte that was changed on the way changes nothing but a counter', async () => {
  const [a, b] = await secured();
  await a.send('x').done;
  const [frame] = a.takeFrames();
  for (const at of [3, 5, 12, 14, 100, 255]) {
    const bad = frame.slice();
    bad[at] ^= 1;
    await b.take(bad);
  }
  assert.deepEqual([b.channel.dropped.forged, b.channel.dropped.epoch], [5, 1], 'the header too, of which one makes an epoch far ahead');
  await b.take(frame);
  await b.take(frame);
  assert.equal(b.channel.dropped.replayed, 1);
  assert.deepEqual(texts(b), ['x']);
});

test('a packet number is never used twice, however many texts are written at once', async () => {
  const [a] = await secured();
  const sent = Array.from({ length: 40 }, (_, at) => a.send(`text ${at}`));
  await Promise.all(sent.map(({ done }) => done));
  const numbers = a.takeFrames().map((frame) => new DataView(frame.buffer).getBigUint64(6));
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

/** Somebody with the keys of side `a` or `b` of a case, who says what the test wants, and opens nothing. */
class Cheat {
  static async of(side, vector, nonce = new Uint8Array(32)) {
    const cheat = new Cheat();
    cheat.side = side;
    cheat.handshake = new Handshake({ side, room: unhex(vector.room), psk: null, ephemeral: await newEphemeral(), kem: await findKem(), nonce });
    await cheat.handshake.start();
    return cheat;
  }

  async take(frame) {
    const { step, body } = parseFrame(frame);
    const progress = await this.handshake.receive(step, body);
    this.cipher = await PacketCipher.of(this.side, progress.keys);
    return progress;
  }

  async packet(...messages) {
    const writer = new ContentWriter(0);
    for (const message of messages) writer.push(message);
    return this.cipher.seal(writer.finish());
  }
}

test('a first message that does not open what was promised ends the chat', async () => {
  const [vector] = vectors('handshake').cases;
  const first = {
    'a text': { kind: TEXT, body: utf8('hello') },
    'a goodbye': { kind: BYE, body: new Uint8Array(0) },
    'another opening': { kind: OPENING, body: new Uint8Array(32).fill(1) },
    'a short opening': { kind: OPENING, body: new Uint8Array(31) },
    'a kind of a later revision': { kind: 99, body: new Uint8Array(32) },
  };
  for (const [name, message] of Object.entries(first)) {
    const [, b] = await sidesOf(vector);
    await b.start();
    const cheat = await Cheat.of('a', vector);
    await b.take(cheat.handshake.waiting);
    await cheat.take(b.takeFrames()[0]);
    await b.take(await cheat.packet({ number: 1, ...message }, { number: 2, kind: TEXT, body: utf8('and more') }));
    assert.deepEqual(b.events, [{ kind: 'ended', reason: 'commitment-broken' }], name);
    assert.deepEqual(b.frames, [], name);
  }
});

test('whoever sits between and searches for equal codes once he knows them cannot open what he found', async () => {
  const [vector] = vectors('handshake').cases;
  const [a, b] = await sidesOf(vector);
  await Promise.all([a.start(), b.start()]);
  const [towardsA, towardsB] = await Promise.all([Cheat.of('b', vector), Cheat.of('a', vector)]);
  const { send } = await towardsA.take(a.takeFrames()[0]);
  await b.take(towardsB.handshake.waiting);
  const [message2] = b.takeFrames();
  await a.take(send);
  const code = a.events[0].safety;
  await towardsB.take(message2);
  // He has everything now, and needs a nonce with which b's code is a's. A sixth of it will do here.
  const seen = parseFrame(message2).body;
  let nonce;
  for (let tried = 0; nonce === undefined; tried++) {
    const guess = await sha256(utf8(`guess ${tried}`));
    if ((await safetyCode(await sha256(seen), guess)).emoji[0] === code.emoji[0]) nonce = guess;
  }
  await b.take(await towardsB.packet({ number: 1, kind: OPENING, body: nonce }));
  assert.deepEqual(b.events, [{ kind: 'ended', reason: 'commitment-broken' }]);
});

test('a message 1 that was changed on the way ends the chat', async () => {
  const [vector] = vectors('handshake').cases;
  for (const at of [40, 1230]) {
    const [a, b] = await sidesOf(vector);
    await Promise.all([a.start(), b.start()]);
    const [message1] = a.takeFrames();
    message1[at] ^= 1;
    await b.take(message1);
    const [message2] = b.takeFrames();
    if (message2 === undefined) assert.equal(b.end, 'handshake-refused', 'a coefficient beyond the modulus');
    else await a.take(message2);
    if (message2 !== undefined) assert.equal(a.end, 'handshake-refused');
  }
});

test('a side that opens late or wrongly never secures the other', async () => {
  const kem = await findKem();
  const [vector] = vectors('handshake').cases;
  const [, b] = await sidesOf(vector);
  const liar = new Side({ room: unhex(vector.room), kem, nonce: new Uint8Array(32), side: 'a', ephemeral: await newEphemeral() });
  await Promise.all([liar.start(), b.start()]);
  await b.take(liar.takeFrames()[0]);
  await liar.take(b.takeFrames()[0]);
  assert.equal(liar.events[0].kind, 'secured');
  const { done } = liar.send('before the opening is there');
  await done;
  const [opening, text] = liar.takeFrames();
  await b.take(text);
  assert.deepEqual([b.events, b.frames], [[], []], 'nothing is delivered, sent or acknowledged before it');
  assert.deepEqual(b.send('no'), { refused: 'not-secured' });
  await b.take(opening);
  assert.deepEqual(b.events.map(({ kind }) => kind), ['secured', 'message']);
});

test('a second, different message 1 ends a chat that is not secured', async () => {
  const [vector] = vectors('handshake').cases;
  const [a, b] = await sidesOf(vector);
  await Promise.all([a.start(), b.start()]);
  const [message1] = a.takeFrames();
  await b.take(message1);
  message1[4] ^= 1;
  await b.take(message1);
  assert.equal(b.end, 'handshake-changed');
});

test('copies of the handshake are answered at most once a second', async () => {
  const [a, b] = await sidesOf(vectors('handshake').cases[0]);
  await Promise.all([a.start(), b.start()]);
  const [message1] = a.takeFrames();
  await b.take(message1);
  const [message2] = b.takeFrames();
  for (let copy = 0; copy < 5; copy++) await b.take(message1);
  assert.deepEqual(b.takeFrames(), [], 'message 2 has just been sent');
  b.now = 1000;
  for (let copy = 0; copy < 5; copy++) await b.take(message1);
  assert.deepEqual(b.takeFrames().map((frame) => equal(frame, message2)), [true]);
  await a.take(message2);
  const [opening] = a.takeFrames();
  for (let copy = 0; copy < 5; copy++) await a.take(message2);
  assert.deepEqual(a.takeFrames(), [], 'the opening has just been sent');
  a.now = 1000;
  for (let copy = 0; copy < 5; copy++) await a.take(message2);
  assert.equal(a.takeFrames().length, 1, 'the opening again, in a new packet');
  await b.take(opening);
  assert.equal(b.events[0].kind, 'secured');
  assert.deepEqual([a.channel.dropped.unexpected, b.channel.dropped.unexpected], [0, 0]);
});

test('a coefficient of the key beyond the modulus is refused, and so is a weak key', async () => {
  const kem = await findKem();
  const [vector] = vectors('handshake').cases;
  const [a] = await sidesOf(vector);
  await a.start();
  const { body } = parseFrame(a.takeFrames()[0]);
  for (const [at, value, reason] of [[32, 0xff, 'handshake-refused'], [0, 0, 'weak-key']]) {
    const b = new Side({ room: unhex(vector.room), kem, nonce: new Uint8Array(32), side: 'b', ephemeral: await newEphemeral() });
    await b.start();
    const bad = body.slice();
    bad.fill(value, at, at + 32);
    await b.take(handshakeFrame(1, bad));
    assert.equal(b.end, reason);
  }
});

test('keys move on when the other side has acknowledged something of the epoch, and never before', async () => {
  const [a, b] = await secured();
  const epochs = new Set();
  let number = 0;
  const watch = (frame) => {
    const packet = parseFrame(frame);
    epochs.add(packet.epoch);
    return false;
  };
  for (let round = 0; round < 200; round++) {
    await a.send(`text ${number++}`).done;
    await pass(a, b, a.now + 200, watch);
  }
  assert.deepEqual([...epochs].sort(), [0, 1, 2, 3], 'some 200 packets of each side, 64 in an epoch');
  assert.equal(texts(b).length, 200);
  // Nothing comes back: the sender stays where it is, however much it sends.
  const before = Math.max(...epochs);
  const sent = new Set();
  for (let time = 0; time < 200; time++) {
    a.send('unheard');
    a.now += 4000;
    await a.channel.handleTimeout(a.now);
    for (const frame of a.takeFrames()) sent.add(parseFrame(frame).epoch);
  }
  assert.ok(sent.size <= 2 && Math.max(...sent) <= before + 1, [...sent].join());
  await pass(a, b, a.now + 10_000);
  assert.equal(texts(b).filter((text) => text === 'unheard').length, 63, 'and nothing is stuck');
});

test('packets of the epoch before still open, older ones and those far ahead do not', async () => {
  const [a, b] = await secured();
  const kept = [];
  const keep = (frame, to) => to === 'b' && kept.push(frame) && false;
  const firsts = new Map();
  for (let round = 0; round < 250; round++) {
    await a.send('x').done;
    const [frame] = a.takeFrames();
    const { epoch } = parseFrame(frame);
    // Of each epoch one packet is held back; its text goes again.
    if (!firsts.has(epoch)) firsts.set(epoch, frame);
    else await b.take(frame);
    await pass(a, b, a.now + 1500, keep);
  }
  const current = Math.max(...firsts.keys());
  assert.ok(current >= 3);
  const { dropped } = b.channel;
  for (const [epoch, frame] of firsts) {
    const before = { ...dropped };
    await b.take(frame);
    const expected = current - epoch > 1 ? 'epoch' : null;
    if (expected !== null) assert.equal(dropped.epoch, before.epoch + 1, `epoch ${epoch} of ${current}`);
    else assert.deepEqual(dropped, before, `epoch ${epoch} of ${current} opens`);
  }
  for (const ahead of [2, 3, 1000, 2 ** 32 - 1]) {
    const forged = kept.at(-1)?.slice() ?? firsts.get(current).slice();
    new DataView(forged.buffer).setUint32(2, Math.min(current + ahead, 2 ** 32 - 1));
    const before = dropped.epoch;
    await b.take(forged);
    assert.equal(dropped.epoch, before + 1);
  }
  // One ahead is tried, and changes nothing.
  const forged = firsts.get(current).slice();
  const view = new DataView(forged.buffer);
  view.setUint32(2, current + 1);
  view.setBigUint64(6, 1_000_000n);
  const before = dropped.forged;
  await b.take(forged);
  assert.equal(dropped.forged, before + 1);
  await a.send('after').done;
  await pass(a, b, a.now + 1500);
  assert.equal(texts(b).at(-1), 'after');
});

test('the psk and the nonce are erased when they have been used, and when nothing comes of them', async () => {
  const [, vector] = vectors('handshake').cases;
  const kem = await findKem();
  for (const how of ['used', 'closed']) {
    const [a, b] = await Promise.all(['a', 'b'].map(async (side) => {
      const place = { room: unhex(vector.room), psk: unhex(vector.psk), nonce: unhex(vector.a.nonce), kem, side, ephemeral: await newEphemeral() };
      return Object.assign(new Side(place), { place });
    }));
    await Promise.all([a.start(), b.start()]);
    if (how === 'used') {
      await exchange(a, b);
      assert.equal(a.events[0].kind, 'secured');
    } else {
      await Promise.all([a.channel.close(), b.channel.close()]);
    }
    for (const { place } of [a, b]) assert.ok(place.psk.every((byte) => byte === 0), how);
  }
});

test('who says goodbye knows when everything was received', async () => {
  const [a, b] = await secured();
  await a.send('last').done;
  await a.channel.bye(a.now);
  await pass(a, b, a.now + 1000);
  assert.deepEqual(a.events.map(({ kind }) => kind), ['delivered', 'all-received', 'ended']);
  const [c] = await secured();
  await c.send('lost').done;
  await c.channel.bye(c.now);
  c.now += 6000;
  await c.channel.handleTimeout(c.now);
  assert.deepEqual(c.events.map(({ kind }) => kind), ['not-delivered', 'ended']);
});

test('no handshake message ends a secured chat, whatever it is', async () => {
  const [a, b] = await secured();
  const others = [[1, 1248], [1, 1264], [1, 31], [2, 1136], [2, 1135], [2, 0]].map(([step, length]) => handshakeFrame(step, new Uint8Array(length).fill(9)));
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

test('frames that come faster than they are opened are dropped beyond a limit, and the chat goes on', async () => {
  const [a, b] = await secured();
  const flood = new Uint8Array(16_384);
  const handled = [];
  for (let n = 0; n < 1000; n++) handled.push(b.take(flood));
  assert.ok(b.channel.dropped.crowded > 700, `${b.channel.dropped.crowded} of 16 MB were not kept`);
  await Promise.all(handled);
  assert.equal(b.channel.dropped.crowded + b.channel.dropped.malformed, 1000);
  await a.send('still here').done;
  await exchange(a, b);
  assert.deepEqual(texts(b), ['still here']);
});
