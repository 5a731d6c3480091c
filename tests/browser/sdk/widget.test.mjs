/** The example widget on a site of its own, in a real browser, under its policy. */

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { after, afterEach, test } from 'node:test';

import { Program } from '../page/program.mjs';
import { eventually, violations, withoutKem, world } from '../page/support.mjs';
import { PLACE } from './installed.mjs';
import { client, heard, textsOf } from './support.mjs';

/** A port that nobody else has: the server has to know the site's origin before the site begins. */
async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}

const port = await freePort();
const it = world('--allowed-origin', `http://127.0.0.1:${port}`);
afterEach(() => it.dismiss());

/** The site, with the chat under a topic of its own. */
async function site(at = port) {
  const topic = crypto.randomUUID();
  const program = new Program(process.execPath, [`${PLACE}/examples/widget/serve.mjs`], { CHAT_URL: it.url, TOPIC: topic, PORT: String(at) });
  after(() => program.kill());
  const [, url] = await program.says(/open (\S+)/, 'out');
  return { url, topic, program };
}

/** A visitor of the site who looks for somebody, and a program that is found. */
async function met({ url, topic }, prepare = (page) => page) {
  const page = await prepare(await it.person());
  await page.goto(url);
  await page.getByRole('button', { name: 'Chat with us' }).click();
  await page.getByText('Waiting for somebody …').waitFor();
  const chat = heard(await (await client(it.url)).find({ topic, role: 'offer' }));
  await page.getByText('You are connected.').waitFor();
  return { page, chat };
}

test('a visitor chats on the site, under a strict policy, and the end is told', async () => {
  const place = await site();
  const policy = (await fetch(place.url)).headers.get('content-security-policy');
  assert.match(policy, /^default-src 'none'; script-src 'self'; style-src 'self'; connect-src http:\/\/localhost:\d+ ws:\/\/localhost:\d+; /);
  const { page, chat } = await met(place);
  await page.getByText('Safety code').click();
  assert.equal(await page.locator('output').textContent(), chat.safetyCode.emoji.join(' '));
  await page.getByLabel('Your message').fill('<b>Hello</b>');
  await page.getByRole('button', { name: 'Send' }).click();
  await eventually(() => textsOf(chat).length > 0);
  assert.deepEqual(textsOf(chat), ['<b>Hello</b>']);
  chat.send('<img src=x onerror=alert(1)>');
  await page.locator('.theirs', { hasText: '<img src=x onerror=alert(1)>' }).waitFor();
  assert.equal(await page.locator('#texts :not(li)').count(), 0);
  assert.deepEqual(await violations(page), []);
  await chat.end();
  await page.getByText('The other side has said goodbye.').waitFor();
  await page.getByRole('button', { name: 'Chat with us' }).waitFor();
  assert.deepEqual(page.faults, []);
  const origins = new Set(page.requests.map((url) => new URL(url).host));
  assert.deepEqual([...origins].sort(), [new URL(it.url).host, new URL(place.url).host].sort());
  place.program.signal('SIGKILL');
  await place.program.ended;
});

test('it works where the browser has no ML-KEM of its own, and over a broken connection', async () => {
  const place = await site();
  const { page, chat } = await met(place, withoutKem);
  await page.getByLabel('Your message').fill('before');
  await page.getByRole('button', { name: 'Send' }).click();
  await eventually(() => textsOf(chat).includes('before'));
  it.wire.cut();
  await page.getByText('The connection is lost. It comes back by itself.').waitFor();
  await page.getByLabel('Your message').fill('from the tunnel');
  await page.getByRole('button', { name: 'Send' }).click();
  it.wire.mend();
  await eventually(() => textsOf(chat).includes('from the tunnel'));
  await page.getByRole('button', { name: 'End the chat' }).click();
  assert.equal((await chat.ended).reason, 'bye');
  await page.getByText('You have ended the chat.').waitFor();
  place.program.signal('SIGKILL');
  await place.program.ended;
});

test('a site that the server does not let in is told so', async () => {
  const { url } = await site(0);
  const page = await it.person();
  await page.goto(url);
  await page.getByRole('button', { name: 'Chat with us' }).click();
  await page.getByText('it may not let this site in (--allowed-origin)').waitFor();
});
