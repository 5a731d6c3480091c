/**
 * Real servers, a real Chromium, and between them wires that a test can cut.
 *
 * `BASE_URL` names a server that runs already; otherwise `SERVER_BINARY` (or
 * `target/debug/cipher-chat`) is started. Other programs can be named by `ECHO_BINARY`
 * (`target/debug/examples/echo`), `NATS_SERVER` and `CHROMIUM` (`/usr/bin/chromium`).
 */

import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { after, before, beforeEach } from 'node:test';

import { chromium } from 'playwright-core';

import { Cluster } from './cluster.mjs';
import { Node, PATIENCE_MS, eventually } from './program.mjs';
import { Wire } from './wire.mjs';

export { eventually };

const AXE = readFileSync(fileURLToPath(import.meta.resolve('axe-core/axe.min.js')), 'utf8');
const QUIET = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'];

/**
 * How long a test may take, with its cleaning up: some minutes more than the longest ever took. Not
 * everything that is asked of a browser has a limit of its own: one that leaves a page while it is
 * closed was seen to answer never.
 */
const TEST_LIMIT_MS = 5 * 60_000;

/** What is made before the tests of a file and cleared away after them. */
class World {
  #ends = [];
  #contexts = [];
  #upstreams = () => /** @type {number[]} */ ([]);
  #server;

  /** One server that does everything. */
  async serve(options) {
    if (process.env.BASE_URL !== undefined) return this.#open(() => [Number(new URL(process.env.BASE_URL).port)]);
    const server = new Node('serve', options);
    this.#ends.push(() => server.kill());
    this.#server = await server.ready();
    return this.#open(() => [server.port]);
  }

  /** Two gateways and what belongs to them. */
  async cluster(how) {
    this.nodes = new Cluster();
    this.#ends.push(() => this.nodes.stop());
    await this.nodes.start(how);
    return this.#open(() => this.nodes.gateways.map(({ port }) => port));
  }

  async stop() {
    for (const end of this.#ends.reverse()) await end();
  }

  async #open(upstreams) {
    this.#upstreams = upstreams;
    this.wire = await this.makeWire();
    this.url = this.wire.url;
    this.browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: QUIET });
    this.#ends.push(() => this.browser.close());
  }

  /** A wire to these gateways, or to whatever there is. */
  async makeWire(...gateways) {
    const wire = new Wire(gateways.length > 0 ? gateways.map(({ port }) => port) : this.#upstreams());
    await wire.listen();
    this.#ends.push(() => wire.close());
    return wire;
  }

  /** Where the operator of the server asks. */
  get ops() {
    return this.#server.ops;
  }

  /** Asks the server to stop, as an operator would. */
  stopServer() {
    this.#server.signal('SIGTERM');
  }

  /**
   * A person: a page in a browser profile of its own. `faults` collects what the page complains of;
   * `wire: 'another'` or `through: […gateways]` gives it a wire of its own.
   */
  async person({ locale = 'en-US', width = 1000, height = 800, wire, through = [], ...more } = {}) {
    const context = await this.browser.newContext({ locale, viewport: { width, height }, ...more });
    const page = await context.newPage();
    page.setDefaultTimeout(PATIENCE_MS);
    page.wire = wire === 'another' || through.length > 0 ? await this.makeWire(...through) : this.wire;
    page.faults = [];
    page.requests = [];
    page.frames_sent = [];
    /** The control messages that the server sent. */
    page.told = [];
    page.on('console', (message) => message.type() === 'error' && page.faults.push(message.text()));
    page.on('pageerror', (error) => page.faults.push(String(error)));
    page.on('request', (request) => page.requests.push(request.url()));
    page.on('websocket', (socket) => {
      page.requests.push(socket.url());
      socket.on('framesent', ({ payload }) => page.frames_sent.push(payload));
      socket.on('framereceived', ({ payload }) => typeof payload === 'string' && page.told.push(JSON.parse(payload)));
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
    const pages = await Promise.all([this.visitor(one), this.visitor(two)]);
    for (const page of pages) await seek(page, topic);
    await Promise.all(pages.map(ready));
    return pages;
  }

  /** Host and guest of an invite. */
  async invited(one = {}, two = {}) {
    const host = await this.visitor(one);
    const link = await makeInvite(host);
    const guest = await this.person(two);
    await guest.goto(guest.wire.url + new URL(link).hash);
    await guest.locator('.button.primary').click();
    await Promise.all([host, guest].map(ready));
    return [host, guest, link];
  }
}

/** Looks for somebody with the same topic. */
export async function seek(page, topic) {
  await page.locator('input[type=text]').fill(topic);
  // Two languages would wait ten seconds for each other.
  await page.locator('main select').first().selectOption('');
  await page.locator('form button[type=submit]').click();
}

/** Takes ML-KEM out of the WebCrypto of a page that is opened after this. */
export async function withoutKem(page) {
  await page.addInitScript(() => {
    for (const name of ['encapsulateBits', 'decapsulateBits', 'encapsulateKey', 'decapsulateKey']) delete SubtleCrypto.prototype[name];
  });
  return page;
}

/** Sets up a world for the tests of a file. */
export function world(...options) {
  return made((world) => world.serve(options));
}

/**
 * The same with two gateways; `then` is done before the first test.
 * @param {{options?: string[], log?: string}} [how]
 */
export function clusterWorld(how, then = async () => {}) {
  return made((world) => world.cluster(how).then(then));
}

function made(start) {
  const world = new World();
  /** @type {NodeJS.Timeout} */
  let limit;
  before(() => start(world));
  beforeEach(() => {
    clearTimeout(limit);
    // Without its browser, whatever a test waits for fails.
    limit = setTimeout(() => world.browser?.close(), TEST_LIMIT_MS);
  });
  after(() => {
    clearTimeout(limit);
    return world.stop();
  });
  return world;
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

/** The safety code as the page shows it: seven pictures with their names, and three numbers. */
export async function safetyOf(page) {
  await page.locator('.tool.shield').click();
  const [pictures, names] = await Promise.all(['.sign-picture', '.sign-name'].map((part) => page.locator(part).allTextContents()));
  const numbers = await page.locator('dialog output').textContent();
  await page.keyboard.press('Escape');
  return { signs: pictures.map((picture, at) => `${picture} ${names[at]}`), numbers };
}

/** Waits until everything that a page has sent was confirmed. */
export function delivered(page) {
  return eventually(async () => {
    const marks = await page.locator('.mark').evaluateAll((nodes) => nodes.map(({ dataset }) => dataset.mark));
    return marks.length > 0 && marks.every((mark) => mark === 'delivered');
  });
}
