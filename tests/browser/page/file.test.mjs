/** The page as one file that opens from a disk, and talks to a real server. */

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { after, afterEach, test } from 'node:test';

import { BINARY, Node } from './program.mjs';
import { delivered, eventually, makeInvite, reads, ready, safetyOf, seek, violations, withoutKem, world, write } from './support.mjs';

const it = world('--allowed-origin', 'null', '--null-session-rate', '0');
const folder = mkdtempSync(join(tmpdir(), 'page-file-'));
after(() => rmSync(folder, { recursive: true }));
afterEach(() => it.dismiss());

/** The address of a file that `cipher-chat page --single-file` writes. */
function file(name, ...options) {
  const path = join(folder, name);
  execFileSync(BINARY, ['page', '--single-file', path, ...options]);
  return pathToFileURL(path).href;
}

/** A person on the start screen of the file. */
async function opens(address, options) {
  const page = await it.person(options);
  await page.goto(address);
  await page.locator('.start').waitFor();
  return page;
}

/** What a page has asked for that is neither the file nor the server. */
function elsewhere(page, server) {
  const own = [server, server.replace('http', 'ws')].map((address) => new URL('v1/', address).href);
  return page.requests.filter((url) => !url.startsWith('file:') && !url.startsWith('data:') && !own.some((mine) => url.startsWith(mine)));
}

test('two people open the file from a disk, and talk through the server that it names', async () => {
  const address = file('named.html', '--server', it.url);
  const pages = [await opens(address), await withoutKem(await it.person())];
  await pages[1].goto(address);
  const topic = crypto.randomUUID();
  for (const page of pages) await seek(page, topic);
  await Promise.all(pages.map(ready));
  await write(pages[0], 'from a file');
  await reads(pages[1], 'from a file');
  await write(pages[1], 'with the vendored ML-KEM');
  await reads(pages[0], 'with the vendored ML-KEM');
  await Promise.all(pages.map(delivered));
  assert.deepEqual(await safetyOf(pages[0]), await safetyOf(pages[1]));
  for (const page of pages) {
    assert.deepEqual(page.faults, []);
    assert.deepEqual(elsewhere(page, it.url), []);
    assert.equal(page.requests.filter((url) => url.startsWith('file:')).length, 1, 'the file is all that is read');
  }
});

test('the file has every language, and its start page is itself', async () => {
  const page = await opens(file('named.html', '--server', it.url));
  for (const tag of ['ko', 'ja', 'es', 'ar', 'en']) {
    await page.locator('.languages').selectOption(tag);
    await page.locator(`html[lang=${tag}]`).waitFor();
  }
  assert.deepEqual(await violations(page), []);
  await page.locator('.how').click();
  await page.getByText('This page is a file of yours').waitFor();
  await page.keyboard.press('Escape');
  await page.locator('.brand').click();
  await page.locator('.start').waitFor();
  assert.match(page.url(), /named\.html$/);
  assert.deepEqual(page.faults, []);
});

test('an invite of the file is a link of the server, and each side may use either page', async () => {
  const host = await opens(file('named.html', '--server', it.url));
  const link = await makeInvite(host);
  assert.equal(new URL(link).origin, new URL(it.url).origin);
  const guest = await opens(file('named.html', '--server', it.url));
  await guest.locator('.have summary').click();
  await guest.locator('.have textarea').fill(link);
  await guest.locator('.have button').click();
  await Promise.all([host, guest].map(ready));
  await write(guest, 'over the link');
  await reads(host, 'over the link');

  const [second, served] = [await opens(file('named.html', '--server', it.url)), await it.person()];
  await served.goto(await makeInvite(second));
  await served.locator('.button.primary').click();
  await Promise.all([second, served].map(ready));
});

test('a file without a server asks which one, sends nothing before, and then talks to that one alone', async () => {
  const address = file('any.html');
  const other = await it.makeWire();
  const pages = [await it.person(), await it.person()];
  await pages[0].goto(`${address}#server=${encodeURIComponent(it.url)}`);
  await pages[1].goto(address);
  for (const page of pages) {
    await page.locator('.server').waitFor();
    assert.deepEqual(await violations(page), []);
    assert.equal(new URL(page.url()).hash, '');
  }
  await pages[0].getByText('Use it only if you trust whoever gave you the link.').waitFor();
  assert.equal(await pages[0].locator('.server input').inputValue(), it.url);
  assert.equal(await pages[1].locator('.server input').inputValue(), '');
  for (const wrong of ['', 'http://chat.example', 'https://me:secret@chat.example', 'ftp://chat.example', 'https://']) {
    await pages[1].locator('.server input').fill(wrong);
    await pages[1].locator('.server button').click();
    await pages[1].locator('#server-fault:not(:empty)').waitFor();
  }
  await pages[1].locator('.server input').fill(it.url);
  for (const page of pages) {
    assert.deepEqual(page.requests.filter((url) => !url.startsWith('file:') && !url.startsWith('data:')), [], 'nothing was sent');
    await page.locator('.server button').click();
    await page.locator('.start').waitFor();
  }
  const topic = crypto.randomUUID();
  for (const page of pages) await seek(page, topic);
  await Promise.all(pages.map(ready));
  await write(pages[0], 'hello');
  await reads(pages[1], 'hello');
  for (const page of pages) assert.deepEqual(page.faults, []);
  const fetched = await pages[0].evaluate((url) => fetch(url).then(() => 'fetched', () => 'refused'), `${other.url}v1/status`);
  assert.equal(fetched, 'refused');
  await eventually(() => pages[0].faults.some((fault) => fault.includes('connect-src')));
});

test('a server that takes no pages from files is not taken for one that is broken', async () => {
  const strict = await new Node('serve', []).ready();
  try {
    const page = await it.person();
    await page.goto(file('strict.html', '--server', `http://localhost:${strict.port}`));
    await page.getByText('its operator allows them with --allowed-origin null').waitFor();
    await page.getByRole('button', { name: 'Try again' }).waitFor();
  } finally {
    await strict.kill();
  }
});

test('the file does not run inside another page, nor with a script that was changed', async () => {
  const address = file('named.html', '--server', it.url);
  const frame = join(folder, 'frame.html');
  writeFileSync(frame, '<iframe src="named.html" width="600" height="600"></iframe>');
  const around = await it.person();
  await around.goto(pathToFileURL(frame).href);
  await around.frameLocator('iframe').getByText('This page was put inside another page').waitFor();
  assert.equal(await around.frameLocator('iframe').locator('.start').count(), 0);
  assert.deepEqual(around.requests.filter((url) => url.includes('/v1/')), []);

  const changed = join(folder, 'changed.html');
  const html = readFileSync(join(folder, 'named.html'), 'utf8');
  writeFileSync(changed, html.replace("use('main.js');", "document.title = 'stolen'; use('main.js');"));
  const page = await it.person();
  await page.goto(pathToFileURL(changed).href);
  await eventually(() => page.faults.some((fault) => fault.includes('script-src')));
  assert.equal(await page.title(), 'cipher-chat');
  assert.ok(address.endsWith('named.html'));
});
