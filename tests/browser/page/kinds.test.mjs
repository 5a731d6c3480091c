/** Replies, reactions, edits, deletions and timers, between two pages. */

import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';

import { delivered, eventually, reads, transcript, violations, world, write } from './support.mjs';

const it = world();
afterEach(() => it.dismiss());

/** The line of a message. */
const line = (page, text) => page.locator('.line', { has: page.locator('.text', { hasText: text }) });

/** Opens the menu of a message, and chooses. */
async function choose(page, text, name) {
  const said = line(page, text);
  await said.hover();
  await said.locator('.more').click();
  await page.locator('.menu').getByRole(/^React with/.test(name) ? 'menuitemradio' : 'menuitem', { name, exact: true }).click();
}

/** Two strangers, of whom the second has said something. */
async function talking(one = {}, two = {}) {
  const [a, b] = await it.strangers(one, two);
  await write(b, 'shall we meet?');
  await reads(a, 'shall we meet?');
  return [a, b];
}

async function setTimer(page, choice) {
  await page.locator('.tool.timer').click();
  await page.locator('dialog').getByLabel(choice, { exact: true }).check();
  await page.locator('dialog .primary').click();
}

test('a reply quotes what it answers, and leads back to it', async () => {
  const [a, b] = await talking();
  await choose(a, 'shall we meet?', 'Reply');
  await a.locator('.about-what', { hasText: 'shall we meet?' }).waitFor();
  assert.ok(await a.evaluate(() => document.activeElement.matches('textarea')), 'the answer can be written at once');
  await write(a, 'tomorrow');
  await reads(b, 'tomorrow');
  assert.equal(await a.locator('.about-what:visible').count(), 0, 'the next text is none');
  assert.equal(await line(b, 'tomorrow').locator('.quote').innerText(), 'In answer to:\nYou\nshall we meet?');
  assert.equal(await line(a, 'tomorrow').locator('.quote').innerText(), 'In answer to:\nThe other person\nshall we meet?');
  for (let count = 0; count < 15; count++) await write(a, `line ${count}`);
  await reads(b, 'line 14');
  await line(b, 'tomorrow').locator('.quote').click();
  await b.locator('.line.found', { hasText: 'shall we meet?' }).waitFor();
  assert.ok(await line(b, 'shall we meet?').locator('.more').evaluate((node) => node === document.activeElement));
  assert.deepEqual([a.faults, b.faults], [[], []]);
});

test('a reply can be dropped with a key before it is sent', async () => {
  const [a, b] = await talking();
  await choose(a, 'shall we meet?', 'Reply');
  await a.locator('textarea').press('Escape');
  await a.locator('.about-what').waitFor({ state: 'hidden' });
  await write(a, 'something else');
  await reads(b, 'something else');
  assert.equal(await b.locator('.quote').count(), 0);
});

test('reactions are shown on both sides, one for each, and can be taken back', async () => {
  const [a, b] = await talking();
  await choose(a, 'shall we meet?', 'React with 👍');
  await b.locator('.reaction', { hasText: '👍' }).waitFor();
  assert.equal(await b.locator('.reaction').innerText(), 'Their reaction:\n👍');
  assert.equal(await b.locator('[role=status]').textContent(), 'They reacted with 👍 to: shall we meet?');
  await choose(a, 'shall we meet?', 'React with 😮');
  await b.locator('.reaction', { hasText: '😮' }).waitFor();
  assert.equal(await b.locator('.reaction').count(), 1, 'the newest counts');
  await choose(b, 'shall we meet?', 'React with 🙏');
  await eventually(async () => (await a.locator('.reaction').count()) === 2);
  await a.getByRole('button', { name: 'Your reaction: 😮 Take it back' }).click();
  await eventually(async () => (await b.locator('.reaction').count()) === 1);
  await choose(b, 'shall we meet?', 'React with 🙏');
  await eventually(async () => (await a.locator('.reaction').count()) === 0);
});

