/** Passes as the servers and the terminal have them: `schemas/vectors/passes.json`. */

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { concat, toBase64url, utf8 } from '../../../web/bytes.js';
import { helperOf, helpsWith, isCurrent, readCredential, readLink, readPass, readRevocations, verifyCredential, verifyPass } from '../../../web/later/pass.js';
import { hex, unhex, vectors } from './support.mjs';

const { credential, operator, pass, proof, revoked, secret } = vectors('passes');
const NOW = proof.time;
const keys = [unhex(operator.public)];
const helper = () => helperOf(unhex(secret.bytes), pass.text);
const expected = { key: unhex(secret.public), role: pass.role, topics: pass.topics, expires: pass.expires, id: pass.id };

/** Signs claims as the operator of the vectors would. */
async function signed(claims, header = { alg: 'EdDSA', typ: 'cipher-chat-pass' }, seed = operator.seed) {
  const key = await crypto.subtle.importKey('pkcs8', unhex(`302e020100300506032b657004220420${seed}`), 'Ed25519', false, ['sign']);
  const part = (value) => toBase64url(typeof value === 'string' ? utf8(value) : utf8(JSON.stringify(value)));
  const text = `${part(header)}.${part(claims)}`;
  return `${text}.${toBase64url(new Uint8Array(await crypto.subtle.sign('Ed25519', key, utf8(text))))}`;
}
const claims = { aud: 'cipher-chat-pass', key: toBase64url(expected.key), role: 'offer', topics: pass.topics, exp: pass.expires, jti: pass.id };
const list = (more = {}) => signed({ aud: 'cipher-chat-revoked-passes', iat: NOW / 1000 | 0, revoked: {}, ...more }, { alg: 'EdDSA', typ: 'cipher-chat-revoked-passes' });

test('a link is read with and without its pass, whole or from its fragment', () => {
  for (const before of ['', '#', 'https://chat.example/desk#']) {
    assert.deepEqual(readLink(`${before}${secret.text}`), { secret: unhex(secret.bytes), pass: null });
    assert.deepEqual(readLink(` ${before}${secret.text}.${pass.text}\n`), { secret: unhex(secret.bytes), pass: pass.text });
  }
  for (const wrong of ['', '#', 'https://chat.example/desk', secret.text.slice(1), `${secret.text}.`, `${secret.text}.${'a'.repeat(2049)}`]) assert.equal(readLink(wrong), null, wrong);
});

test('the key, the proof and the credential are byte for byte those of the vectors', async () => {
  const one = await helper();
  assert.equal(hex(one.publicKey), secret.public);
  assert.equal(await one.proof(proof.host, NOW, unhex(proof.random)), proof.text);
  assert.notEqual(await one.proof(proof.host, NOW), await one.proof(proof.host, NOW), 'each proof is another');
  assert.deepEqual(Object.keys(await one.session(proof.host, NOW)), ['pass', 'pass_proof']);
  for (const side of ['a', 'b']) assert.equal(hex(await one.credential(unhex(credential.transcript), side)), credential[side]);
});

test('a pass is believed while it lasts, of a known key only', async () => {
  assert.deepEqual(readPass(pass.text), expected);
  assert.deepEqual(await verifyPass(pass.text, keys, NOW), expected);
  assert.deepEqual(await verifyPass(pass.text, [new Uint8Array(32).fill(9), ...keys], NOW), expected, 'a second key');
  assert.equal(await verifyPass(pass.text, [expected.key], NOW), 'forged');
  assert.equal(await verifyPass(pass.text, [], NOW), 'forged');
  assert.deepEqual(await verifyPass(pass.text, keys, pass.expires * 1000 - 1), expected);
  assert.equal(await verifyPass(pass.text, keys, pass.expires * 1000), 'expired');
  const longest = Math.floor((NOW + 92 * 86_400_000 + 5_000) / 1000);
  assert.equal((await verifyPass(await signed({ ...claims, exp: longest }), keys, NOW)).expires, longest);
  assert.equal(await verifyPass(await signed({ ...claims, exp: longest + 1 }), keys, NOW), 'long');
  assert.equal((await verifyPass(await signed({ ...claims, topics: undefined }), keys, NOW)).topics, null);
});

