/**
 * What people do most, in a browser other than Chromium. The other person uses Chromium.
 */

import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { after, afterEach, before, describe, test } from 'node:test';

import { eventually, makeInvite, reads, ready, safetyOf, seek, transcript, world, write } from '../page/support.mjs';

const TRANSCRIPT = `return [...document.querySelectorAll('.line .text')].map((node) => (node.closest('.mine') ? '> ' : '') + node.textContent)`;
/** A chat's own, which come while somebody is looked for. */
const OF_A_CHAT = ['active-chat.js', 'channel.js', 'conversation.js', 'exchange.js', 'helping.js', 'transcript.js'];
const MODULES = readdirSync(new URL('../../../web/', import.meta.url)).filter((file) => file.endsWith('.js') && !OF_A_CHAT.includes(file));
/** Loaded only where the browser has no ML-KEM of its own. */
const VENDORED = 'vendor/noble-ml-kem.js';

/**
 * @param {string} name
 * @param {() => Promise<import('./driver.mjs').Browser>} start
 */
export function stories(name, start) {
  describe(`the page in ${name}`, () => {
    const it = world();
    let here;
    before(async () => (here = await start()));
    after(() => here?.close());
    afterEach(async () => {
      // A chat asks before its page is left.
      await here.run('document.querySelector(".tool.leave")?.click(); document.querySelector("dialog .primary")?.click()');
      await it.dismiss();
    });

    /** Two strangers in a chat: one here, one in Chromium. */
    async function strangers() {
      const topic = crypto.randomUUID();
      const other = await it.visitor();
      await here.open(it.url);
      await (await here.see('input[type=text]')).sendKeys(topic);
      await here.run('document.querySelector("main select").value = ""');
      await here.click('form button[type=submit]');
      await seek(other, topic);
      await ready(other);
      return other;
    }

    test('strangers talk, see what was delivered, and compare the same safety code', async () => {
      const other = await strangers();
      await here.write('hello from here');
      await reads(other, 'hello from here');
      await here.see('.mark[data-mark=delivered]');
      await write(other, 'hello yourself\nsecond line');
      await here.see('.line:not(.mine) .text', 'second line');
      await other.locator('textarea').pressSequentially('…');
      await here.see('.chat.typing');
      assert.deepEqual(await here.run(TRANSCRIPT), ['> hello from here', 'hello yourself\nsecond line']);
      await here.click('.tool.shield');
      await here.see('dialog output');
      assert.deepEqual(await here.textsOf('dialog output'), [(await safetyOf(other)).numbers]);
      await here.click('dialog .button.primary');
    });

    test('every module comes once, with the digest that the page names, and nothing else is fetched', async () => {
      await here.open(it.url);
      await here.see('.start');
      const own = await here.run('return typeof crypto.subtle.encapsulateBits === "function"');
      const expected = own ? MODULES : [...MODULES, VENDORED];
      const fetched = async () => await here.run('return performance.getEntriesByType("resource").map(({ name }) => name)');
      const paths = (urls) => urls.map((url) => new URL(url).pathname.slice(1)).filter((path) => path.endsWith('.js'));
      await eventually(async () => paths(await fetched()).length >= expected.length);
      const urls = await fetched();
      assert.deepEqual(paths(urls).sort(), expected.sort());
      assert.ok(urls.every((url) => new URL(url).host === new URL(it.url).host));
      const kept = await here.run('return [localStorage.length, sessionStorage.length, document.cookie]');
      assert.deepEqual(kept, [0, 0, '']);
    });

    test('an invite that was made here is opened elsewhere', async () => {
      await here.open(it.url);
      await here.see('.start');
      await here.run('document.querySelector("section:has(#invite) button").click()');
      await here.see('.qr');
      const link = await here.run('return document.querySelector(".link").value');
      const guest = await it.person();
      await guest.goto(guest.wire.url + new URL(link).hash);
      await guest.locator('.button.primary').click();
      await ready(guest);
      await here.write('welcome');
      await reads(guest, 'welcome');
    });

    test('an invite from elsewhere is opened here, and leaves the address bar', async () => {
      const host = await it.visitor();
      const link = await makeInvite(host);
      await here.open(link);
      await here.see('h1', 'You are invited');
      assert.equal(await here.run('return location.hash'), '');
      await here.click('.button.primary');
      await ready(host);
      await here.write('thank you');
      await reads(host, 'thank you');
    });

    test('what was written without a connection arrives when it is back', async () => {
      const other = await strangers();
      await here.write('before');
      await reads(other, 'before');
      it.wire.cut();
      await here.see('.banner');
      await here.write('during');
      it.wire.mend();
      await reads(other, 'during');
      await write(other, 'after');
      await here.see('.line:not(.mine) .text', 'after');
      assert.deepEqual(await transcript(other), ['before', 'during', '> after']);
    });

    test('a text that would leave its place stays in it', async () => {
      const other = await strangers();
      await write(other, `\u202edesrever\u202c ${'o' + '\u0321\u034e\u0489'.repeat(100)} end`);
      const text = await here.see('.line:not(.mine) .text', 'end');
      const shown = await here.textOf(text);
      assert.ok(shown.startsWith('\ufffddesrever\ufffd o'));
      assert.ok([...shown].length < 40, 'most of the marks are left out');
      assert.deepEqual(await here.run('const { overflowX, overflowY, unicodeBidi } = getComputedStyle(arguments[0]); return [overflowX, overflowY, unicodeBidi]', text), ['clip', 'clip', 'isolate']);
    });

    test('a link asks before it opens', async () => {
      const other = await strangers();
      await write(other, 'see https://example.org/path.');
      await here.click('.address', 'https://example.org/path');
      await here.see('dialog .whole', 'https://example.org/path');
      assert.equal(await here.run('return document.querySelector("dialog a").rel'), 'noopener noreferrer nofollow');
      await here.click('dialog .quiet');
    });

    test('leaving says goodbye and forgets', async () => {
      const other = await strangers();
      await here.write('one last thing');
      await reads(other, 'one last thing');
      await here.click('.tool.leave');
      await here.click('dialog .primary');
      await here.see('.ended');
      await other.getByRole('heading', { name: 'The other person said goodbye.' }).waitFor();
      assert.ok(!(await here.run('return document.documentElement.outerHTML')).includes('one last thing'));
    });

    test('the page speaks Korean, too', async () => {
      await here.open(it.url);
      await here.see('.start');
      await here.run('const select = document.querySelector(".languages"); select.value = "ko"; select.dispatchEvent(new Event("change"));');
      await here.see('h1', '편하게 이야기하세요.');
      await eventually(async () => (await here.run('return document.documentElement.lang')) === 'ko');
    });
  });
}
