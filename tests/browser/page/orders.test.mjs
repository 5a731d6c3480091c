/** What the page shows of the operator's orders, which are given to a real server while people chat. */

import assert from 'node:assert/strict';
import { execFile, execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, test } from 'node:test';
import { promisify } from 'node:util';

import { BINARY } from './program.mjs';
import { eventually, reads, ready, seek, violations, world, write } from './support.mjs';

const dir = mkdtempSync(join(tmpdir(), 'orders-'));
execFileSync(BINARY, ['pki', dir, '--gateways', 'gateway-1']);
const it = world('--order-key', join(dir, 'gateway-1/orders.pub'));
after(() => rmSync(dir, { recursive: true }));
afterEach(async () => {
  await order('resume');
  await it.dismiss();
});

/** Gives an order as the operator does. */
function order(...words) {
  return promisify(execFile)(BINARY, ['order', ...words, '--key', join(dir, 'ops/orders.key'), '--ops', it.ops]);
}

/** Waits until the page says this of the service; '' is nothing. */
function says(page, text) {
  return eventually(async () => {
    const shown = (await page.locator('#service p').allTextContents()).join(' ');
    return text === '' ? shown === '' : shown.includes(text);
  });
}

test('a notice is shown as text on every screen, can be hidden, and is taken down', async () => {
  const [a, b] = await it.strangers({ width: 360, height: 640 });
  const visitor = await it.visitor();
  const text = '<b>Away</b> at 22:00';
  await order('notice', text);
  for (const page of [a, b]) await says(page, `From those who run this service: ${text}`);
  assert.equal(await a.locator('#service b').count(), 0);
  await write(a, 'we go on');
  await reads(b, 'we go on');
  assert.deepEqual(await violations(a), []);
  assert.ok(await a.evaluate(() => document.documentElement.scrollWidth <= innerWidth), 'nothing sticks out at 360 px');
  await a.locator('#service button').click();
  await says(a, '');
  // Whoever opens the page is told before there is a connection.
  await visitor.reload();
  await says(visitor, text);
  assert.deepEqual(await violations(visitor), []);
  await order('notice', '');
  await says(b, '');
  assert.deepEqual([...a.faults, ...b.faults], []);
});

test('in a pause whoever waits is told so, keeps waiting, and is matched afterwards', async () => {
  await order('pause');
  const topic = crypto.randomUUID();
  const pages = [await it.visitor({ locale: 'ko-KR' }), await it.visitor()];
  for (const page of pages) await seek(page, topic);
  await says(pages[0], '잠시 낯선 사람을 연결하지 않습니다');
  await says(pages[1], 'Strangers are not matched for a moment');
  await eventually(async () => pages.every((page) => page.told.some(({ type }) => type === 'waiting')));
  assert.ok(pages.every((page) => page.told.every(({ type }) => type !== 'paired')));
  await order('resume');
  await Promise.all(pages.map(ready));
  for (const page of pages) await says(page, '');
});

test('where no new chats are taken the page says why, and tries again by itself', async () => {
  const [a, b] = await it.strangers();
  await order('close', 'We are back at 8.');
  await says(a, 'We are back at 8.');
  await write(b, 'we go on');
  await reads(a, 'we go on');
  const late = await it.visitor();
  await seek(late, crypto.randomUUID());
  await says(late, 'No new chats are taken at the moment; those under way go on. We are back at 8.');
  await late.locator('.progress', { hasText: 'No new chats are taken at the moment. Trying again in' }).waitFor();
});
