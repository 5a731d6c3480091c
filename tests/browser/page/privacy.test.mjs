import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';

import { reads, world, write } from './support.mjs';

const it = world();
afterEach(() => it.dismiss());

const SIZES = [256, 512, 1024, 2048, 4096, 8192, 16384];

test('what goes over the wire is ciphertext of one of seven sizes', async () => {
  const [a, b] = await it.strangers();
  await write(a, 'the secret sentence');
  await reads(b, 'the secret sentence');
  await write(a, 'x'.repeat(3000));
  await reads(b, 'xxx');
  const binary = a.frames_sent.filter((payload) => typeof payload !== 'string');
  assert.ok(binary.length >= 4);
  for (const payload of binary) {
    assert.ok(SIZES.includes(payload.length), `${payload.length} bytes`);
    assert.ok(!payload.includes('secret sentence'));
  }
  const control = a.frames_sent.filter((payload) => typeof payload === 'string');
  assert.ok(control.every((text) => ['find', 'ping'].includes(JSON.parse(text).type)), 'control messages say nothing of the chat');
});

test('nothing is kept in the browser, and nothing is asked of anybody else', async () => {
  const [a, b] = await it.strangers();
  await write(a, 'x');
  await reads(b, 'x');
  for (const page of [a, b]) {
    const kept = await page.evaluate(async () => [
      localStorage.length, sessionStorage.length, document.cookie, (await indexedDB.databases()).length, (await caches.keys()).length,
      (await navigator.serviceWorker.getRegistrations()).length,
    ]);
    assert.deepEqual(kept, [0, 0, '', 0, 0, 0]);
    assert.deepEqual(await page.context().cookies(), []);
    const origin = new URL(it.url).host;
    assert.deepEqual(page.requests.filter((url) => new URL(url).host !== origin), []);
    assert.ok(page.requests.every((url) => !/token|bearer|eyJ/i.test(url)), 'no token in an address');
    assert.deepEqual(page.faults, [], 'nothing offends against the policy of the page');
  }
});

test('the policy of the page lets nothing but its own files run', async () => {
  const page = await it.person();
  const response = await page.goto(it.url);
  const policy = response.headers()['content-security-policy'];
  for (const rule of ["default-src 'none'", "script-src 'self'", "require-trusted-types-for 'script'", "frame-ancestors 'none'"]) {
    assert.ok(policy.includes(rule), rule);
  }
  assert.ok(!policy.includes('unsafe'));
  const blocked = await page.evaluate(() => {
    try {
      document.body.innerHTML = '<b>x</b>';
      return 'written';
    } catch (fault) {
      return fault.name;
    }
  });
  assert.equal(blocked, 'TypeError');
});
