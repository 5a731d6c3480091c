/** The page inside pages of other origins: those that the operator has named, and others. */

import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { after, afterEach, test } from 'node:test';

import { eventually, makeInvite, reads, ready, seek, violations, world, write } from './support.mjs';

/** A site of somebody else, whose page is nothing but a frame of this address, and which remembers who came. */
async function site() {
  const server = createServer((request, response) => {
    const { searchParams } = new URL(request.url, 'http://localhost');
    const frame = `<iframe src="${searchParams.get('frame')}" title="Chat" referrerpolicy="no-referrer" allow="clipboard-write" width="360" height="560"></iframe>`;
    response.setHeader('content-type', 'text/html').end(`<!doctype html><html lang="en"><title>A site</title><h1>A site</h1>${searchParams.has('frame') ? frame : ''}`);
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  after(() => server.close());
  return `http://127.0.0.1:${server.address().port}`;
}

const [friend, stranger] = [await site(), await site()];
const it = world('--frame-ancestors', friend, '--exit-url', `${friend}/weather`);
afterEach(() => it.dismiss());

const framing = (site, path) => `${site}/?frame=${encodeURIComponent(it.url + path)}`;

/** A person at a site that frames the chat. */
async function guest(site = friend, path = 'embed') {
  const page = await it.person({ width: 800, height: 700 });
  await page.goto(framing(site, path));
  return { page, frame: page.frameLocator('iframe') };
}

test('a page of a named origin shows the chat in a frame, and can neither read nor change it', async () => {
  const { page, frame } = await guest();
  await frame.locator('.start').waitFor();
  const visitor = await it.visitor();
  const topic = crypto.randomUUID();
  await seek(frame, topic);
  await seek(visitor, topic);
  await Promise.all([ready(frame), ready(visitor)]);
  await write(frame, 'from a frame');
  await reads(visitor, 'from a frame');
  await write(visitor, 'to a frame');
  await reads(frame, 'to a frame');
  const seen = await page.evaluate(() => {
    const inside = document.querySelector('iframe');
    const tried = (read) => {
      try {
        return String(read());
      } catch (fault) {
        return fault.name;
      }
    };
    return [tried(() => inside.contentDocument), tried(() => inside.contentWindow.document), tried(() => inside.contentWindow.location.href), tried(() => document.scripts.length)];
  });
  assert.deepEqual(seen, ['null', 'SecurityError', 'SecurityError', '0'], 'and no script of ours is in its page');
  assert.deepEqual(page.faults, []);
});

test('nobody else frames it, and nobody frames anything else', async () => {
  const refused = async (site, path) => {
    const { page } = await guest(site, path);
    await eventually(() => page.faults.some((fault) => fault.includes('frame-ancestors') || fault.includes('X-Frame-Options')));
    assert.deepEqual(page.frames().slice(1).map((frame) => frame.url()).filter((url) => url.startsWith(it.url)), [], `${site} frames ${path}`);
    await page.context().close();
  };
  await refused(stranger, 'embed');
  for (const path of ['', 'index.html', 'verify', 'v1/status', 'main.js', 'nothing']) {
    await refused(friend, path);
    await refused(stranger, path);
  }
});

test('who is framed by a named origin that is framed by another is refused', async () => {
  const page = await it.person();
  await page.goto(`${stranger}/?frame=${encodeURIComponent(framing(friend, 'embed'))}`);
  await eventually(() => page.faults.some((fault) => fault.includes('frame-ancestors')));
  assert.equal(page.frames().some((frame) => frame.url().startsWith(it.url)), false);
});

test('an invite in the address of a frame is none, for the page around knows it; one made inside leads out', async () => {
  const { page, frame } = await guest(friend, 'embed#AAECAwQFBgcICQoLDA0ODw');
  await frame.locator('.start').waitFor();
  assert.equal(await frame.getByRole('button', { name: 'Join the chat' }).count(), 0);
  const link = new URL(await makeInvite(frame));
  assert.equal(link.origin + link.pathname, it.url);
  const invited = await it.person();
  await invited.goto(link.href);
  await invited.locator('.button.primary').click();
  await Promise.all([ready(frame), ready(invited)]);
  assert.deepEqual(page.faults, []);
});

test('leaving quickly takes the page around away, too', async () => {
  const { page, frame } = await guest();
  await frame.locator('.start').waitFor();
  await frame.locator('.exit').click();
  await page.waitForURL(`${friend}/weather`);
  assert.equal(page.frames().length, 1);
});

test('home is a tab of its own, since nothing else may be framed', async () => {
  const { page, frame } = await guest();
  await frame.locator('.start').waitFor();
  const [alone] = await Promise.all([page.context().waitForEvent('page'), frame.getByRole('link', { name: 'Open in a tab of its own' }).click()]);
  await alone.locator('.start').waitFor();
  assert.equal(alone.url(), it.url);
  assert.equal(await alone.evaluate(() => window.opener), null);
});

for (const tag of ['en', 'ko', 'ja', 'es', 'ar']) {
  test(`a small frame holds the page: ${tag}`, async () => {
    const page = await it.person({ width: 320, height: 480, locale: tag });
    await page.goto(`${it.url}embed`);
    await page.locator('.start').waitFor();
    assert.deepEqual(await violations(page), []);
    assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), 'nothing is wider than the frame');
  });
}
