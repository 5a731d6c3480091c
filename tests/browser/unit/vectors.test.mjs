import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';

import { concat, equal, fromBase64url, utf8 } from '../../../web/bytes.js';
import { texts as en } from '../../../web/en.js';
import { codeOf, linkOf, pskOf, secretOf, secretOfWords, wordsOf } from '../../../web/invite.js';
import { aesKey, hkdf, open, seal } from '../../../web/noise.js';
import { ContentWriter, cost, handshakeFrame, packetHeader, paddedLength, parseContent, parseFrame } from '../../../web/packet.js';
import { SIGNS, safetyCode } from '../../../web/safety.js';
import { hex, sidesOf, unhex, vectors } from './support.mjs';

for (const vector of vectors('handshake').cases) {
  test(`the handshake ${vector.name} is byte for byte that of the vectors`, async () => {
    const [a, b] = await sidesOf(vector);
    await b.start();
    assert.deepEqual(b.frames, [], 'b says nothing before message 1');
    await a.start();
    const step = async (from, to, expected) => {
      const [frame, ...more] = from.takeFrames();
      assert.deepEqual([hex(frame), more], [expected, []]);
      await to.take(frame);
    };
    await step(a, b, vector.frames.message1);
    await step(b, a, vector.frames.message2);
    assert.deepEqual(b.events, [], 'b is secured by the opening only');
    await step(a, b, vector.frames.opening);
    for (const side of [a, b]) {
      const [{ kind, safety }] = side.takeEvents();
      assert.equal(kind, 'secured');
      assert.deepEqual(safety.numbers, vector.safety.numbers);
      assert.equal(safety.emoji.map((index) => SIGNS[index]).join(''), vector.safety.emoji);
    }
  });

  test(`the keys of the epochs after the handshake ${vector.name} are those of the vectors`, async () => {
    for (const chain of [vector.epochs_a_to_b, vector.epochs_b_to_a]) {
      for (let epoch = 0; epoch + 1 < chain.length; epoch++) {
        const [next] = await hkdf(utf8('cipher-chat.v2 epoch'), unhex(chain[epoch]), 1);
        assert.equal(hex(next), chain[epoch + 1]);
      }
    }
  });
}

test('a key of small order ends the chat', async () => {
  const { cases, keys_of_small_order } = vectors('handshake');
  for (const key of keys_of_small_order) {
    const [, b] = await sidesOf(cases[0]);
    await b.start();
    await b.take(handshakeFrame(1, concat(unhex(key), unhex(cases[0].message1).slice(32))));
    assert.equal(b.end, 'weak-key', key);
  }
});

test('handshakes are refused for the reason of the vectors', async () => {
  const { cases, refused_handshakes } = vectors('handshake');
  for (const { name, to, psk, body, reason } of refused_handshakes) {
    const [a, b] = await sidesOf(cases.find((vector) => vector.psk === psk));
    const [side, step] = to === 'a' ? [a, 2] : [b, 1];
    await side.start();
    await side.take(handshakeFrame(step, unhex(body)));
    assert.deepEqual(side.events.filter(({ kind }) => kind !== 'not-delivered'), [{ kind: 'ended', reason }], name);
  }
});

test('packets are sealed and opened as in the vectors', async () => {
  const { key: raw, cases } = vectors('packets');
  const [second] = await hkdf(utf8('cipher-chat.v2 epoch'), unhex(raw), 1);
  const keys = await Promise.all([aesKey(unhex(raw)), aesKey(second)]);
  assert.deepEqual([...new Set(cases.map(({ epoch }) => epoch))].sort(), [0, 1]);
  for (const vector of cases) {
    const key = keys[vector.epoch];
    const writer = new ContentWriter(vector.acknowledged);
    const messages = vector.messages.map((message) => ({ ...message, body: unhex(message.body) }));
    for (const message of messages) assert.ok(writer.push(message));
    const content = writer.finish();
    if (vector.content !== undefined) assert.equal(hex(content), vector.content, vector.name);
    const header = packetHeader(vector.epoch, vector.number);
    const frame = concat(header, await seal(key, vector.number, content, header));
    if (vector.frame !== undefined) assert.equal(hex(frame), vector.frame, vector.name);
    assert.equal(frame.length, vector.size, vector.name);
    assert.equal(createHash('sha256').update(frame).digest('hex'), vector.frame_sha256, vector.name);
    const parsed = parseFrame(frame);
    assert.deepEqual([parsed.epoch, parsed.number], [vector.epoch, vector.number]);
    const opened = await open(key, parsed.number, parsed.ciphertext, parsed.header);
    assert.deepEqual(parseContent(opened), { acknowledged: vector.acknowledged, messages }, vector.name);
  }
});

test('contents that break the rules end the chat for the right reason', async () => {
  const { key: raw, contents_that_end_the_chat: contents } = vectors('packets');
  const key = await aesKey(unhex(raw));
  const [vector] = vectors('handshake').cases;
  for (const { content, name, reason } of contents) {
    const [, b] = await sidesOf(vector);
    await b.start();
    await b.take(unhex(vector.frames.message1));
    await b.take(unhex(vector.frames.opening));
    const header = packetHeader(0, 1);
    await b.take(concat(header, await seal(key, 1, unhex(content), header)));
    assert.equal(b.end, reason, name);
  }
});

test('what no honest peer sends is dropped, counted and changes nothing', async () => {
  const { binary_messages_that_are_dropped: bad } = vectors('packets');
  const [, b] = await sidesOf(vectors('handshake').cases[0]);
  await b.start();
  for (const { message, name } of bad) {
    assert.equal(parseFrame(unhex(message)), null, name);
    await b.take(unhex(message));
  }
  assert.equal(b.channel.dropped.malformed, bad.length);
  assert.deepEqual([b.frames, b.events], [[], []]);
});

