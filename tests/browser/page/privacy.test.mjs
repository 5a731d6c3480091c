import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { afterEach, test } from 'node:test';

import { eventually, reads, ready, safetyOf, seek, withoutKem, world, write } from './support.mjs';

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
    assert.equal(await page.locator('#main > :not(.loading)').count(), 0, file);
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

test('a browser without ML-KEM loads one, once and with its digest, and talks with one that has it', async () => {
  const [a, b] = [await withoutKem(await it.person()), await it.person()];
  const topic = crypto.randomUUID();
  for (const page of [a, b]) {
    await page.goto(it.url);
    await seek(page, topic);
  }
  await Promise.all([a, b].map(ready));
  await write(a, 'from afar');
  await reads(b, 'from afar');
  assert.equal((await safetyOf(a)).numbers, (await safetyOf(b)).numbers);
  const loaded = (page) => page.requests.filter((url) => url.includes('/vendor/')).length;
  assert.deepEqual([loaded(a), loaded(b)], [1, 0]);
  assert.deepEqual([a.faults, b.faults], [[], []], 'the policy lets it');
  const map = JSON.parse(await a.locator('script[type=importmap]').textContent());
  assert.match(map.integrity['./vendor/noble-ml-kem.js'], /^sha256-/);
});

test('a module for ML-KEM that was changed on the way does not run, and there is no chat', async () => {
  for (const how of ['changed', 'missing']) {
    const page = await withoutKem(await it.person());
    await page.route('**/vendor/**', async (route) => {
      if (how === 'missing') return route.abort();
      const response = await route.fetch();
      await route.fulfill({ response, body: `${await response.text()}\n// changed` });
    });
    await page.goto(it.url);
    await page.locator('form button[type=submit]').click();
    await page.getByText('we will not chat with weaker encryption').waitFor();
    assert.deepEqual(page.frames_sent, [], 'nobody was looked for');
  }
});

test('both ways to ML-KEM understand each other in every combination, and agree about what was changed', async () => {
  const page = await it.visitor();
  const acvp = JSON.parse(readFileSync(new URL('../../../schemas/vectors/ml-kem.json', import.meta.url), 'utf8'));
  const wrong = await page.evaluate(async ({ key_generation, encapsulation }) => {
    const { webCrypto, vendored } = await import('./kem.js');
    const { ml_kem768: noble } = await import('./vendor/noble-ml-kem.js');
    const unhex = (text) => Uint8Array.from(text.match(/../g), (pair) => parseInt(pair, 16));
    const same = (one, other) => one.length === other.length && one.every((byte, at) => byte === other[at]);
    const faults = [];
    const kems = [webCrypto(), await vendored()];
    if (kems[0] === null) return ['this Chromium has no ML-KEM'];
    for (const one of kems) {
      for (const other of kems) {
        for (let time = 0; time < 20; time++) {
          const { encapsulationKey, decapsulate } = await one.generate();
          const { ciphertext, sharedKey } = await other.encapsulate(encapsulationKey);
          if (!same(await decapsulate(ciphertext), sharedKey)) faults.push(`${one.name} and ${other.name}`);
        }
      }
      const { encapsulationKey } = await one.generate();
      const refused = await one.encapsulate(encapsulationKey.fill(255, 0, 3)).then(() => false, () => true);
      if (!refused) faults.push(`${one.name} takes a coefficient beyond the modulus`);
    }
    const algorithm = { name: 'ML-KEM-768' };
    for (const { tcId, d, z, dk } of key_generation) {
      const key = await crypto.subtle.importKey('raw-seed', unhex(d + z), algorithm, false, ['decapsulateBits']);
      const { publicKey } = noble.keygen(unhex(d + z));
      if (!same(publicKey, unhex(dk).slice(1152, 2336))) faults.push(`key ${tcId}`);
      const { cipherText, sharedSecret } = noble.encapsulate(publicKey);
      const opened = async (text) => new Uint8Array(await crypto.subtle.decapsulateBits(algorithm, key, text));
      if (!same(await opened(cipherText), sharedSecret)) faults.push(`decapsulation with key ${tcId}`);
      // Implicit rejection: both make the same key of nothing.
      cipherText[tcId] ^= 1;
      if (!same(await opened(cipherText), noble.decapsulate(cipherText, unhex(dk)))) faults.push(`rejection with key ${tcId}`);
    }
    for (const { tcId, ek } of encapsulation) {
      const key = await crypto.subtle.importKey('raw-public', unhex(ek), algorithm, true, ['encapsulateBits']);
      if (!same(new Uint8Array(await crypto.subtle.exportKey('raw-public', key)), unhex(ek))) faults.push(`public key ${tcId}`);
    }
    return faults;
  }, acvp);
  assert.deepEqual(wrong, []);
});

test('a relay that changes the handshake ends the chat before a word is said', async () => {
  const pages = [await it.person(), await it.person()];
  for (const page of pages) {
    await page.routeWebSocket(/v1\/ws/, (near) => {
      const far = near.connectToServer();
      far.onMessage((message) => {
        // The second kind is Noise message 2; its bytes begin after four of header.
        if (typeof message !== 'string' && message[1] === 2) message[4] ^= 1;
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
      if (typeof message !== 'string' && message[1] === 3 && spoilt < 2) {
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