test('another reaction is typed, and is not longer than the channel allows', async () => {
  const [a, b] = await talking();
  await choose(a, 'shall we meet?', 'Another reaction');
  const input = a.locator('dialog input');
  await input.fill('é'.repeat(33));
  await a.locator('dialog .primary').click();
  await a.getByText('That is too long for a reaction.').waitFor();
  await input.fill('\u202egladly\nyes');
  await a.locator('dialog .primary').click();
  await b.locator('.reaction').waitFor();
  assert.equal(await b.locator('.reaction-text').textContent(), '�gladly yes', 'it is cleaned as a text is');
});

test('an edit shows the new text, also in quotes, and keeps what was being written', async () => {
  const [a, b] = await talking();
  await choose(a, 'shall we meet?', 'Reply');
  await write(a, 'tomorrow');
  await reads(b, 'tomorrow');
  assert.equal(await line(a, 'shall we meet?').count(), 1);
  await b.locator('textarea').fill('half a thought');
  await choose(b, 'shall we meet?', 'Edit');
  assert.equal(await b.locator('textarea').inputValue(), 'shall we meet?');
  await write(b, 'shall we meet at noon?');
  await reads(a, 'shall we meet at noon?');
  assert.equal(await b.locator('textarea').inputValue(), 'half a thought');
  for (const page of [a, b]) {
    assert.equal(await line(page, 'noon').locator('.edited').innerText(), 'edited');
    assert.equal(await page.locator('.quote-text').first().textContent(), 'shall we meet at noon?');
  }
  assert.equal(await a.locator('[role=status]').textContent(), 'They changed a message: shall we meet at noon?');
  await line(a, 'noon').hover();
  await line(a, 'noon').locator('.more').click();
  assert.deepEqual(await a.locator('.menu-item').allInnerTexts(), ['Reply', 'Copy'], 'what others wrote is theirs');
});

test('a deletion leaves no text on either side, in no quote', async () => {
  const [a, b] = await talking();
  await choose(a, 'shall we meet?', 'Reply');
  await write(a, 'tomorrow');
  await choose(a, 'shall we meet?', 'React with 👍');
  await b.locator('.reaction').waitFor();
  await choose(b, 'shall we meet?', 'Delete for both');
  await b.getByText('Nothing can force it to').waitFor();
  assert.equal(await b.evaluate(() => document.activeElement.textContent), 'Cancel', 'Enter deletes nothing by mistake');
  await b.locator('dialog .danger').click();
  await a.locator('.stand-in').waitFor();
  for (const page of [a, b]) {
    assert.ok(!(await page.content()).includes('shall we meet'));
    assert.equal(await page.locator('.stand-in .text').textContent(), 'This message was deleted');
    assert.equal(await page.locator('.reaction').count(), 0);
    assert.equal(await page.locator('.quote').innerText(), 'In answer to:\nA message that is gone');
  }
  assert.deepEqual(await transcript(a), ['This message was deleted', '> tomorrow']);
});

test('with a timer, what is said from then on vanishes on both sides, with its quotes and reactions', async () => {
  const [a, b] = [await it.person(), await it.person()];
  for (const page of [a, b]) await page.clock.install();
  await meet(a, b);
  await write(a, 'this stays');
  await reads(b, 'this stays');
  await setTimer(a, '5 minutes');
  for (const page of [a, b]) await page.locator('.note-line', { hasText: 'New messages vanish after 5 minutes.' }).waitFor();
  assert.equal(await b.locator('.tool.timer').innerText(), 'After 5 min');
  await write(b, 'this vanishes');
  await reads(a, 'this vanishes');
  await choose(a, 'this vanishes', 'Reply');
  await write(a, 'an answer');
  await choose(a, 'this vanishes', 'React with 👍');
  await b.locator('.reaction').waitFor();
  await setTimer(b, 'Never');
  await a.locator('.note-line', { hasText: 'New messages no longer vanish.' }).waitFor();
  await write(b, 'this stays, too');
  await reads(a, 'this stays, too');
  await delivered(a);
  for (const page of [a, b]) {
    await page.clock.runFor('04:00');
    assert.equal(await line(page, 'this vanishes').count(), 1);
    await page.clock.runFor('01:30');
    await line(page, 'this vanishes').waitFor({ state: 'detached' });
    assert.ok(!/vanishes|an answer|👍/.test(await page.locator('body').innerHTML()), 'nor is it left for a screen reader');
  }
  assert.deepEqual(await transcript(b), ['this stays', '> this stays, too']);
});

