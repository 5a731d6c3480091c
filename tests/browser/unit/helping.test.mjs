/** The proof that somebody is a helper, in a channel. */

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { concat } from '../../../web/bytes.js';
import { Helping } from '../../../web/helping.js';
import { helperOf } from '../../../web/later/pass.js';
import { judge } from '../../../web/later/standing.js';
import { Side, ephemeralOf, exchange, hex, kemOf, pass, unhex, vectors } from './support.mjs';

const { credential, operator, pass: known, proof, revoked, secret } = vectors('passes');
const NOW = proof.time;
const keys = [unhex(operator.public)];
const [vector] = vectors('handshake').cases;

/** Two sides with these parts; the seeker is `a` unless it is said otherwise. */
async function sides(parts) {
  const place = () => ({ room: unhex(vector.room), psk: null, nonce: unhex(vector.a.nonce), kem: kemOf(vector) });
  return Promise.all(['a', 'b'].map(async (side) => {
    const { private: own, public: shown } = vector[side];
    return new Side({ ...place(), side, part: parts[side], ephemeral: await ephemeralOf(own, shown) });
  }));
}

async function begun(parts) {
  const [a, b] = await sides(parts);
  await Promise.all([a.start(), b.start()]);
  await exchange(a, b);
  return [a, b];
}

const helper = async () => ({ helper: await helperOf(unhex(secret.bytes), known.text) });
const kinds = (side) => side.takeEvents().map(({ kind }) => kind);

for (const [seeker, other] of [['a', 'b'], ['b', 'a']]) {
  test(`a helper's credential opens the channel of a seeker who is ${seeker}, and nothing passes before`, async () => {
    const both = await begun({ [seeker]: { seeks: 'required' }, [other]: await helper() });
    const [mine, theirs] = seeker === 'a' ? both : both.toReversed();
    assert.deepEqual(kinds(theirs), ['secured']);
    const { number } = theirs.send('before it is checked');
    await exchange(...both);
    const [shown, ...more] = mine.takeEvents();
    assert.deepEqual([shown.kind, shown.side, more], ['credential', other, []]);
    assert.equal((await judge(shown, { criteria: { topic: 'grief' } }, keys, async () => new Response(revoked), NOW)).verdict, 'refused', 'it is on the list');
    assert.deepEqual(mine.send('too early'), { refused: 'not-secured' });
    await mine.channel.setTyping(mine.now, true);
    assert.deepEqual(mine.frames, []);
    await pass(...both, 3000);
    assert.ok(!theirs.takeEvents().some(({ kind, number: of }) => kind === 'delivered' && of === number), 'what waits is not acknowledged');
    await mine.channel.judge(mine.now, 'believed');
    assert.deepEqual(kinds(mine).slice(0, 2), ['secured', 'message']);
    await pass(...both, 6000);
    assert.deepEqual(kinds(theirs), ['peer-typing', 'delivered']);
    assert.ok('number' in mine.send('now it goes'));
  });
}

test('without a credential the channel ends after 10 s with an open way, and that is no attack', async () => {
  const both = await begun({ a: { seeks: 'required' }, b: null });
  const [a, b] = both;
  const from = a.now;
  b.send('trust me');
  await pass(...both, from + 4000);
  await a.channel.pathChanged(a.now, 'peer-away');
  await b.channel.pathChanged(b.now, 'link-down');
  await pass(...both, from + 60_000);
  await a.channel.pathChanged(a.now, 'peer-online');
  await b.channel.pathChanged(b.now, 'link-up');
  await pass(...both, from + 65_999);
  assert.deepEqual(kinds(a), []);
  await pass(...both, from + 66_000);
  assert.deepEqual(a.takeEvents(), [{ kind: 'ended', reason: 'no-proof' }]);
});

test('a bad credential ends the chat, and one that cannot be checked does if it is required', async () => {
  for (const [seeks, verdict, end] of [
    ['required', 'refused', 'bad-credential'], ['welcome', 'refused', 'bad-credential'],
    ['required', 'unproved', 'no-proof'], ['welcome', 'unproved', undefined], ['required', 'taken', undefined], ['welcome', 'taken', undefined],
  ]) {
    const [a] = await begun({ a: { seeks }, b: await helper() });
    await a.channel.judge(a.now, verdict);
    assert.equal(a.end, end, `${seeks} ${verdict}`);
    if (end === undefined) assert.ok(a.events.some(({ kind }) => kind === 'secured'));
  }
});

