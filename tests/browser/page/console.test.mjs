/** The console, as an operator looks at it and gives orders. */

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, test } from 'node:test';

import { Cluster } from './cluster.mjs';
import { BINARY, Node } from './program.mjs';
import { violations, world } from './support.mjs';

const dir = mkdtempSync(join(tmpdir(), 'console-'));
execFileSync(BINARY, ['pki', dir, '--gateways', 'gateway-1']);
const KEY = join(dir, 'ops/orders.key');
const JUDGES = ['--order-key', join(dir, 'gateway-1/orders.pub')];
const it = world(...JUDGES);
after(() => rmSync(dir, { recursive: true }));
afterEach(() => it.dismiss());

/** Gives an order in the console, and waits until it says this of it. */
async function order(page, kind, says, fill = async () => {}) {
  await page.locator('#order-kind').selectOption(kind);
  await fill();
  await page.getByRole('button', { name: 'Sign and give it' }).click();
  await page.locator('#order-said', { hasText: says }).waitFor();
}

/** The console that somebody looks at. */
async function look(url, options) {
  const page = await it.person(options);
  await page.goto(url);
  await page.locator('#nodes tr').first().waitFor();
  return page;
}

/** Waits until the whole is known. */
const isKnown = (page) => page.locator('#standing', { hasText: 'nothing is wrong' }).waitFor();

for (const [width, colorScheme] of [[360, 'light'], [360, 'dark'], [1280, 'light'], [1280, 'dark']]) {
  test(`the console of serve is whole at ${width} pixels, ${colorScheme}`, async () => {
    const page = await look(it.ops, { width, height: 800, colorScheme });
    await isKnown(page);
    await page.locator('#chart-people canvas').waitFor();
    const roles = await page.locator('#nodes tr td:nth-child(2)').allTextContents();
    assert.deepEqual(roles.sort(), ['gateway', 'janitor', 'pairing']);
    assert.deepEqual(await violations(page), []);
    const [inner, scrolled] = await page.evaluate(() => [innerWidth, document.documentElement.scrollWidth]);
    assert.ok(scrolled <= inner, `${scrolled} of ${inner}: only the table scrolls sideways`);
    assert.deepEqual(page.faults, [], 'nothing that the policy forbids');
    if (process.env.SCREENSHOTS) await page.screenshot({ path: `${process.env.SCREENSHOTS}/console-${width}-${colorScheme}.png`, fullPage: true });
  });
}

test('a cluster is watched, sorted, and told of when a node is gone', async () => {
  const cluster = new Cluster();
  await cluster.start();
  const watching = new Node('console', ['--nats', `nats://127.0.0.1:${cluster.natsPort}`]);
  try {
    await watching.ready();
    const page = await look(watching.ops);
    await isKnown(page);
    const names = () => page.locator('#nodes th').allTextContents();
    const before = await names();
    assert.ok(before.length >= 4, before.join());
    await page.getByRole('button', { name: 'Node' }).click();
    assert.deepEqual(await names(), before.toReversed());
    assert.equal(await page.locator('#columns th').first().getAttribute('aria-sort'), 'descending');
    assert.equal(await page.evaluate(() => document.activeElement.textContent), 'Node ▴', 'the focus stays');
    await cluster.gateways[0].kill();
    await page.locator('#nodes .silent').waitFor();
    await page.locator('#alarms', { hasText: 'does not answer' }).waitFor();
    assert.deepEqual(await violations(page), []);
    assert.deepEqual(page.faults, []);
    await watching.kill();
    await page.locator('#standing', { hasText: 'the server does not answer' }).waitFor();
  } finally {
    await watching.kill();
    await cluster.stop();
  }
});

