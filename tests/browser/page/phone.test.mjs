/** What a phone is: a small window, a finger, and a keyboard that covers half of it. */

import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';

import { eventually, reads, ready, seek, transcript, world, write } from './support.mjs';

const it = world();
afterEach(() => it.dismiss());

const PHONE = { width: 390, height: 844, hasTouch: true, isMobile: true };
/** Two lines of a chat: less than this cannot be read. */
const READABLE = 72;

/** Height of what is seen of the messages. */
const seen = (page) => page.locator('.log').evaluate((log) => log.clientHeight);
const inside = (page, selector) => page.locator(selector).evaluate((node) => {
  const { top, bottom, left, right } = node.getBoundingClientRect();
  return top >= 0 && left >= 0 && right <= innerWidth && bottom <= innerHeight;
});

test('on a phone Enter starts a line, and the button sends', async () => {
  const [a, b] = await it.strangers(PHONE);
  const input = a.locator('textarea');
  assert.equal(await input.getAttribute('enterkeyhint'), 'enter');
  assert.equal(await b.locator('textarea').getAttribute('enterkeyhint'), 'send');
  await input.pressSequentially('one');
  await input.press('Enter');
  await input.pressSequentially('two');
  await a.getByRole('button', { name: 'Send' }).tap();
  await reads(b, 'two');
  assert.deepEqual(await transcript(b), ['one\ntwo']);
  await input.pressSequentially('with keys');
  await input.press('Control+Enter');
  await reads(b, 'with keys');
});

test('a phone on its side with its keyboard open still shows messages and the composer', async () => {
  const [a, b] = await it.strangers(PHONE);
  for (let line = 0; line < 12; line++) await write(b, `line ${line}`);
  await reads(a, 'line 11');
  for (const size of [{ width: 844, height: 390 }, { width: 844, height: 170 }, { width: 667, height: 160 }, { width: 320, height: 300 }, { width: 390, height: 420 }]) {
    await a.setViewportSize(size);
    await eventually(async () => (await seen(a)) >= READABLE);
    await eventually(async () => a.locator('.log').evaluate((log) => log.scrollHeight - log.scrollTop - log.clientHeight < 2));
    for (const part of ['.composer textarea', '.send', '.tool.shield', '.tool.report', '.tool.leave']) assert.ok(await inside(a, part), `${part} at ${size.width}x${size.height}`);
  }
});

test('every tool has a name that can be read, and privacy, language and the way out stay in reach', async () => {
  const [a] = await it.strangers(PHONE);
  for (const size of [{ width: 320, height: 568 }, { width: 390, height: 844 }, { width: 844, height: 390 }, { width: 640, height: 400 }]) {
    await a.setViewportSize(size);
    const names = await a.locator('.tool-name').evaluateAll((nodes) => nodes.map((node) => (node.getBoundingClientRect().width > 20 ? node.textContent : '')));
    assert.deepEqual(names, ['Safety code', 'Timer', 'Report', 'Next person', 'Leave'], `${size.width}x${size.height}`);
    await a.getByRole('button', { name: 'Privacy' }).click();
    await a.getByRole('heading', { name: 'What this protects' }).waitFor();
    await a.getByRole('button', { name: 'Close' }).click();
    for (const tag of ['ko', 'en']) {
      await a.locator('.languages').selectOption(tag);
      await a.locator(`html[lang=${tag}]`).waitFor();
    }
    for (const reached of [a.locator('.languages'), a.getByRole('button', { name: 'Leave quickly' })]) {
      const { x, y, width, height } = await reached.boundingBox();
      assert.ok(x >= 0 && y >= 0 && x + width <= size.width && y + height <= size.height, `${size.width}x${size.height}`);
      assert.ok(width >= 36 && height >= 36, 'a thumb hits it');
    }
  }
});

test('the chat stays above a keyboard that covers the window', async () => {
  const [a, b] = [await it.person(PHONE), await it.visitor()];
  // As iOS does it: the window keeps its size, and only the visual viewport tells.
  await a.addInitScript(() => {
    const covered = Object.assign(new EventTarget(), { height: innerHeight, width: innerWidth, offsetTop: 0, scale: 1 });
    Object.defineProperty(globalThis, 'visualViewport', { value: covered });
  });
  await a.goto(a.wire.url);
  const topic = crypto.randomUUID();
  for (const page of [a, b]) await seek(page, topic);
  await Promise.all([a, b].map(ready));
  const bottom = () => a.locator('.composer').evaluate((node) => node.getBoundingClientRect().bottom);
  assert.ok((await bottom()) > 780);
  const cover = (height, offsetTop, scale = 1) => a.evaluate(([height, offsetTop, scale]) => {
    Object.assign(visualViewport, { height, offsetTop, scale });
    visualViewport.dispatchEvent(new Event('resize'));
  }, [height, offsetTop, scale]);
  await cover(420, 30);
  await eventually(async () => (await bottom()) <= 450 && (await bottom()) > 400);
  // Somebody who zooms in by hand is left alone.
  await cover(210, 60, 2);
  assert.ok((await bottom()) <= 450 && (await bottom()) > 400);
  await cover(844, 0);
  await eventually(async () => (await bottom()) > 780);
});

test('at twice the size the way out of every dialog is in sight', async () => {
  const [a] = await it.strangers();
  // What 1280 by 720 points are at 200 %.
  await a.setViewportSize({ width: 640, height: 360 });
  for (const tool of ['shield', 'report', 'leave']) {
    await write(a, 'x');
    await a.locator(`.tool.${tool}`).click();
    for (const button of await a.locator('dialog .actions .button').all()) {
      const box = await button.boundingBox();
      assert.ok(box.y >= 0 && box.y + box.height <= 360, tool);
    }
    await a.locator('dialog').getByRole('button', { name: /^(Close|Cancel|Keep talking)$/ }).click();
    await a.locator('dialog').waitFor({ state: 'detached' });
  }
});
