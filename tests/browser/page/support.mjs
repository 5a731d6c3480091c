/**
 * A real server, a real Chromium, and a wire between them that a test can cut.
 *
 * `BASE_URL` names a server that runs already; otherwise `CIPHER_CHAT_BIN` (or `target/debug/cipher-chat`) is started.
 * `CHROMIUM` names another browser than `/usr/bin/chromium`.
 */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import net from 'node:net';
import { fileURLToPath } from 'node:url';
import { after, before } from 'node:test';

import { chromium } from 'playwright-core';

const AXE = readFileSync(fileURLToPath(import.meta.resolve('axe-core/axe.min.js')), 'utf8');
const BINARY = process.env.CIPHER_CHAT_BIN ?? fileURLToPath(new URL('../../../target/debug/cipher-chat', import.meta.url));
const QUIET = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'];
const START_MS = 20_000;

/** What is made before the tests of a file and cleared away after them. */
class World {
  #ends = [];
  #contexts = [];
  #upstream;
  #server;

  async start(options) {
    const upstream = process.env.BASE_URL === undefined ? await this.#startServer(options) : new URL(process.env.BASE_URL).port;
    this.#upstream = Number(upstream);
    this.wire = await this.#makeWire();
    this.url = this.wire.url;
    this.browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: QUIET });
    this.#ends.push(() => this.browser.close());
  }

  async stop() {
    for (const end of this.#ends.reverse()) await end();
  }

  async #makeWire() {
    const wire = new Wire(this.#upstream);
    await wire.listen();
    this.#ends.push(() => wire.close());
    return wire;
  }

  /** The wire of a person who asked for `another` one. */
  wireOf(page) {
    return page.wire;
  }

  /** Asks the server to stop, as an operator would. */
  stopServer() {
    this.#server.kill('SIGTERM');
  }

  async #startServer(options) {
    const [port, ops] = [await freePort(), await freePort()];
    // One address makes all sessions here: the limit per address would only stop the tests.
    const fixed = ['serve', '--listen', `127.0.0.1:${port}`, '--ops-listen', `127.0.0.1:${ops}`, '--session-rate', '0', '--connect-rate', '0'];
    const server = spawn(BINARY, [...fixed, ...options], { stdio: ['ignore', 'ignore', 'pipe'] });
    this.#server = server;
    let said = '';
    server.stderr.on('data', (data) => (said += data));
    this.#ends.push(() => (server.exitCode === null ? (server.kill('SIGKILL'), once(server, 'exit')) : undefined));
    await eventually(async () => {
      if (server.exitCode !== null) throw new Error(`the server ended with ${server.exitCode}: ${said}`);
      return (await fetch(`http://127.0.0.1:${ops}/readyz`).catch(() => null))?.ok;
    }, START_MS);
    return port;
  }

  /**
   * A person: a page in a browser profile of its own. `faults` collects what the page complains of; `wire: 'another'` gives it a wire
   * of its own.
   */
  async person({ locale = 'en-US', width = 1000, height = 800, wire, ...more } = {}) {
    const context = await this.browser.newContext({ locale, viewport: { width, height }, ...more });
    const page = await context.newPage();
    page.setDefaultTimeout(START_MS);
    page.wire = wire === 'another' ? await this.#makeWire() : this.wire;
    page.faults = [];
    page.requests = [];
    page.frames_sent = [];
    page.on('console', (message) => message.type() === 'error' && page.faults.push(message.text()));
    page.on('pageerror', (error) => page.faults.push(String(error)));
    page.on('request', (request) => page.requests.push(request.url()));
    page.on('websocket', (socket) => {
      page.requests.push(socket.url());
      socket.on('framesent', ({ payload }) => page.frames_sent.push(payload));
    });
    this.#contexts.push(context);
    return page;
  }

  /** A person on the start screen. */
  async visitor(options) {
    const page = await this.person(options);
    await page.goto(page.wire.url);
    await page.locator('.start').waitFor();
    return page;
  }

  /** Ends every person of a test. */
  async dismiss() {
    await Promise.all(this.#contexts.splice(0).map((context) => context.close()));
  }

  /** Two strangers in a chat. */
  async strangers(one = {}, two = {}) {
    const topic = crypto.randomUUID();
    const pages = [await this.visitor(one), await this.visitor(two)];
    for (const page of pages) {
      await page.locator('input[type=text]').fill(topic);
      // Two languages would wait ten seconds for each other.
      await page.locator('select').first().selectOption('');
      await page.locator('form button[type=submit]').click();
    }
    await Promise.all(pages.map(ready));
    return pages;
  }

  /** Host and guest of an invite. */
  async invited(one = {}, two = {}) {
    const host = await this.visitor(one);
    const link = await makeInvite(host);
    const guest = await this.person(two);
    await guest.goto(link);
    await guest.locator('.button.primary').click();
    await Promise.all([host, guest].map(ready));
    return [host, guest, link];
  }
}

/** A wire: passes bytes on, until it is told not to. */
class Wire {
  #sockets = new Set();
  #cut = false;

  constructor(upstream) {
    this.server = net.createServer((near) => {
      if (this.#cut) return near.destroy();
      const far = net.connect(upstream, '127.0.0.1');
      for (const [from, to] of [[near, far], [far, near]]) {
        this.#sockets.add(from);
        from.on('error', () => to.destroy());
        from.on('close', () => (this.#sockets.delete(from), to.destroy()));
        from.pipe(to);
      }
    });
  }

  async listen() {
    this.server.listen(0, '127.0.0.1');
    await once(this.server, 'listening');
    // `localhost` is a secure context, so that WebCrypto is there without TLS.
    this.url = `http://localhost:${this.server.address().port}/`;
  }

  /** Breaks every connection; new ones fail until `mend`. */
  cut() {
    this.#cut = true;
    for (const socket of this.#sockets) socket.destroy();
  }

  mend() {
    this.#cut = false;
  }

  close() {
    this.cut();
    this.server.close();
  }
}

/** Sets up a world for the tests of a file. */
export function world(...options) {
  const made = new World();
  before(() => made.start(options));
  after(() => made.stop());
  return made;
}

export async function makeInvite(page) {
  await page.locator('section', { has: page.locator('#invite') }).locator('button').click();
  await page.locator('.qr').waitFor();
  return page.locator('.link').inputValue();
}

/** Waits until a chat is secured. */
export function ready(page) {
  return page.locator('textarea:enabled').waitFor();
}

export async function write(page, text) {
  await page.locator('textarea').fill(text);
  await page.locator('textarea').press('Enter');
}

/** Waits until a page shows a text of the other side. */
export function reads(page, text) {
  return page.locator('.line:not(.mine) .text', { hasText: text }).waitFor();
}

/** The texts of a chat, in order, own ones marked. */
export function transcript(page) {
  return page.locator('.line .text').evaluateAll((nodes) => nodes.map((node) => (node.closest('.mine') ? '> ' : '') + node.textContent));
}

/** What axe-core finds wrong with a page as it stands. */
export async function violations(page) {
  await page.evaluate(AXE);
  const { violations } = await page.evaluate(() => globalThis.axe.run(document));
  return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' | ')}`);
}

/** Waits for a condition. */
export async function eventually(condition, patience = START_MS) {
  const until = Date.now() + patience;
  while (!(await condition())) {
    if (Date.now() > until) throw new Error(`never came true: ${condition}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

async function freePort() {
  const probe = net.createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address();
  probe.close();
  await once(probe, 'close');
  return port;
}
