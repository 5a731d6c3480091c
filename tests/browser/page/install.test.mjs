/** What a telephone needs to put the page on its start screen, and that nothing more is kept by it. */

import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';

import { world } from './support.mjs';

const INSETS = { top: 44, left: 34, right: 34, bottom: 21 };

const it = world();
afterEach(() => it.dismiss());

test('the browser takes the manifest as it is, and every icon has the size that it says', async () => {
  const page = await it.visitor();
  const session = await page.context().newCDPSession(page);
  const { url, errors, data } = await session.send('Page.getAppManifest');
  assert.equal(url, `${it.url}manifest.webmanifest`);
  assert.deepEqual(errors, []);
  const { icons, start_url: start, scope } = JSON.parse(data);
  assert.deepEqual([new URL(start, url).href, new URL(scope, url).href], [it.url, it.url]);
  const apple = await page.locator('link[rel=apple-touch-icon]').getAttribute('href');
  for (const { src, sizes } of [...icons, { src: apple, sizes: '180x180' }]) {
    const [width, height] = await page.evaluate(async (address) => {
      const picture = new Image();
      picture.src = address;
      await picture.decode();
      return [picture.naturalWidth, picture.naturalHeight];
    }, src);
    assert.ok(sizes === 'any' ? width > 0 && width === height : `${width}x${height}` === sizes, src);
  }
  assert.deepEqual(page.faults, []);
});

test('nothing works without the network: no worker and no cache', async () => {
  const page = await it.visitor();
  const kept = await page.evaluate(async () => [(await navigator.serviceWorker?.getRegistrations() ?? []).length, (await globalThis.caches?.keys() ?? []).length]);
  assert.deepEqual(kept, [0, 0]);
});

for (const [shape, width, height] of [['upright', 390, 844], ['on its side', 844, 390], ['with its keyboard open', 390, 300]]) {
  test(`nothing that is touched lies under a notch or a bar of the telephone, which is held ${shape}`, async () => {
    const [page] = await it.strangers({ width, height, reducedMotion: 'reduce' });
    const session = await page.context().newCDPSession(page);
    await session.send('Emulation.setSafeAreaInsetsOverride', { insets: INSETS });
    const touched = () => page.evaluate(({ top, left, right, bottom }) => [...document.querySelectorAll('button, textarea, select, a')].flatMap((node) => {
      const box = node.getBoundingClientRect();
      if (box.width === 0 || box.bottom <= 0 || box.top >= innerHeight) return [];
      const isFree = box.top >= top && box.left >= left && box.right <= innerWidth - right && box.bottom <= innerHeight - bottom;
      return isFree ? [] : [`${node.className}: ${JSON.stringify(box)}`];
    }), INSETS);
    assert.deepEqual(await touched(), []);
  });
}
