/** Devices whose clocks are wrong, or jump: they chat as any other. */

import assert from 'node:assert/strict';
import { afterEach, describe, test } from 'node:test';

import { delivered, reads, ready, seek, transcript, world, write } from './support.mjs';

const HOUR = 3_600_000;
const YEARS = 20 * 365 * 24 * HOUR;
const LOCAL = { skip: process.env.BASE_URL !== undefined && 'needs a server of its own' };

/** Gives a page a wall clock of its own, which `stepClock` moves. It runs inside the page. */
function wrongClock(offset) {
  const Real = Date;
  let off = offset;
  globalThis.Date = class extends Real {
    constructor(...given) {
      if (given.length > 0) super(...given);
      else super(Real.now() + off);
    }
    static now() {
      return Real.now() + off;
    }
  };
  globalThis.stepClock = (step) => (off += step);
}

const step = (page, by) => page.evaluate((ms) => globalThis.stepClock(ms), by);

/** A visitor whose clock is off. */
async function visitorOf(it, offset = 0) {
  const page = await it.person({ wire: 'another' });
  await page.addInitScript(wrongClock, offset);
  await page.goto(page.wire.url);
  await page.locator('.start').waitFor();
  return page;
}

/** Two in a chat, the first with a clock that is off. */
async function chattingAt(it, offset = 0) {
  const pages = await Promise.all([visitorOf(it, offset), visitorOf(it)]);
  const topic = crypto.randomUUID();
  for (const page of pages) await seek(page, topic);
  await Promise.all(pages.map(ready));
  return pages;
}

describe('a device with a wrong clock', LOCAL, () => {
  // Tokens so short that a clock that is 45 seconds off would be wrong about every one; a grace that
  // is longer than a busy machine needs from a cut to its mending.
  const it = world('--token-life', '40s', '--grace', '19s');
  afterEach(() => it.dismiss());
  const visitor = (offset = 0) => visitorOf(it, offset);
  const chatting = (offset = 0) => chattingAt(it, offset);

  async function talks(a, b) {
    await write(a, 'can you hear me?');
    await reads(b, 'can you hear me?');
    await write(b, 'as anybody');
    await reads(a, 'as anybody');
    await delivered(a);
  }

  for (const [name, offset] of [['years ahead', YEARS], ['years behind', -YEARS], ['45 seconds ahead', 45_000], ['11 minutes ahead', 660_000], ['11 minutes behind', -660_000]]) {
    test(`${name} chats, loses its connection and comes back`, async () => {
      const [a, b] = await chatting(offset);
      await talks(a, b);
      a.wire.cut();
      await a.locator('.banner:visible').waitFor();
      await write(a, 'kept meanwhile');
      a.wire.mend();
      await reads(b, 'kept meanwhile');
    });
  }

  for (const [direction, by] of [['forward', HOUR], ['back', -HOUR]]) {
    test(`jumps an hour ${direction} while connected`, async () => {
      const [a, b] = await chatting();
      await step(a, by);
      await talks(a, b);
      a.wire.cut();
      await a.locator('.banner:visible').waitFor();
      a.wire.mend();
      await a.locator('.banner').waitFor({ state: 'hidden' });
      await write(a, 'still here');
      await reads(b, 'still here');
    });

    test(`jumps an hour ${direction} while it backs off`, async () => {
      const [a, b] = await chatting();
      a.wire.cut();
      await a.locator('.banner:visible').waitFor();
      await write(a, 'in the dark');
      await step(a, by);
      a.wire.mend();
      await reads(b, 'in the dark');
      assert.deepEqual(await transcript(b), ['in the dark']);
    });

    test(`jumps an hour ${direction} while it waits`, async () => {
      const topic = crypto.randomUUID();
      const [a, b] = await Promise.all([visitor(), visitor()]);
      await seek(a, topic);
      await a.locator('.progress', { hasText: 'as soon as there is a match' }).waitFor();
      await step(a, by);
      a.wire.cut();
      await a.locator('.progress', { hasText: 'Trying again' }).waitFor();
      a.wire.mend();
      await a.locator('.progress', { hasText: 'as soon as there is a match' }).waitFor();
      await seek(b, topic);
      await Promise.all([a, b].map(ready));
      await talks(a, b);
    });

    test(`jumps an hour ${direction} while it is asleep`, async () => {
      const [a, b] = await chatting();
      const device = await a.context().newCDPSession(a);
      await step(a, by);
      await device.send('Page.setWebLifecycleState', { state: 'frozen' });
      a.wire.cut();
      await b.getByText('Away, may come back').waitFor();
      await write(b, 'sleep well');
      a.wire.mend();
      await device.send('Page.setWebLifecycleState', { state: 'active' });
      await reads(a, 'sleep well');
      await talks(a, b);
    });

    test(`jumps an hour ${direction} between two chats`, async () => {
      const [a, b] = await Promise.all([visitor(), visitor()]);
      await step(a, by);
      const topic = crypto.randomUUID();
      for (const page of [a, b]) await seek(page, topic);
      await Promise.all([a, b].map(ready));
      await talks(a, b);
    });
  }
});

describe('a device that sleeps too long', LOCAL, () => {
  const it = world('--grace', '3s');
  afterEach(() => it.dismiss());

  test('is shown the end, and somebody else can be met', async () => {
    const [a, b] = await chattingAt(it);
    const device = await a.context().newCDPSession(a);
    await device.send('Page.setWebLifecycleState', { state: 'frozen' });
    a.wire.cut();
    await b.getByRole('heading', { name: 'The other person did not come back in time.' }).waitFor();
    a.wire.mend();
    await device.send('Page.setWebLifecycleState', { state: 'active' });
    await a.locator('.over').waitFor();
    await a.getByRole('button', { name: 'Meet someone else' }).click();
    await a.locator('.progress', { hasText: 'as soon as there is a match' }).waitFor();
  });
});
