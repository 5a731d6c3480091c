/**
 * A browser other than Chromium, driven over WebDriver.
 *
 * `FIREFOX` (`/usr/bin/firefox-esr`), `GECKODRIVER`, `WEBKIT_DRIVER` (`/usr/bin/WebKitWebDriver`) and
 * `WEBKIT_BROWSER` (WebKitGTK's MiniBrowser) name programs that are elsewhere.
 */

import { existsSync } from 'node:fs';
import { createServer } from 'node:net';

import { Builder, By, Capabilities, Key } from 'selenium-webdriver';
import firefox from 'selenium-webdriver/firefox.js';

import { PATIENCE_MS, Program, eventually } from '../page/program.mjs';

/** Where Debian puts it. */
const BROWSERS = ['x86_64', 'aarch64'].map((machine) => `/usr/lib/${machine}-linux-gnu/webkit2gtk-4.1/MiniBrowser`);

export class Browser {
  #driver;
  #programs;

  /** Firefox, without a window. */
  static async firefox() {
    const options = new firefox.Options().setBinary(process.env.FIREFOX ?? '/usr/bin/firefox-esr').addArguments('-headless');
    options.setPreference('intl.accept_languages', 'en-US');
    const service = new firefox.ServiceBuilder(process.env.GECKODRIVER);
    const driver = await new Builder().disableEnvironmentOverrides().forBrowser('firefox').setFirefoxOptions(options).setFirefoxService(service).build();
    return new Browser(driver, []);
  }

  /** WebKitGTK, on a display that nobody sees. */
  static async webkit() {
    const display = new Program('Xvfb', ['-displayfd', '1', '-screen', '0', '1280x900x24', '-nolisten', 'tcp']);
    const [, number] = await display.says(/(\d+)\n/, 'out');
    const port = await freePort();
    const variables = { DISPLAY: `:${number}`, LANG: 'C.UTF-8', LANGUAGE: 'en' };
    const service = new Program(process.env.WEBKIT_DRIVER ?? '/usr/bin/WebKitWebDriver', [`--port=${port}`], variables);
    const server = `http://127.0.0.1:${port}`;
    await eventually(async () => (await fetch(`${server}/status`).catch(() => null))?.ok);
    const capabilities = new Capabilities().setBrowserName('MiniBrowser');
    const binary = process.env.WEBKIT_BROWSER ?? BROWSERS.find((path) => existsSync(path));
    capabilities.set('webkitgtk:browserOptions', { binary, args: ['--automation'] });
    const driver = await new Builder().disableEnvironmentOverrides().usingServer(server).withCapabilities(capabilities).build();
    return new Browser(driver, [service, display]);
  }

  constructor(driver, programs) {
    this.#driver = driver;
    this.#programs = programs;
  }

  async close() {
    await this.#driver.quit().catch(() => {});
    for (const program of this.#programs) await program.kill();
  }

  /** Opens an address as a new page, even if only what follows the `#` is another. */
  async open(url) {
    await this.#driver.get('about:blank');
    await this.#driver.get(url);
  }

  /** Waits for an element that is shown and, if it matters, says something. */
  async see(selector, text = '') {
    let found;
    await eventually(async () => {
      for (const element of await this.#driver.findElements(By.css(selector))) {
        const fits = await element.isDisplayed().catch(() => false) && (await this.textOf(element)).includes(text);
        if (fits) return (found = element);
      }
      return false;
    }, PATIENCE_MS).catch((fault) => {
      throw new Error(`${selector} never shows "${text}"`, { cause: fault });
    });
    return found;
  }

  async click(selector, text) {
    await (await this.see(selector, text)).click();
  }

  async write(text) {
    await eventually(async () => (await this.see('textarea')).isEnabled());
    await (await this.see('textarea')).sendKeys(text, Key.ENTER);
  }

  async press(...keys) {
    await this.#driver.actions().sendKeys(...keys).perform();
  }

  /** What a script of the test finds out in the page. */
  run(script, ...parameters) {
    return this.#driver.executeScript(script, ...parameters);
  }

  textOf(element) {
    return this.run('return arguments[0].textContent', element).catch(() => '');
  }

  textsOf(selector) {
    return this.run('return [...document.querySelectorAll(arguments[0])].map((node) => node.textContent)', selector);
  }
}

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}