/** Two persons look for each other. */
async function meet(...pages) {
  const topic = crypto.randomUUID();
  for (const page of pages) {
    await page.goto(it.url);
    await page.locator('input[type=text]').fill(topic);
    await page.locator('main select').first().selectOption('');
    await page.locator('form button[type=submit]').click();
  }
  for (const page of pages) await page.locator('textarea:enabled').waitFor();
}

test('all of it can be done with the keyboard alone', async () => {
  const [a, b] = await talking();
  await write(b, 'or not?');
  await reads(a, 'or not?');
  await a.locator('textarea').press('Shift+Tab');
  const focused = () => a.evaluate(() => document.activeElement.closest('.line')?.querySelector('.text').textContent ?? document.activeElement.textContent);
  assert.equal(await focused(), 'or not?', 'the newest is reached first');
  await a.keyboard.press('ArrowUp');
  assert.equal(await focused(), 'shall we meet?');
  await a.keyboard.press('Enter');
  await a.locator('.menu').waitFor();
  await a.keyboard.press('ArrowRight');
  await a.keyboard.press('Enter');
  await b.locator('.reaction', { hasText: '❤️' }).waitFor();
  assert.equal(await focused(), 'shall we meet?', 'the focus is where it was');
  await a.keyboard.press('Enter');
  await a.keyboard.press('ArrowDown');
  assert.equal(await focused(), 'Reply');
  await a.keyboard.press('Enter');
  await a.keyboard.type('yes');
  await a.keyboard.press('Enter');
  await reads(b, 'yes');
  await a.keyboard.press('Shift+Tab');
  await a.keyboard.press('Enter');
  await a.keyboard.press('End');
  assert.equal(await focused(), 'Delete for both');
  await a.keyboard.press('Escape');
  assert.equal(await focused(), 'yes');
  await a.keyboard.press('Enter');
  await a.keyboard.press('End');
  await a.keyboard.press('Enter');
  await a.locator('dialog').waitFor();
  await a.keyboard.press('Tab');
  await a.keyboard.press('Enter');
  await b.locator('.stand-in').waitFor();
});

test('a finger reaches the menu on a small phone, and axe finds nothing in light and dark', async () => {
  const phone = { width: 360, height: 640, hasTouch: true, isMobile: true, reducedMotion: 'reduce' };
  const [a, b] = await talking(phone, { reducedMotion: 'reduce' });
  const more = line(a, 'shall we meet?').locator('.more');
  assert.equal(await more.evaluate((node) => getComputedStyle(node).opacity), '1');
  await more.tap();
  const menu = await a.locator('.menu').boundingBox();
  assert.ok(menu.x >= 0 && menu.x + menu.width <= 360 && menu.y >= 0 && menu.y + menu.height <= 640, 'it fits');
  assert.deepEqual(await violations(a), []);
  await more.tap();
  await a.locator('.menu').waitFor({ state: 'detached' });
  await more.tap();
  await a.getByRole('menuitem', { name: 'Reply' }).tap();
  await a.locator('textarea').fill('tomorrow');
  await a.locator('.send').tap();
  await reads(b, 'tomorrow');
  await choose(b, 'tomorrow', 'React with 😂');
  await setTimer(b, '1 hour');
  await write(b, 'gone soon');
  await choose(b, 'gone soon', 'Edit');
  await write(b, 'gone in an hour');
  await write(b, 'a mistake');
  await choose(b, 'a mistake', 'Delete for both');
  await b.locator('dialog .danger').click();
  await a.locator('.stand-in').waitFor();
  for (const page of [a, b]) {
    for (const colorScheme of ['light', 'dark']) {
      await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
      assert.deepEqual(await violations(page), [], colorScheme);
    }
    assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth));
  }
  await b.locator('.tool.timer').click();
  assert.deepEqual(await violations(b), []);
});
