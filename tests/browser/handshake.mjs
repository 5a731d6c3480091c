/**
 * How long two pages take from the server's `paired` until they are secured, and what they load: with
 * Chromium's own ML-KEM and with the vendored one, on this machine, on a processor that is six times as
 * slow, and over a way that takes 200 ms there and back. Prints the median and the slowest of some chats;
 * do it on a machine that does nothing else.
 */

import { chromium } from 'playwright-core';

import { Node } from './page/program.mjs';
import { ready, seek } from './page/support.mjs';
import { Wire } from './page/wire.mjs';

const ROUNDS = Number(process.env.ROUNDS ?? 15);
/** From each page to the server: a quarter of the way to the other page and back. */
const QUARTER_MS = 50;

/** Notes in the page when it is paired, as which side, and when it is secured. */
function watch(own) {
  if (!own) for (const name of ['encapsulateBits', 'decapsulateBits', 'encapsulateKey', 'decapsulateKey']) delete SubtleCrypto.prototype[name];
  globalThis.noted = {};
  globalThis.WebSocket = class extends WebSocket {
    constructor(...given) {
      super(...given);
      this.addEventListener('message', ({ data }) => {
        const message = typeof data === 'string' ? JSON.parse(data) : {};
        if (message.type === 'paired') globalThis.noted = { side: message.side, paired: performance.now() };
      });
    }
  };
  new MutationObserver(() => {
    if (document.querySelector('textarea:enabled') !== null) globalThis.noted.secured ??= performance.now();
  }).observe(document, { subtree: true, childList: true, attributes: true, attributeFilter: ['disabled'] });
}

/** What a page has fetched, bytes as compressed. */
async function person(browser, url, { own, slow }, fetched) {
  const context = await browser.newContext();
  await context.addInitScript(watch, own);
  const page = await context.newPage();
  const devtools = await context.newCDPSession(page);
  await devtools.send('Network.enable');
  await devtools.send('Emulation.setCPUThrottlingRate', { rate: slow });
  devtools.on('Network.loadingFinished', ({ encodedDataLength }) => (fetched.bytes += encodedDataLength));
  await page.goto(url);
  await page.locator('.start').waitFor();
  return page;
}

const server = await new Node('serve', ['--find-rate', '0']).ready();
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: ['--no-sandbox', '--disable-gpu'] });
const wire = new Wire([server.port]);
await wire.listen();
try {
  for (const [name, own, slow, delay] of [
    ['own ML-KEM', true, 1, 0], ['vendored ML-KEM', false, 1, 0], ['own ML-KEM, six times slower', true, 6, 0],
    ['vendored ML-KEM, six times slower', false, 6, 0], ['own ML-KEM, 200 ms', true, 1, QUARTER_MS], ['vendored ML-KEM, 200 ms', false, 1, QUARTER_MS],
  ]) {
    const times = { a: [], b: [] };
    const fetched = [];
    wire.delay = delay;
    for (let round = 0; round < ROUNDS; round++) {
      const loads = [{ bytes: 0 }, { bytes: 0 }];
      const pages = await Promise.all(loads.map((load) => person(browser, wire.url, { own, slow }, load)));
      const topic = crypto.randomUUID();
      for (const page of pages) await seek(page, topic);
      await Promise.all(pages.map(ready));
      for (const page of pages) {
        const { side, paired, secured } = await page.evaluate(() => globalThis.noted);
        times[side].push(secured - paired);
      }
      fetched.push(...loads.map(({ bytes }) => bytes));
      await Promise.all(pages.map((page) => page.context().close()));
    }
    const shown = Object.entries(times).map(([side, all]) => `${side} ${told(all)}`);
    console.log(`${name}: ${shown.join(', ')}; ${Math.round(median(fetched) / 1024)} KiB loaded`);
  }
} finally {
  wire.close();
  await browser.close();
  await server.kill();
}

function median(all) {
  return all.toSorted((one, other) => one - other)[all.length >> 1];
}

function told(all) {
  return `${Math.round(median(all))} ms (at most ${Math.round(Math.max(...all))})`;
}
