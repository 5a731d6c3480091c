/** What a person is told while nobody has come yet, and before looking for anybody. */

import assert from 'node:assert/strict';
import { afterEach, describe, test } from 'node:test';

import { eventually, ready, violations, world } from './support.mjs';

/** Looks for somebody with this topic, role and language. */
async function look(page, topic, role, lang = '') {
  await page.locator('input[type=text]').fill(topic);
  await page.locator('main select').first().selectOption(lang);
  await page.locator('main select').last().selectOption(role);
  await page.locator('form button[type=submit]').click();
}

/** The words of the screen, and not those that are read out. */
const expecting = (page, words) => page.locator('.expected', { hasText: words });

describe('where the one who has waited longest is first', () => {
  const it = world('--fair-by', 'age');
  afterEach(() => it.dismiss());

  test('people are told how many are before them, and when one has gone', async () => {
    const topic = crypto.randomUUID();
    const [first, second, helper] = [await it.visitor(), await it.visitor(), await it.visitor()];
    await look(first, topic, 'seek');
    await expecting(first, 'Nobody who would like to listen is here right now.').waitFor();
    await look(second, topic, 'seek');
    await eventually(() => second.told.some(({ type, ahead }) => type === 'waiting' && ahead === 1));
    await look(helper, topic, 'offer');
    await Promise.all([first, helper].map(ready));
    await expecting(second, 'You are next.').waitFor();
    assert.equal(await expecting(second, 'Nobody who would like').count(), 0, 'somebody listens to the other one');
    assert.deepEqual(await violations(second), []);
  });

  test('where somebody is there, no search is offered in which a place would be lost', async () => {
    const topic = crypto.randomUUID();
    const [first, second, helper] = [await it.visitor(), await it.visitor(), await it.visitor()];
    await look(first, topic, 'seek');
    await look(helper, topic, 'offer');
    await Promise.all([first, helper].map(ready));
    await look(second, topic, 'seek');
    await expecting(second, 'You are next.').waitFor();
    // Who has come later, and has nobody, is offered others: the second has waited for as long.
    const alone = await it.visitor();
    await look(alone, crypto.randomUUID(), 'seek', 'ko');
    await alone.getByRole('button', { name: 'Without a topic' }).waitFor();
    await alone.getByRole('button', { name: 'Just talk' }).waitFor();
    assert.equal(await alone.getByText('Nobody else is waiting with this topic').isVisible(), true);
    assert.deepEqual(await alone.locator('.late button').allTextContents(), ['Without a topic', 'Just talk'], 'the server looks in all languages by now');
    assert.equal(await second.locator('.late').isVisible(), false);
    assert.equal(await expecting(second, 'You are next.').isVisible(), true);
  });

  test('what is told follows the language of the page', async () => {
    const page = await it.visitor({ locale: 'ko-KR' });
    await look(page, crypto.randomUUID(), 'seek');
    await expecting(page, '지금은 들어 주려는 사람이 없습니다.').waitFor();
  });
});

describe('where the operator shows who is there', () => {
  const it = world('--show-presence', '--topics', 'grief,debt');
  afterEach(() => it.dismiss());

  /** What the start screen says of a topic to somebody with this role. */
  async function said(page, topic, role) {
    await page.reload();
    await page.locator('.start').waitFor();
    await page.locator('main select').last().selectOption(role);
    return page.locator('.chip', { hasText: topic }).locator('.there:visible').allTextContents();
  }

  test('each topic says whether somebody is there whom one would meet', async () => {
    const [page, helper] = [await it.visitor(), await it.visitor()];
    await eventually(async () => (await said(page, 'grief', 'seek')).join() === 'nobody is here');
    await helper.locator('.chip', { hasText: 'grief' }).click();
    await helper.locator('main select').last().selectOption('offer');
    await helper.locator('form button[type=submit]').click();
    await helper.locator('.waiting').waitFor();
    await eventually(async () => (await said(page, 'grief', 'seek')).join() === 'somebody is here');
    assert.deepEqual(await said(page, 'debt', 'seek'), ['nobody is here']);
    assert.deepEqual(await said(page, 'grief', 'offer'), ['nobody is here'], 'a helper meets no helper');
    assert.deepEqual(await violations(page), []);
  });
});

describe('otherwise', () => {
  const it = world();
  afterEach(() => it.dismiss());

  test('nobody is told who is there', async () => {
    const page = await it.visitor();
    assert.equal(await page.locator('.there:visible').count(), 0);
  });
});
