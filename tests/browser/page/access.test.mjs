import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';

import { reads, ready, world, write } from './support.mjs';

const it = world();
afterEach(() => it.dismiss());

test('everything can be done with the keyboard alone', async () => {
  const [one, two] = [await it.visitor(), await it.visitor()];
  const topic = crypto.randomUUID();
  for (const page of [one, two]) {
    await tabTo(page, 'input[type=text]');
    await page.keyboard.type(topic);
    await page.keyboard.press('Enter');
  }
  await Promise.all([ready(one), ready(two)]);
  await one.keyboard.type('hello');
  await one.keyboard.press('Enter');
  await reads(two, 'hello');
  await tabTo(one, '.tool.shield');
  await one.keyboard.press('Enter');
  await one.locator('dialog[open]').waitFor();
  await one.keyboard.press('Escape');
  assert.ok(await one.locator('.tool.shield').evaluate((node) => node === document.activeElement), 'the focus is where it was');
  await tabTo(one, '.tool.leave');
  await one.keyboard.press('Enter');
  await one.locator('dialog[open]').waitFor();
  await tabTo(one, 'dialog .primary');
  await one.keyboard.press('Enter');
  await one.locator('.ended').waitFor();
  assert.equal(await one.evaluate(() => document.activeElement.tagName), 'H1', 'a new screen begins at its heading');
});

/** Presses Tab until something has the focus. */
async function tabTo(page, selector) {
  for (let step = 0; step < 40; step++) {
    await page.keyboard.press('Tab');
    if (await page.evaluate((wanted) => document.activeElement?.matches(wanted), selector)) return;
  }
  assert.fail(`${selector} is not reached by Tab`);
}

test('a screen reader hears what the other person says, once', async () => {
  const [a, b] = await it.strangers();
  await write(a, 'listen');
  await reads(b, 'listen');
  assert.equal(await b.locator('[role=status]').textContent(), 'They: listen');
  assert.equal(await b.locator('[role=log]').getAttribute('aria-live'), 'off');
  await b.locator('[role=log][aria-label="Messages"]').waitFor();
});

test('the page speaks the language of the browser, and changes without losing anything', async () => {
  const [a, b] = await it.strangers({ locale: 'ko-KR' });
  assert.equal(await a.locator('html').getAttribute('lang'), 'ko');
  assert.equal(await a.locator('h1').textContent(), '상대방');
  await write(b, 'stays');
  await reads(a, 'stays');
  await a.locator('textarea').fill('half a sentence');
  await a.locator('.languages').selectOption('English');
  await a.locator('html[lang=en]').waitFor();
  assert.equal(await a.locator('h1').textContent(), 'The other person');
  assert.equal(await a.locator('textarea').inputValue(), 'half a sentence');
  assert.equal(await a.locator('.languages').inputValue(), 'en');
});

test('nothing moves for those who do not want it', async () => {
  const page = await it.visitor({ reducedMotion: 'reduce' });
  await page.locator('form button[type=submit]').click();
  await page.locator('.waiting').waitFor();
  assert.equal(await page.evaluate(() => document.getAnimations().length), 0);
});
