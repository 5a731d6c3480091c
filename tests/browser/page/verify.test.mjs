/** How a visitor is told to check the page, and that what is told is so. */

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { afterEach, test } from 'node:test';
import { promisify } from 'node:util';

import { BINARY } from './program.mjs';
import { violations, world } from './support.mjs';

const it = world();
/** What the program prints. The wire to the server is in this process, which therefore may not wait for it. */
const prints = async (...words) => (await promisify(execFile)(BINARY, words)).stdout;
afterEach(() => it.dismiss());

for (const tag of ['en', 'ko', 'ja', 'es', 'ar']) {
  test(`how to check the page is told in plain words, and asks the server for nothing: ${tag}`, async () => {
    const page = await it.person({ locale: tag, width: 360, height: 640 });
    await page.goto(`${it.url}verify`);
    await page.locator('.verify').waitFor();
    assert.equal(await page.locator('html').getAttribute('lang'), tag);
    assert.equal(await page.locator('.verify h2').count(), 5);
    assert.deepEqual(await violations(page), []);
    assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), 'nothing is wider than a phone');
    assert.deepEqual(page.requests.filter((url) => url.includes('/v1/')), []);
    assert.deepEqual(page.faults, []);
  });
}

test('the commands that it names say what it says', async () => {
  const page = await it.visitor();
  await page.locator('.how').click();
  const [check] = await Promise.all([page.context().waitForEvent('page'), page.getByRole('link', { name: 'How to check this page' }).click()]);
  await check.locator('.verify').waitFor();
  const [program, hash] = await check.locator('.command').allTextContents();
  const server = it.url.replace(/\/$/, '');
  assert.equal(program, `cipher-chat page --verify ${server}`);
  assert.match(await prints(...program.split(' ').slice(1)), / serves the page of cipher-chat .*, unchanged\n/);
  assert.equal(hash, `curl -s ${server}/ | sha256sum`);
  const served = createHash('sha256').update(Buffer.from(await (await fetch(`${server}/`)).arrayBuffer())).digest('hex');
  assert.ok((await prints('page', '--hashes')).includes(`${served}  index.html\n`));
});