test('sizes and window costs are those of the vectors', () => {
  const { cases, window_costs } = vectors('padding');
  for (const { length, padded } of cases) assert.equal(paddedLength(length), padded);
  for (const { body, cost: expected } of window_costs) assert.equal(cost(body), expected);
});

test('the safety code and its table are those of the vectors', async () => {
  const { cases, table } = vectors('safety');
  assert.deepEqual(SIGNS, table.map(({ emoji }) => emoji));
  table.forEach(({ name }, at) => assert.equal(en[`emoji.${at}`], name));
  for (const { handshake_hash, nonce, emoji, numbers } of cases) {
    const code = await safetyCode(unhex(handshake_hash), unhex(nonce));
    assert.equal(code.emoji.map((index) => SIGNS[index]).join(''), emoji);
    assert.deepEqual(code.numbers, numbers);
  }
});

test('invites are derived as in the vectors', async () => {
  const { cases, accepted_links, refused_links } = vectors('invite');
  for (const { secret, link, code, psk } of cases) {
    const bytes = unhex(secret);
    assert.equal(linkOf(bytes, 'https://chat.example/?x=1#old'), link);
    assert.ok(equal(secretOf(new URL(link).hash), bytes));
    assert.equal(await codeOf(bytes), code);
    assert.equal(hex(await pskOf(bytes)), psk);
  }
  for (const link of refused_links.filter((link) => link.startsWith('https://chat.example/#') && link.at(-1) !== '#')) {
    assert.equal(secretOf(link.slice(link.indexOf('#'))), 'malformed', link);
  }
  for (const link of accepted_links) {
    // As it is written, and as a browser hands it over.
    for (const fragment of [link.slice(link.indexOf('#')), new URL(link.slice(link.indexOf('https'))).hash]) {
      assert.equal(hex(secretOf(fragment)), '000102030405060708090a0b0c0d0e0f', link);
    }
  }
  assert.equal(secretOf(''), null);
  assert.equal(secretOf('#'), null);
});

test('the words of an invite are those of the vectors', async () => {
  const { cases, accepted_words, refused_words } = vectors('invite');
  for (const { secret, words } of cases) {
    assert.equal((await wordsOf(unhex(secret))).join(' '), words);
    assert.equal(hex(await secretOfWords(words)), secret);
  }
  for (const words of accepted_words) assert.equal(hex(await secretOfWords(words)), '000102030405060708090a0b0c0d0e0f', words);
  for (const { words, ...fault } of refused_words) assert.deepEqual(await secretOfWords(words), fault, words);
});

test('base64url has one spelling of each value', () => {
  assert.equal(fromBase64url('AAECAwQFBgcICQoLDA0ODx'), null, 'spare bits');
  for (const bad of ['A', 'AA=', 'A+', 'A/', 'Aé', 'AA AA']) assert.equal(fromBase64url(bad), null, bad);
  assert.deepEqual(fromBase64url('AP_-'), Uint8Array.of(0, 255, 254));
});

for (const { name, side, steps } of [...vectors('stories').stories, ...vectors('kinds').stories]) {
  test(`the story "${name}" goes as in the vectors`, async () => {
    const sides = await sidesOf(vectors('handshake').cases[0]);
    const self = sides[side === 'a' ? 0 : 1];
    for (const step of steps) {
      self.now = step.at;
      const result = await perform(self, step);
      const where = `${step.input} at ${step.at} ms`;
      if ('result' in step) assert.deepEqual(result, step.result, where);
      assert.deepEqual(self.takeFrames().map((frame, at) => asTold(frame, step.frames[at])), step.frames, where);
      assert.deepEqual(self.takeEvents().map(eventAsTold), step.events, where);
      if ('next_timeout' in step) assert.equal(self.channel.nextTimeout, step.next_timeout, where);
    }
  });
}

async function perform(self, step) {
  const { channel, now } = self;
  const text = typeof step.text === 'object' ? step.text.repeat.repeat(step.text.times) : step.text;
  switch (step.input) {
    case 'new': return channel.start(now);
    case 'frame': return channel.handleFrame(now, unhex(step.frame));
    case 'timeout': return channel.handleTimeout(now);
    case 'link-up': return channel.pathChanged(now, 'link-up');
    case 'link-down': return channel.pathChanged(now, 'link-down');
    case 'peer-online': return channel.pathChanged(now, 'peer-online');
    case 'peer-away': return channel.pathChanged(now, 'peer-away');
    case 'set-typing': return channel.setTyping(now, step.typing === 'active');
    case 'bye': return channel.bye(now);
    case 'close': return channel.close();
    case 'send': {
      const sent = channel.send(now, step.said);
      await sent.done;
      return sent.number ?? sent.refused;
    }
    case 'send-text': {
      const sent = channel.sendText(now, text);
      await sent.done;
      return sent.number ?? sent.refused;
    }
    default: throw new Error(`an input that this test does not know: ${step.input}`);
  }
}

function asTold(frame, told) {
  return typeof told === 'object' ? { sha256: createHash('sha256').update(frame).digest('hex') } : hex(frame);
}

function eventAsTold({ kind, safety, active, ...rest }) {
  const more = kind === 'secured' ? { numbers: safety.numbers } : kind === 'peer-typing' ? { typing: active ? 'active' : 'idle' } : rest;
  return { event: kind, ...more };
}
