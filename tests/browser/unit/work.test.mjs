import assert from 'node:assert/strict';
import { pbkdf2Sync } from 'node:crypto';
import { test } from 'node:test';

import { solve } from '../../../web/work.js';

const NONCE = '000102030405060708090a0b0c0d0e0f';
const SALT = 'f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff';

/** What Node's own PBKDF2 makes of a counter. */
function keyOf(counter, cost) {
  const number = Buffer.alloc(4);
  number.writeUInt32BE(counter);
  return pbkdf2Sync(Buffer.concat([Buffer.from(NONCE, 'hex'), number]), Buffer.from(SALT, 'hex'), cost, 32, 'sha256').toString('hex');
}

function puzzle(counter, { cost = 20, counters = 100, ...more } = {}) {
  const parameters = { algorithm: 'PBKDF2/SHA-256', cost, keyLength: 32, keyPrefix: keyOf(counter, cost).slice(0, 32), nonce: NONCE, salt: SALT, ...more };
  return { challenge: { parameters, signature: 'as received' }, counters };
}

const patient = new AbortController().signal;

test('the solution is the counter whose key begins as asked', async () => {
  for (const counter of [0, 1, 15, 16, 63, 99]) {
    const shares = [];
    const proof = await solve(puzzle(counter), patient, (share) => shares.push(share));
    assert.deepEqual(proof, { signature: 'as received', solution: { counter, derivedKey: keyOf(counter, 20) } });
    assert.equal(shares[0], 0);
    assert.ok(shares.every((share, at) => share < 1 && (at === 0 || share > shares[at - 1])), 'the progress only grows');
  }
});

test('work that is cancelled ends soon, without a proof', async () => {
  const person = new AbortController();
  let calls = 0;
  const proof = await solve(puzzle(9_999, { counters: 10_000 }), person.signal, () => ++calls === 3 && person.abort());
  assert.equal(proof, null);
  assert.equal(calls, 3);
});

test('what cannot be solved, and what nobody should be asked, is not tried', async () => {
  const none = () => assert.fail('it was tried');
  const bad = [
    { algorithm: 'SHA-256' }, { keyLength: 16 }, { nonce: 'no hex' }, { salt: '' }, { cost: 0 }, { cost: 1_000_000, counters: 1_000 }, { counters: 0 },
    { counters: Number.NaN },
  ];
  for (const more of bad) {
    const { challenge, counters } = puzzle(0);
    const { counters: others = counters, ...parameters } = more;
    const given = { challenge: { ...challenge, parameters: { ...challenge.parameters, ...parameters } }, counters: others };
    assert.equal(await solve(given, patient, none), null, JSON.stringify(more));
  }
  assert.equal(await solve(puzzle(50, { counters: 40 }), patient, () => {}), null, 'there is no solution below');
});
