/** Admission by work: the page solves what the server asks for, and a person can cancel it. */

import assert from 'node:assert/strict';
import { pbkdf2Sync, randomBytes } from 'node:crypto';
import { afterEach, describe, test } from 'node:test';

import { solveChallenge } from 'altcha-lib';
import { deriveKey } from 'altcha-lib/algorithms/pbkdf2';

import { eventually, reads, ready, seek, world, write } from './support.mjs';

const it = world();
afterEach(() => it.dismiss());

/** A gate before the server that asks for a proof, as docs/protocol.md describes it. */
class Gate {
  puzzles = 0;
  proofs = [];
  admitted = 0;

  /** `counter` is the solution; `refuse` names the problem of each proof, in order. */
  constructor({ counter = 40, counters = 80, cost = 50, refuse = [] } = {}) {
    Object.assign(this, { counter, counters, cost, refuse });
  }

  async guard(page) {
    await page.route('**/v1/challenge', (route) => route.fulfill({ json: this.#puzzle() }));
    await page.route('**/v1/sessions', (route) => this.#session(route));
  }

  #puzzle() {
    this.puzzles += 1;
    const [nonce, salt] = [randomBytes(16), randomBytes(16)];
    const number = Buffer.alloc(4);
    number.writeUInt32BE(this.counter);
    this.key = pbkdf2Sync(Buffer.concat([nonce, number]), salt, this.cost, 32, 'sha256').toString('hex');
    const parameters = { algorithm: 'PBKDF2/SHA-256', cost: this.cost, keyLength: 32, keyPrefix: this.key.slice(0, 32), nonce: nonce.toString('hex'), salt: salt.toString('hex') };
    return { challenge: { parameters, signature: `signature ${this.puzzles}` }, counters: this.counters, expires_at: 0, expires_in: 300 };
  }

  #session(route) {
    const problem = (status, code) => route.fulfill({ status, contentType: 'application/problem+json', body: JSON.stringify({ status, code }) });
    const body = route.request().postData();
    if (body === null) return problem(428, 'admission');
    const { proof } = JSON.parse(body);
    this.proofs.push(proof);
    const code = this.refuse.shift();
    if (code !== undefined) return problem(403, code);
    assert.deepEqual(proof, { signature: `signature ${this.puzzles}`, solution: { counter: this.counter, derivedKey: this.key } });
    this.admitted += 1;
    return route.continue({ postData: '' });
  }
}

/** Somebody before the gate, on the start screen. */
async function visitor(gate) {
  const page = await it.person();
  await gate.guard(page);
  await page.goto(page.wire.url);
  await page.locator('.start').waitFor();
  return page;
}

test('whoever solves the puzzle is let in, and chats', async () => {
  const gate = new Gate();
  const [a, b] = [await visitor(gate), await it.visitor()];
  const topic = crypto.randomUUID();
  for (const page of [a, b]) await seek(page, topic);
  await Promise.all([a, b].map(ready));
  await write(a, 'let in');
  await reads(b, 'let in');
  assert.deepEqual([gate.puzzles, gate.admitted], [1, 1]);
});

test('a proof that came too late or was spent is made again', async () => {
  const gate = new Gate({ refuse: ['proof-expired', 'proof-spent'] });
  const a = await visitor(gate);
  await seek(a, crypto.randomUUID());
  await a.locator('.progress', { hasText: 'as soon as there is a match' }).waitFor();
  assert.deepEqual([gate.puzzles, gate.admitted], [3, 1]);
});

test('a server that takes no proof is not asked for ever, and the person reads why', async () => {
  const gate = new Gate({ refuse: Array(100).fill('bad-proof') });
  const a = await visitor(gate);
  await seek(a, crypto.randomUUID());
  await a.getByText('This server asks browsers to calculate for a moment before a chat').waitFor();
  await a.getByRole('button', { name: 'Try again' }).waitFor();
  assert.ok(gate.proofs.length <= 4, 'two for the start screen and two for the search');
});

test('the work is shown, and ends when it is cancelled', async () => {
  // It would take minutes.
  const gate = new Gate({ counter: 99_999, counters: 100_000, cost: 2000 });
  const a = await visitor(gate);
  await seek(a, crypto.randomUUID());
  const bar = a.getByRole('progressbar');
  await bar.waitFor();
  await a.locator('.progress', { hasText: 'this server lets your browser calculate' }).waitFor();
  await eventually(async () => (await bar.evaluate((node) => node.value)) > 0);
  await a.getByRole('button', { name: 'Stop waiting' }).click();
  await a.locator('.start').waitFor();
  assert.equal(gate.puzzles, 1, 'it does not begin again by itself');
  await seek(a, crypto.randomUUID());
  await bar.waitFor();
  assert.equal(gate.puzzles, 2);
});

describe('a server that asks for work', { skip: process.env.BASE_URL !== undefined && 'needs a server of its own' }, () => {
  const strict = world('--admission', '20000');
  afterEach(() => strict.dismiss());

  test('lets in whoever has done it', async () => {
    const [a, b] = await strict.strangers();
    await write(a, 'worth it');
    await reads(b, 'worth it');
    for (const page of [a, b]) assert.equal(page.requests.filter((url) => url.endsWith('v1/challenge')).length, 1);
  });

  // The library of those who made ALTCHA, version 2, which knows nothing of this server.
  test('takes what a solver of others has found, once', async () => {
    const { challenge } = await (await fetch(`${strict.url}v1/challenge`)).json();
    const solution = await solveChallenge({ challenge, deriveKey });
    const proof = { signature: challenge.signature, solution };
    const open = (proof) => fetch(`${strict.url}v1/sessions`, {
      method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ proof }),
    });
    const wrong = await open({ ...proof, solution: { ...solution, derivedKey: solution.derivedKey.replace(/.$/, (last) => last === '0' ? '1' : '0') } });
    assert.deepEqual([wrong.status, (await wrong.json()).code], [403, 'bad-proof']);
    const opened = await open(proof);
    assert.equal(opened.status, 201);
    const { token } = await opened.json();
    const me = await fetch(`${strict.url}v1/sessions/me`, { headers: { authorization: `Bearer ${token}` } });
    assert.equal(me.status, 200);
    const again = await open(proof);
    assert.deepEqual([again.status, (await again.json()).code], [403, 'proof-spent']);
  });
});