test('an order is signed in the browser, is in force, and the key is sent nowhere', async () => {
  const page = await look(it.ops, { width: 360 });
  const sent = [];
  page.on('request', (request) => sent.push(Buffer.concat([Buffer.from(request.url()), request.postDataBuffer() ?? Buffer.alloc(0)])));
  await page.locator('#orders', { hasText: 'none: all is as usual' }).waitFor();
  await order(page, 'pause', 'Choose the key file first.');
  await page.locator('#order-key').setInputFiles({ name: 'orders.key', mimeType: 'text/plain', buffer: Buffer.from('nonsense') });
  await order(page, 'pause', 'This file holds no private key');
  await page.locator('#order-key').setInputFiles(KEY);
  const text = 'Away for a moment at 22:00.';
  await order(page, 'notice', 'Taken by 1 of 1 nodes', () => page.locator('#order-text').fill(text));
  await page.locator('#orders', { hasText: /notice.*at 1 of 1 nodes/s }).waitFor();
  const visitor = await it.visitor();
  await visitor.locator('#service', { hasText: text }).waitFor();
  assert.deepEqual(await violations(page), []);
  const [inner, scrolled] = await page.evaluate(() => [innerWidth, document.documentElement.scrollWidth]);
  assert.ok(scrolled <= inner, `${scrolled} of ${inner}`);
  if (process.env.SCREENSHOTS) await page.screenshot({ path: `${process.env.SCREENSHOTS}/console-orders.png`, fullPage: true });
  await order(page, 'admission', 'Taken by 1 of 1 nodes', () => page.locator('#order-hashes').fill('1000'));
  await page.locator('#orders', { hasText: /admission/ }).waitFor();
  await order(page, 'resume', 'Taken by 1 of 1 nodes');
  await page.locator('#orders', { hasText: 'none: all is as usual' }).waitFor();
  // Node's own reader refuses a file that has the public half, too.
  const der = Buffer.from(readFileSync(KEY, 'utf8').replaceAll(/-----[^-]+-----|\s/g, ''), 'base64');
  const at = der.indexOf(Buffer.from('04220420', 'hex'));
  const seed = der.subarray(at + 4, at + 36);
  assert.ok(at > 0 && seed.length === 32);
  assert.ok(sent.some((bytes) => bytes.includes(text)), 'the order itself was sent');
  assert.ok(!sent.some((bytes) => bytes.includes(seed) || bytes.includes('PRIVATE KEY')));
  assert.deepEqual(page.faults, []);
});

test('a cluster is given an order, one of its nodes is drained, and who refuses is named', async () => {
  const cluster = new Cluster();
  await cluster.start({ options: JUDGES });
  const watching = new Node('console', ['--nats', `nats://127.0.0.1:${cluster.natsPort}`]);
  try {
    await watching.ready();
    const page = await look(watching.ops);
    await isKnown(page);
    await page.locator('#order-key').setInputFiles(KEY);
    // Pairing and janitor were given no key here.
    await order(page, 'invites-only', 'Taken by 2 of 4 nodes');
    assert.match(await page.locator('#order-said').textContent(), /pairing-\w+: no-key\./);
    await page.locator('#orders', { hasText: /invites-only.*at 2 of 4 nodes/s }).waitFor();
    const name = await page.locator('#order-node option').evaluateAll((options) => options.map(({ textContent }) => textContent));
    assert.equal(name.length, 4);
    const gateway = name.find((node) => node.startsWith('gateway'));
    await order(page, 'drain', 'Taken by 2 of 4 nodes', () => page.locator('#order-node').selectOption({ label: gateway }));
    await page.locator('#nodes tr', { hasText: gateway }).waitFor({ state: 'detached' });
    assert.deepEqual(page.faults, []);
  } finally {
    await watching.kill();
    await cluster.stop();
  }
});

test('who has to show a token is asked for it, and it is kept nowhere', async () => {
  const page = await it.person();
  const shown = [];
  await page.route('**/overview', (route) => {
    const { authorization } = route.request().headers();
    shown.push(authorization);
    return authorization === 'Bearer right' ? route.continue() : route.fulfill({ status: 401, body: '{}' });
  });
  await page.goto(it.ops);
  const field = page.getByLabel('The token of --ops-token-file');
  await field.fill('wrong');
  await page.getByRole('button', { name: 'Show the cluster' }).click();
  await page.getByText('This is not the token.').waitFor();
  await field.fill('right');
  await page.getByRole('button', { name: 'Show the cluster' }).click();
  await page.locator('#nodes tr').first().waitFor();
  assert.equal(await field.isVisible(), false);
  assert.deepEqual([...new Set(shown)], [undefined, 'Bearer wrong', 'Bearer right']);
  assert.equal(await field.inputValue(), '');
  const kept = await page.evaluate(() => [localStorage.length, sessionStorage.length, document.cookie]);
  assert.deepEqual(kept, [0, 0, '']);
  assert.deepEqual(await violations(page), []);
});