test('a credential is malformed twice, and for who seeks nothing', async () => {
  for (const part of [null, await helper()]) {
    const both = await begun({ a: part, b: await helper() });
    assert.ok(both.some(({ end }) => end === 'malformed'));
  }
  for (const seeks of ['required', 'welcome']) {
    const helping = new Helping({ seeks });
    helping.show();
    assert.throws(() => helping.show(), { reason: 'malformed' });
    helping.take('taken');
    assert.throws(() => helping.show(), { reason: 'malformed' });
  }
});

test('only a helper who is believed hands over, and only a helper can', async () => {
  const offer = { invite: new Uint8Array(16).fill(1), colleague: new Uint8Array(32).fill(2) };
  for (const verdict of ['believed', 'taken']) {
    const both = await begun({ a: { seeks: 'welcome' }, b: await helper() });
    const [a, b] = both;
    await a.channel.judge(a.now, verdict);
    a.takeEvents();
    assert.deepEqual(a.channel.send(a.now, { kind: 'handover', ...offer }), { refused: 'no-helper' });
    assert.ok('number' in b.channel.send(b.now, { kind: 'handover', ...offer }));
    b.send('and a text');
    await pass(...both, 3000);
    const told = a.takeEvents();
    assert.deepEqual(told.filter(({ kind }) => kind === 'handover'), verdict === 'believed' ? [{ kind: 'handover', ...offer }] : []);
    assert.deepEqual(told.map(({ text }) => text).filter(Boolean), ['and a text']);
  }
});

/** Answers as a server: what it says of its keys, and its list. */
const server = ({ list = null, told = null } = {}) => async (_, path) => {
  if (path === 'v1/status') return Response.json(told === null ? {} : { pass_keys: told });
  return list === null ? new Response(null, { status: 404 }) : new Response(list);
};

test('what a credential is worth', async () => {
  const one = await helperOf(unhex(secret.bytes), known.text);
  const transcript = unhex(credential.transcript);
  const shown = { body: await one.credential(transcript, 'a'), transcript, side: 'a' };
  const wanted = { criteria: { topic: 'Grief' } };
  const worth = async (...args) => {
    const { verdict, standing } = await judge(...args);
    return [verdict, standing];
  };
  const told = [Buffer.from(operator.public, 'hex').toString('base64url')];
  assert.deepEqual(await worth(shown, wanted, keys, server(), NOW), ['taken', 'unlisted']);
  assert.deepEqual(await worth(shown, wanted, keys, server({ list: revoked }), NOW), ['refused', null]);
  assert.deepEqual(await worth(shown, wanted, keys, async () => null, NOW), ['taken', 'unlisted']);
  assert.deepEqual(await worth(shown, wanted, [], server({ told }), NOW), ['believed', 'said']);
  assert.deepEqual(await worth(shown, wanted, [], server(), NOW), ['taken', 'unknown']);
  assert.deepEqual(await worth(shown, wanted, [new Uint8Array(32).fill(7)], server({ told }), NOW), ['refused', null], 'a key of its own counts, whatever the server says');
  assert.deepEqual(await worth({ ...shown, side: 'b' }, wanted, keys, server(), NOW), ['refused', null]);
  assert.deepEqual(await worth({ ...shown, transcript: new Uint8Array(32) }, wanted, keys, server(), NOW), ['refused', null]);
  assert.deepEqual(await worth(shown, { criteria: { topic: 'debt' } }, keys, server(), NOW), ['refused', null]);
  assert.deepEqual(await worth(shown, { criteria: {} }, keys, server(), NOW), ['refused', null]);
  assert.deepEqual(await worth(shown, { criteria: { invite: 'x' } }, keys, server(), NOW), ['taken', 'unlisted']);
  const colleague = new Uint8Array(await crypto.subtle.digest('SHA-256', unhex(secret.public)));
  assert.deepEqual(await worth(shown, { criteria: { invite: 'x' }, colleague }, keys, server(), NOW), ['taken', 'unlisted']);
  assert.deepEqual(await worth(shown, { criteria: { invite: 'x' }, colleague: new Uint8Array(32) }, keys, server(), NOW), ['refused', null]);
  assert.deepEqual(await worth(shown, { criteria: { invite: 'x' }, colleague }, [], server(), NOW), ['refused', null]);
  assert.deepEqual(await worth(shown, { criteria: { invite: 'x' }, colleague }, [], server({ told }), NOW), ['believed', 'said'], 'a handover on the server’s word');
  assert.equal(hex(concat(shown.body)), credential.a);
});
