import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';

import { eventually, reads, ready, world, write } from './support.mjs';

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

test('every file of the page is fetched once', async () => {
  const page = await it.visitor();
  const files = page.requests.filter((url) => !url.includes('/v1/'));
  assert.equal(new Set(files).size, files.length, files.sort().join('\n'));
});

test('a module that was changed on the way does not run, and neither does the page', async () => {
  for (const file of ['main.js', 'noise.js']) {
    const page = await it.person();
    await page.route(`**/${file}`, async (route) => {
      const response = await route.fetch();
      await route.fulfill({ response, body: `${await response.text()}\n// changed` });
    });
    await page.goto(it.url);
    await eventually(() => page.faults.some((fault) => fault.includes('integrity') && fault.includes(file)));
    assert.equal(await page.locator('#main > *').count(), 0, file);
  }
});

test('a browser that cannot encrypt is told so, and sends nothing', async () => {
  const page = await it.person();
  await page.addInitScript(() => {
    crypto.subtle.generateKey = () => Promise.reject(new DOMException('no X25519', 'NotSupportedError'));
  });
  await page.goto(it.url);
  await page.getByText('This browser cannot encrypt a chat here').waitFor();
  assert.equal(await page.locator('form, .card').count(), 0);
  assert.deepEqual(page.requests.filter((url) => url.includes('/v1/')), []);
});

test('a relay that changes the handshake ends the chat before a word is said', async () => {
  const pages = [await it.person(), await it.person()];
  for (const page of pages) {
    await page.routeWebSocket(/v1\/ws/, (near) => {
      const far = near.connectToServer();
      far.onMessage((message) => {
        // The third kind is Noise message 2; its bytes begin after four of header.
        if (typeof message !== 'string' && message[1] === 3) message[4] ^= 1;
        near.send(message);
      });
    });
    await page.goto(it.url);
    await page.locator('form button[type=submit]').click();
  }
  const stopped = pages.map((page) => page.getByRole('heading', { name: 'The chat was stopped' }).waitFor().then(() => page));
  const page = await Promise.any(stopped);
  const other = pages.find((one) => one !== page);
  await other.locator('.over').waitFor();
  for (const one of pages) assert.equal(await one.locator('.text').count(), 0);
  await Promise.allSettled(stopped.map((wait) => Promise.race([wait, other.close()])));
});

test('a packet that was changed on the way is sent again, and nobody notices', async () => {
  const [a, b] = [await it.visitor(), await it.person()];
  let spoilt = 0;
  await b.routeWebSocket(/v1\/ws/, (near) => {
    const far = near.connectToServer();
    far.onMessage((message) => {
      if (typeof message !== 'string' && message[1] === 4 && spoilt < 2) {
        spoilt += 1;
        message[40] ^= 1;
      }
      near.send(message);
    });
  });
  await b.goto(it.url);
  const topic = crypto.randomUUID();
  for (const page of [a, b]) {
    await page.locator('input[type=text]').fill(topic);
    await page.locator('form button[type=submit]').click();
  }
  await Promise.all([ready(a), ready(b)]);
  await write(a, 'arrives all the same');
  await reads(b, 'arrives all the same');
  assert.equal(spoilt, 2);
});
