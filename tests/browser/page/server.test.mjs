import assert from 'node:assert/strict';
import { afterEach, describe, test } from 'node:test';

import { reads, ready, seek, transcript, world, write } from './support.mjs';

const LOCAL = { skip: process.env.BASE_URL !== undefined && 'needs a server of its own' };

describe('an operator who offers topics and no invites', LOCAL, () => {
  const it = world('--topics', 'Music,고민 상담', '--matching', 'random');
  afterEach(() => it.dismiss());

  test('has them shown to choose from, and people meet by them', async () => {
    const pages = [await it.visitor(), await it.visitor()];
    assert.equal(await pages[0].locator('#invite').count(), 0);
    assert.deepEqual(await pages[0].locator('.chip').allTextContents(), ['Anything', 'Music', '고민 상담']);
    for (const page of pages) {
      await page.getByRole('radio', { name: '고민 상담' }).check();
      await page.getByRole('button', { name: 'Find someone' }).click();
    }
    await Promise.all(pages.map(ready));
  });

  test('refuses an invite that somebody brings all the same, and the page says why', async () => {
    const guest = await it.person();
    await guest.goto(`${it.url}#AAECAwQFBgcICQoLDA0ODw`);
    await guest.getByRole('button', { name: 'Join the chat' }).click();
    await guest.getByText('This server does not offer this way to meet.').waitFor();
  });
});

describe('a connection that is lost', LOCAL, () => {
  // Longer than a busy machine needs from a cut to its mending.
  const it = world('--grace', '59s');
  afterEach(() => it.dismiss());

  test('shows the other side that somebody is away, and that they are back', async () => {
    const [a, b] = await it.strangers({}, { wire: 'another' });
    await write(a, 'before');
    await reads(b, 'before');
    b.wire.cut();
    await a.getByText('Away, may come back').waitFor();
    await a.locator('.kept', { hasText: /They have 0:[2345]\d to come back/ }).waitFor();
    await b.locator('.kept', { hasText: /You have 0:[2345]\d to come back/ }).waitFor();
    await write(a, 'while you were away');
    await a.locator('.mark[data-mark=sending]').waitFor();
    b.wire.mend();
    await reads(b, 'while you were away');
    await a.locator('.banner').waitFor({ state: 'hidden' });
    assert.deepEqual(await transcript(b), ['before', 'while you were away']);
  });

  test('is taken up again when the browser finds its network', async () => {
    const [a, b] = await it.strangers({}, { wire: 'another' });
    await b.context().setOffline(true);
    b.wire.cut();
    await b.locator('.banner', { hasText: 'You are offline' }).waitFor();
    await write(b, 'from the tunnel');
    await b.locator('.mark[data-mark=sending]').waitFor();
    b.wire.mend();
    await b.context().setOffline(false);
    await reads(a, 'from the tunnel');
    await b.locator('.mark[data-mark=delivered]').waitFor();
    assert.deepEqual(await transcript(a), ['from the tunnel']);
  });

  test('is told apart from a device without a network', async () => {
    const [, b] = await it.strangers({}, { wire: 'another' });
    b.wire.cut();
    await b.locator('.banner', { hasText: 'The connection to the server is lost.' }).waitFor();
    b.wire.mend();
    await b.locator('.banner').waitFor({ state: 'hidden' });
  });

  test('is replaced by another when it is silent, and nothing is lost', async () => {
    const [a, b] = await it.strangers({}, { wire: 'another' });
    b.wire.silence();
    await write(b, 'into the silence');
    await reads(a, 'into the silence');
    await write(a, 'heard');
    await reads(b, 'heard');
    assert.deepEqual(await transcript(a), ['into the silence', '> heard']);
    assert.equal(b.told.filter(({ type }) => type === 'resumed').length, 1);
  });

  test('is kept when it speaks again', async () => {
    const [a, b] = await it.strangers({}, { wire: 'another' });
    b.wire.freeze();
    await write(b, 'slowly');
    await b.locator('.banner', { hasText: 'The server does not answer.' }).waitFor();
    b.wire.thaw();
    await reads(a, 'slowly');
    await b.locator('.banner').waitFor({ state: 'hidden' });
    await b.locator('.mark[data-mark=delivered]').waitFor();
    assert.deepEqual(await transcript(a), ['slowly']);
  });
});

describe('a connection that stays lost', LOCAL, () => {
  const it = world('--grace', '3s');
  afterEach(() => it.dismiss());

  test('ends the chat, and says what was not delivered', async () => {
    const [a, b] = await it.strangers({}, { wire: 'another' });
    b.wire.cut();
    await a.getByText('Away, may come back').waitFor();
    await write(a, 'too late');
    await a.getByRole('heading', { name: 'The other person did not come back in time.' }).waitFor();
    await a.locator('.mark[data-mark=lost]').waitFor();
    await a.getByRole('button', { name: 'Clear everything' }).click();
    await a.getByText('One message was not confirmed as delivered.').waitFor();
    b.wire.mend();
    await b.getByRole('heading', { name: 'The chat ended while you were not connected.' }).waitFor();
  });
});

describe('a server that stops', LOCAL, () => {
  const it = world();
  afterEach(() => it.dismiss());

  test('ends the chat with a word, and what was said can still be read', async () => {
    const [a, b] = await it.strangers();
    await write(a, 'remember this');
    await reads(b, 'remember this');
    it.stopServer();
    for (const page of [a, b]) await page.getByRole('heading', { name: 'The server is shutting down.' }).waitFor();
    assert.deepEqual(await transcript(b), ['remember this']);
  });
});

describe('a server that is frozen', LOCAL, () => {
  const it = world();
  afterEach(() => it.dismiss());

  test('is shown as such to whoever comes, and found again', async () => {
    const page = await it.visitor({ wire: 'another' });
    page.wire.freeze();
    await seek(page, crypto.randomUUID());
    await page.locator('.progress', { hasText: 'The server does not answer.' }).waitFor();
    page.wire.thaw();
    await page.locator('.progress', { hasText: 'as soon as there is a match' }).waitFor();
  });

  test('is shown as such to whoever waits', async () => {
    const page = await it.visitor({ wire: 'another' });
    await seek(page, crypto.randomUUID());
    await page.locator('.progress', { hasText: 'as soon as there is a match' }).waitFor();
    page.wire.freeze();
    // The page is looked at again.
    await page.evaluate(() => dispatchEvent(new Event('online')));
    await page.locator('.progress', { hasText: 'The server does not answer.' }).waitFor();
    page.wire.thaw();
    await page.locator('.progress', { hasText: 'as soon as there is a match' }).waitFor();
  });
});

describe('a page that does not come whole', LOCAL, () => {
  const it = world();
  afterEach(() => it.dismiss());

  test('says how to try again, and begins when the network is back', async () => {
    const page = await it.person();
    await page.route('**/goal.js', (route) => route.abort('connectionreset'));
    await page.goto(it.url);
    await page.getByRole('link', { name: 'try again' }).waitFor();
    await page.unroute('**/goal.js');
    await page.getByRole('link', { name: 'try again' }).click();
    await page.locator('.start').waitFor();
    assert.equal(await page.locator('.loading').count(), 0);
  });
});
