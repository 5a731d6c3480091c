/** What a person in another tab notices. */

import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';

import { eventually, reads, ready, seek, world, write } from './support.mjs';

const it = world();
afterEach(() => it.dismiss());

/** Somebody looks at another tab, or comes back. */
function look(page, state) {
  return page.evaluate((visibility) => {
    Object.defineProperty(document, 'visibilityState', { configurable: true, get: () => visibility });
    document.dispatchEvent(new Event('visibilitychange'));
  }, state);
}

const shown = (page) => page.evaluate(() => [document.title, document.querySelector('link[rel=icon]').getAttribute('href')]);

test('title and icon show at once that somebody came, wrote and left', async () => {
  const [a, b] = [await it.visitor(), await it.visitor()];
  const topic = crypto.randomUUID();
  await seek(a, topic);
  await a.locator('.waiting').waitFor();
  await look(a, 'hidden');
  await seek(b, topic);
  await ready(b);
  await eventually(async () => (await a.title()) === '● Somebody is here');
  assert.deepEqual(await shown(a), ['● Somebody is here', 'icon-new.svg']);
  await look(a, 'visible');
  assert.deepEqual(await shown(a), ['cipher-chat', 'icon.svg']);
  await look(a, 'hidden');
  await write(b, 'the secret');
  await write(b, 'the second');
  await eventually(async () => (await a.title()) === '(2) New message');
  await look(a, 'visible');
  assert.deepEqual(await shown(a), ['cipher-chat', 'icon.svg']);
  await look(a, 'hidden');
  await b.locator('.tool.leave').click();
  await b.locator('dialog .button', { hasText: 'End chat' }).click();
  await eventually(async () => (await a.title()) === '● The chat has ended');
  assert.deepEqual(await shown(a), ['● The chat has ended', 'icon-new.svg']);
  const icon = await a.evaluate(async () => (await fetch('icon-new.svg')).status);
  assert.equal(icon, 200);
});

test('nothing is marked for whoever looks', async () => {
  const [a, b] = await it.strangers();
  await write(b, 'x');
  await reads(a, 'x');
  assert.deepEqual(await shown(a), ['cipher-chat', 'icon.svg']);
});

test('a sound and a notification come to those who ask, without content', async () => {
  const a = await it.person({ permissions: ['notifications'] });
  await a.addInitScript(() => {
    globalThis.notices = [];
    globalThis.tones = 0;
    globalThis.Notification = class {
      static requestPermission = async () => 'granted';
      constructor(...given) {
        globalThis.notices.push(JSON.stringify(given));
      }
      close() {}
    };
    const { start } = OscillatorNode.prototype;
    OscillatorNode.prototype.start = function (...given) {
      globalThis.tones += 1;
      return start.apply(this, given);
    };
  });
  await a.goto(it.url);
  const topic = crypto.randomUUID();
  const noticed = () => a.evaluate(() => [globalThis.tones, globalThis.notices.length]);
  await seek(a, topic);
  await a.getByRole('button', { name: 'Tell me when something happens' }).click();
  await a.getByLabel('A short sound').check();
  await eventually(async () => (await noticed())[0] === 2);
  await a.getByLabel('A notification, without any content').check();
  await a.keyboard.press('Escape');
  await look(a, 'hidden');
  const b = await it.visitor();
  await seek(b, topic);
  await ready(b);
  await eventually(async () => (await noticed()).join() === '4,1');
  await write(b, 'the secret');
  await eventually(async () => (await noticed()).join() === '6,2');
  for (const notice of await a.evaluate(() => globalThis.notices)) assert.match(notice, /^\["cipher-chat",\{"body":"There is something new in your tab."/);
  await look(a, 'visible');
  assert.equal(await a.locator('.chat').getByRole('button', { name: 'Tell me when something happens' }).count(), 1, 'in a chat, too');
  await write(b, 'seen at once');
  await reads(a, 'seen at once');
  assert.deepEqual(await noticed(), [6, 2]);
});

test('a browser that refuses notifications says so, and nobody is asked without a click', async () => {
  const a = await it.person();
  await a.addInitScript(() => {
    globalThis.asked = 0;
    globalThis.Notification = class {
      static requestPermission = async () => (globalThis.asked++, 'denied');
    };
  });
  await a.goto(it.url);
  await seek(a, crypto.randomUUID());
  await a.getByRole('button', { name: 'Tell me when something happens' }).click();
  assert.equal(await a.evaluate(() => globalThis.asked), 0);
  await a.getByLabel('A notification, without any content').click();
  await a.getByText('This browser does not allow notifications here.').waitFor();
  assert.equal(await a.getByLabel('A notification, without any content').isChecked(), false);
});