test('nothing of a pass can be changed, and nothing unknown is in it', async () => {
  const parts = pass.text.split('.');
  for (let at = 0; at < pass.text.length; at += 1) {
    const other = pass.text[at] === 'A' ? 'B' : 'A';
    const changed = await verifyPass(pass.text.slice(0, at) + other + pass.text.slice(at + 1), keys, NOW);
    assert.ok(changed === 'unreadable' || changed === 'forged', `${at}: ${changed}`);
  }
  const wrong = [
    '', '.', '..', parts.slice(0, 2).join('.'), `${pass.text}.${parts[2]}`, ` ${pass.text}`, 'a'.repeat(2049),
    await signed(claims, { alg: 'none', typ: 'cipher-chat-pass' }),
    await signed(claims, { alg: 'EdDSA', typ: 'JWT' }),
    await signed(claims, { alg: 'EdDSA', typ: 'cipher-chat-pass', kid: '1' }),
    await signed({ ...claims, admin: true }),
    await signed({ ...claims, aud: 'cipher-chat' }),
    await signed({ ...claims, role: 'both' }),
    await signed({ ...claims, topics: [] }),
    await signed({ ...claims, topics: ['\u200b'] }),
    await signed({ ...claims, topics: Array.from({ length: 17 }, (_, at) => `t${at}`) }),
    await signed({ ...claims, exp: 2 ** 53 }),
    await signed({ ...claims, exp: '1' }),
    await signed({ ...claims, jti: 'x' }),
    await signed({ ...claims, key: 'x' }),
    await signed(Object.values(claims)),
    await signed('null'),
    await signed(`\ufeff${JSON.stringify(claims)}`),
  ];
  for (const text of wrong) assert.equal(await verifyPass(text, keys, NOW), 'unreadable', text);
  assert.equal(await verifyPass(await signed(claims, undefined, '02'.repeat(32)), keys, NOW), 'forged');
});

test('a credential is for one chat and one side of it', async () => {
  const transcript = unhex(credential.transcript);
  for (const [side, other] of [['a', 'b'], ['b', 'a']]) {
    const body = unhex(credential[side]);
    assert.deepEqual(await verifyCredential(body, keys, transcript, side, NOW), expected);
    assert.equal(await verifyCredential(body, keys, transcript, other, NOW), 'forged');
    assert.equal(await verifyCredential(body, keys, new Uint8Array(32), side, NOW), 'forged');
    assert.equal(await verifyCredential(body, [expected.key], transcript, side, NOW), 'forged');
    assert.equal(await verifyCredential(body, keys, transcript, side, pass.expires * 1000), 'expired');
    for (const wrong of [body.slice(1), body.slice(0, -1), concat(body, Uint8Array.of(0)), new Uint8Array(0), new Uint8Array(1), new Uint8Array(2)]) {
      assert.equal(readCredential(wrong), null);
      assert.equal(await verifyCredential(wrong, keys, transcript, side, NOW), 'unreadable');
    }
  }
});

test('a pass is for its topics, for who helps, and without topics for all', () => {
  for (const topic of ['grief', 'GRIEF', ' Grief\u200b ', 'Schulden']) assert.ok(helpsWith(expected, topic), topic);
  for (const topic of ['debt', undefined]) {
    assert.ok(!helpsWith(expected, topic));
    assert.ok(helpsWith({ ...expected, topics: null }, topic));
  }
  assert.ok(!helpsWith({ ...expected, role: 'seek', topics: null }, 'grief'));
  for (const group of vectors('criteria').topics) {
    for (const topic of group) assert.ok(helpsWith({ ...expected, topics: [group[0]] }, topic), JSON.stringify([group[0], topic]));
  }
});

test('a list of revoked passes is believed, and new for a day', async () => {
  const made = 1_800_000_000;
  assert.deepEqual(await readRevocations(revoked, keys, NOW), { made, ids: new Set([pass.id]) });
  assert.deepEqual((await readRevocations(await list(), keys, NOW)).ids, new Set());
  assert.ok(isCurrent({ made }, made * 1000 + 86_400_000) && !isCurrent({ made }, made * 1000 + 86_400_001));
  assert.equal((await readRevocations(revoked, keys, made * 1000 - 5_000)).made, made);
  assert.equal(await readRevocations(revoked, keys, made * 1000 - 5_001), 'ahead');
  assert.equal(await readRevocations(revoked, [expected.key], NOW), 'forged');
  const many = Object.fromEntries(Array.from({ length: 1001 }, (_, at) => [toBase64url(new Uint8Array(new Uint32Array([at, 0, 0, 0]).buffer)), 1]));
  for (const more of [{ revoked: [] }, { revoked: { x: 1 } }, { revoked: { [pass.id]: '1' } }, { revoked: many }, { iat: -1 }, { aud: 'x' }, { more: 1 }]) {
    assert.equal(await readRevocations(await list(more), keys, NOW), 'unreadable', JSON.stringify(more).slice(0, 60));
  }
  assert.equal(await readRevocations(pass.text, keys, NOW), 'unreadable', 'a pass is no list');
  assert.equal(await verifyPass(revoked, keys, NOW), 'unreadable', 'a list is no pass');
});
