/** What the operator says, what has to be agreed to, and leaving quickly. */

import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, test } from 'node:test';

import { eventually, reads, ready, seek, violations, world, write } from './support.mjs';

/** An everyday page of somebody else, which remembers how it was asked for. */
const asked = [];
const elsewhere = createServer((request, response) => {
  if (request.url !== '/favicon.ico') asked.push({ path: request.url, referrer: request.headers.referer });
  response.setHeader('content-type', 'text/html').end('<title>Weather</title><h1>Sunny</h1>');
});
await new Promise((resolve) => elsewhere.listen(0, '127.0.0.1', resolve));
after(() => elsewhere.close());
const welcome = join(mkdtempSync(join(tmpdir(), 'welcome-')), 'welcome.txt');
writeFileSync(welcome, 'We answer from six to ten.\n<b>Welcome</b> & take your time.\n');

const it = world(
  '--operator-name', "Anna's Help Line", '--operator-contact', 'help@example.org', '--welcome', welcome,
  '--consent', 'I am 16 or older.', '--exit-url', `http://127.0.0.1:${elsewhere.address().port}/weather`,
);
afterEach(() => it.dismiss());

test('the start screen says who runs the server, as text', async () => {
  const page = await it.visitor();
  const words = page.locator('.operator-words');
  await words.waitFor();
  assert.equal(await words.locator('.welcome').textContent(), 'We answer from six to ten.\n<b>Welcome</b> & take your time.');
  assert.match(await words.textContent(), /Run by Anna's Help Line.*Contact: help@example\.org/);
  await page.locator('.languages').selectOption('ko');
  await page.locator('html[lang=ko]').waitFor();
  assert.match(await words.textContent(), /운영: Anna's Help Line/);
  assert.deepEqual(await violations(page), []);
});

test('a stranger is looked for only after what has to be agreed to, and it is asked once', async () => {
  const [page, other] = [await it.visitor(), await it.visitor()];
  const topic = crypto.randomUUID();
  const box = page.getByRole('checkbox', { name: 'I am 16 or older.' });
  await box.waitFor();
  await seek(page, topic);
  await page.locator('#consent-fault:not(:empty)').waitFor();
  assert.equal(await page.locator('.waiting').count(), 0);
  assert.deepEqual(await violations(page), []);
  await box.check();
  await seek(page, topic);
  await other.getByRole('checkbox').check();
  await seek(other, topic);
  await Promise.all([ready(page), ready(other)]);
  await write(page, 'hello');
  await page.locator('.tool.leave').click();
  await page.locator('dialog .primary').click();
  await page.locator('.ended .button', { hasText: 'Back to the start' }).click();
  assert.ok(await box.isChecked());
});

/** Two people in a chat, of whom one has written. */
async function chatting() {
  const pages = [await it.visitor(), await it.visitor()];
  const topic = crypto.randomUUID();
  for (const page of pages) {
    await page.getByRole('checkbox').check();
    await seek(page, topic);
  }
  await Promise.all(pages.map(ready));
  await write(pages[0], 'nobody may see this');
  await reads(pages[1], 'nobody may see this');
  return pages;
}

for (const [how, leave] of [
  ['a click', (page) => page.getByRole('button', { name: 'Leave quickly' }).click()],
  ['Escape three times, also in a dialog', async (page) => {
    await page.locator('.tool.leave').click();
    for (const _ of [1, 2, 3]) await page.keyboard.press('Escape');
  }],
]) {
  test(`after ${how} another page is there, and the way back shows nothing`, async () => {
    const [page, other] = await chatting();
    await leave(page);
    await page.waitForURL('**/weather');
    assert.equal(await page.title(), 'Weather');
    assert.deepEqual(asked.at(-1), { path: '/weather', referrer: undefined });
    await other.getByRole('heading', { name: 'The other person ended the chat.' }).waitFor();
    // There was nothing before the chat page but the empty page of a new tab.
    await page.goBack().catch(() => null);
    await eventually(async () => !page.url().startsWith(it.url));
    assert.ok(!(await page.content()).includes('nobody may see this'));
  });
}

test('Escape for one dialog after another leaves nothing, however fast', async () => {
  const page = await it.visitor();
  for (const open of [() => page.locator('.bar-tools .how').click(), () => page.locator('.bar-tools .how').press('Enter')]) {
    for (const _ of [1, 2, 3]) {
      await open();
      await page.locator('dialog').waitFor();
      await page.keyboard.press('Escape');
      await page.locator('dialog').waitFor({ state: 'detached' });
    }
  }
  await page.locator('.start').waitFor();
  assert.ok(page.url().startsWith(it.url));
});
