/**
 * A helper's shift at the desk, by keyboard alone: twelve people, three at once, while one of two
 * gateways is killed. And what the desk looks like.
 */

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { after, afterEach, test } from 'node:test';

import { BINARY, Terminal } from './program.mjs';
import { clusterWorld, eventually, reads, ready, violations } from './support.mjs';

const FOLDER = mkdtempSync(join(tmpdir(), 'desk-'));
const ANSWERS = join(FOLDER, 'answers.txt');
writeFileSync(ANSWERS, 'Hello. I am here to listen.\n\nTake your time.\nBreathe out slowly.\n');
after(() => rmSync(FOLDER, { recursive: true }));

/** The operator's key of passes, its public half, and the list of those that are taken back. */
const [KEY, PUBLIC, REVOKED] = ['passes.key', 'passes.pub', 'revoked.txt'].map((file) => join(FOLDER, file));
execFileSync(BINARY, ['pass', 'key', '--out', KEY]);
execFileSync(BINARY, ['pass', 'revoke', '--key', KEY, '--list', REVOKED]);

const it = clusterWorld({
  options: ['--topics', 'grief,debt', '--show-presence', '--answers', ANSWERS, '--drain-spread', '500ms', '--pass-key', PUBLIC, '--revoked-passes', REVOKED],
});
/** @type {Terminal[]} */
const people = [];
afterEach(async () => {
  await Promise.all([it.dismiss(), ...people.splice(0).map((person) => person.kill())]);
});

/** Somebody who seeks help, at one of the gateways. */
function seeker(topic, gateway, ...more) {
  const url = [gateway, ...it.nodes.gateways.filter((other) => other !== gateway)].map(({ port }) => `http://127.0.0.1:${port}`).join();
  people.push(new Terminal('--url', url, '--topic', topic, '--role', 'seek', ...more));
  return people.at(-1);
}

/** A helper whose shift has begun, by keyboard. */
async function helper({ locale = 'en-US', ...more } = {}) {
  const page = await it.person({ locale, width: 1280, height: 800, ...more });
  await page.goto(`${page.wire.url}desk`);
  await page.locator('.desk-begin').waitFor();
  await page.keyboard.press('Tab');
  await page.keyboard.press('Enter');
  await page.locator('.desk').waitFor();
  return page;
}

const place = (page, number) => page.locator('.desk-place').nth(number - 1);
const stateOf = (page, number) => place(page, number).getAttribute('data-state');
const becomes = (page, number, ...states) => eventually(async () => states.includes(await stateOf(page, number))).catch(async (fault) => { throw new Error(`place ${number} is ${await stateOf(page, number)}, not ${states}: ${await page.locator('body').innerText()} ${page.faults}`, { cause: fault }); });
const focusIs = (page, selector) => eventually(() => page.evaluate((selector) => document.activeElement?.matches(selector) === true, selector));

/** Presses a key that acts, outside of what is written in. */
async function act(page, key) {
  if (await page.evaluate(() => document.activeElement?.matches('textarea, input') === true)) await page.keyboard.press('Escape');
  await page.keyboard.press(key);
}

/** Takes the next person, who comes to this place. */
async function take(page, number, person) {
  await act(page, String(number));
  await act(page, 'n');
  await becomes(page, number, 'new', 'chat');
  await person?.secured();
  // From now on what is typed is said.
  await focusIs(page, '.chat:not([hidden]) textarea:enabled');
}

/** Says something to the person in a place. */
async function say(page, number, text) {
  await act(page, String(number));
  await focusIs(page, '.chat:not([hidden]) textarea');
  await page.keyboard.type(text);
  await page.keyboard.press('Enter');
}

/** Ends the chat in a place with a last word. */
async function end(page, number, word) {
  await act(page, String(number));
  await act(page, 'e');
  await page.locator('dialog.desk-end').waitFor();
  await page.keyboard.type(word);
  await page.keyboard.press('Control+Enter');
  await becomes(page, number, 'free');
}

test('a shift: twelve people, three at once, one is reported, a gateway dies, nothing is lost and nothing stays', async () => {
  const [first, second] = it.nodes.gateways;
  const page = await helper({ through: [first, second] });
  /** What each person has heard. */
  const heard = [];
  for (let batch = 0; batch < 4; batch++) {
    const trio = [];
    for (const number of [1, 2, 3]) {
      const gateway = batch === 1 || number % 2 === 1 ? second : it.nodes.gateways[0];
      const person = seeker(number === 2 ? 'debt' : 'grief', gateway);
      trio.push(person);
      // Who waits is told every few seconds: the helper chooses the topic.
      await page.locator(`.desk-topics input[value=":${number === 2 ? 'debt' : 'grief'}"]`).focus();
      await page.keyboard.press('Space');
      await take(page, number, person);
    }
    for (const number of [1, 2, 3]) await say(page, number, `hello ${batch}.${number}`);
    for (const [at, person] of trio.entries()) await person.reads(`hello ${batch}.${at + 1}`);
    if (batch === 1) {
      await first.kill();
      for (const [at, person] of trio.entries()) person.type(`still here ${at + 1}`);
    }
    for (const [at, person] of trio.entries()) person.type(`thank you ${at + 1}`);
    // The third is looked at: what the others wrote is counted until they are.
    for (const number of [1, 2]) await place(page, number).locator('.desk-unread:visible').waitFor();
    for (const number of [1, 2, 3]) {
      await act(page, String(number));
      await page.locator('.chat:not([hidden]) .line:not(.mine) .text', { hasText: `thank you ${number}` }).waitFor();
      if (batch === 1) await page.locator('.chat:not([hidden]) .line:not(.mine) .text', { hasText: `still here ${number}` }).waitFor();
      assert.equal(await place(page, number).locator('.desk-unread:visible').count(), 0);
    }
    if (batch === 1) {
      for (const number of [1, 2, 3]) await say(page, number, `so am I ${number}`);
      for (const [at, person] of trio.entries()) await person.reads(`so am I ${at + 1}`);
      await it.nodes.replace(first);
      page.wire.lead(it.nodes.gateways[0].port, second.port);
    }
    if (batch === 2) await report(page, 2);
    for (const number of batch === 2 ? [1, 3] : [1, 2, 3]) await end(page, number, `take care ${batch}.${number}`);
    for (const [at, person] of trio.entries()) {
      if (batch === 2 && at === 1) await person.says(/the other person has left/);
      else await person.reads(`take care ${batch}.${at + 1}`);
      heard.push(person.out.trim().split('\n'));
    }
  }
  assert.equal(heard.length, 12);
  for (const [at, lines] of heard.entries()) {
    const [batch, number] = [Math.floor(at / 3), (at % 3) + 1];
    const isReported = batch === 2 && number === 2;
    const expected = [`hello ${batch}.${number}`, ...(batch === 1 ? [`so am I ${number}`] : []), ...(isReported ? [] : [`take care ${batch}.${number}`])];
    assert.deepEqual(lines, expected, 'nothing is lost, and nothing goes to somebody else');
  }
  assert.equal(await page.locator('.desk .line').count(), 0, 'nothing of a chat is left');
  // The browser itself names each connection that broke.
  assert.deepEqual(page.faults.filter((fault) => !/ERR_|WebSocket connection/.test(fault)), []);
});

/** Reports the chat in a place, by keyboard. */
async function report(page, number) {
  await act(page, String(number));
  await act(page, 'r');
  await page.locator('dialog.report').waitFor();
  await focusIs(page, 'dialog *');
  await page.locator('dialog.report input[type=radio]').first().focus();
  await page.keyboard.press('Space');
  await page.keyboard.press('Enter');
  await becomes(page, number, 'free');
  await page.locator('.desk-empty', { hasText: 'report' }).waitFor();
}

test('ready answers and notes: written by keyboard, of this chat alone, and gone with the tab', async () => {
  const [, gateway] = it.nodes.gateways;
  const page = await helper();
  const [one, two] = [seeker('grief', gateway), seeker('debt', gateway)];
  await page.locator('.desk-topics input[value=":grief"]').press('Space');
  await take(page, 1, one);
  await page.locator('.desk-topics input[value=":debt"]').press('Space');
  await take(page, 2, two);
  await act(page, '1');
  await act(page, 'a');
  await page.keyboard.type('breathe');
  await page.keyboard.press('Enter');
  await focusIs(page, '.chat:not([hidden]) textarea');
  await page.keyboard.press('Enter');
  await one.reads('Breathe out slowly.');
  await act(page, 'o');
  await page.keyboard.type('has a sister');
  await act(page, '2');
  const notes = page.locator('.desk-of-chat textarea');
  assert.equal(await notes.inputValue(), '');
  await act(page, '1');
  assert.equal(await notes.inputValue(), 'has a sister');
  // An answer of one's own, in this tab alone.
  await page.locator('.desk-ready form textarea').fill('We are here each evening.');
  await page.locator('.desk-ready form button').press('Enter');
  await page.locator('.desk-answer', { hasText: 'each evening' }).waitFor();
  one.close();
  await becomes(page, 1, 'over');
  assert.equal(await notes.inputValue(), 'has a sister', 'what was said and noted stays until it is cleared');
  await page.locator('.over .button', { hasText: 'Clear' }).press('Enter');
  await becomes(page, 1, 'free');
  assert.equal(await notes.inputValue(), '');
  await act(page, '2');
  assert.deepEqual(await kept(page), { local: 0, session: 0, databases: 0, caches: 0, state: null, cookies: 0 });
  const context = page.context();
  await page.close();
  await two.says(/ended|left|goodbye/);
  const again = await context.newPage();
  await again.goto(`${it.url}desk`);
  await again.locator('.desk-begin').waitFor();
  await again.keyboard.press('Tab');
  await again.keyboard.press('Enter');
  await again.locator('.desk').waitFor();
  const text = await again.locator('body').innerText();
  for (const said of ['sister', 'each evening']) assert.ok(!text.includes(said), said);
});

/** A new pass for these topics: what its link carries. */
function passFor(...topics) {
  const printed = execFileSync(BINARY, ['pass', 'new', '--key', KEY, '--topics', topics.join()], { encoding: 'utf8' });
  const [, secret, pass] = printed.match(/#([\w-]{43})\.(\S+)/);
  return { secret, pass };
}

test('the link of a pass leaves the address at once, says what it is for, and the pass goes with each session', async () => {
  const { secret, pass } = passFor('grief');
  const page = await it.person({ width: 1280, height: 800 });
  const sessions = [];
  page.on('request', (request) => request.url().endsWith('/v1/sessions') && sessions.push(request.postDataJSON()));
  await page.goto(`${page.wire.url}desk#${secret}.${pass}`);
  await page.getByText('It is for: grief').waitFor();
  assert.equal(page.url(), `${page.wire.url}desk`);
  assert.deepEqual(await violations(page), []);
  await page.keyboard.press('Tab');
  await page.keyboard.press('Enter');
  await page.locator('.desk').waitFor();
  assert.deepEqual(await page.locator('.desk-topics .choice > :nth-child(2)').allInnerTexts(), ['Whoever needs it most', 'grief'], 'no other topic, and none without');
  await act(page, 'n');
  await eventually(() => sessions.length > 0);
  assert.equal(sessions[0].pass, pass);
  assert.match(sessions[0].pass_proof, /^[\w-]{118}$/);
  assert.ok(!page.requests.some((url) => url.includes(secret)) && !JSON.stringify(sessions).includes(secret), 'the secret stays');
  assert.deepEqual(await kept(page), { local: 0, session: 0, databases: 0, caches: 0, state: null, cookies: 0 });
});

/** A helper with a pass whose shift has begun, by keyboard. */
async function helperWith({ secret, pass }) {
  const page = await it.person({ width: 1280, height: 800 });
  await page.goto(`${page.wire.url}desk#${secret}.${pass}`);
  await page.getByText('It is for: grief').waitFor();
  await page.keyboard.press('Tab');
  await page.keyboard.press('Enter');
  await page.locator('.desk').waitFor();
  return page;
}

test('a chat is handed over by keyboard: the person is asked, agrees, and meets exactly that colleague', async () => {
  const other = passFor('grief');
  const [page, colleague] = [await helperWith(passFor('grief')), await helperWith(other)];
  // A program that speaks JSON: it can give commands.
  const person = seeker('grief', it.nodes.gateways[1], '--json', '--helper-key', PUBLIC);
  await take(page, 1);
  await person.says(/"event":"helper"[^\n]*"standing":"verified"/, 'out');
  await say(page, 1, 'I have to go soon');
  await person.says(/"I have to go soon"/, 'out');
  person.type('{"text":"please stay"}');
  await page.locator('.chat:not([hidden]) .line:not(.mine) .text', { hasText: 'please stay' }).waitFor();

  await act(page, 'h');
  await focusIs(page, 'dialog.desk-hand textarea');
  await page.keyboard.type('my friend');
  await page.locator('dialog.desk-hand .primary').press('Enter');
  await page.locator('dialog.desk-hand .fault', { hasText: 'no pass and no public key' }).waitFor();
  await page.locator('dialog.desk-hand textarea').fill(other.pass);
  await page.locator('dialog.desk-hand .primary').press('Enter');
  const link = await page.locator('dialog.desk-hand input.link').inputValue();
  assert.deepEqual(await violations(page), []);
  await page.locator('dialog.desk-hand .primary').press('Enter');

  await person.says(/"event":"handover"/, 'out');
  assert.equal(await stateOf(page, 1), 'chat', 'nothing changes before the person agrees');
  person.type('{"command":"handover"}');
  await becomes(page, 1, 'over');
  await colleague.locator('.desk-queue button, button', { hasText: 'A chat was handed to me' }).first().press('Enter');
  await focusIs(colleague, 'dialog.desk-invited textarea');
  await colleague.keyboard.type(link);
  await colleague.locator('dialog.desk-invited .primary').press('Enter');
  await becomes(colleague, 1, 'new', 'chat');
  await focusIs(colleague, '.chat:not([hidden]) textarea:enabled');
  await say(colleague, 1, 'I am the colleague');
  await person.says(/"I am the colleague"/, 'out');
  const proved = person.out.match(/"standing":"verified"/g) ?? [];
  assert.equal(proved.length, 2, 'each of them has proved it');
  assert.deepEqual([page.faults, colleague.faults], [[], []]);
});

test('somebody on the page that the server has served is handed over too, and told whose word it is', async () => {
  const other = passFor('grief');
  const [page, colleague] = [await helperWith(passFor('grief')), await helperWith(other)];
  const person = await it.visitor();
  await person.locator('.chip', { hasText: 'grief' }).click();
  await person.locator('main select').first().selectOption('');
  await person.locator('main select').last().selectOption('seek');
  await person.locator('form button[type=submit]').click();
  await take(page, 1);
  await ready(person);
  await person.locator('.note-line', { hasText: 'This server says that this is one of its helpers' }).waitFor();

  await act(page, 'h');
  await page.locator('dialog.desk-hand textarea').fill(other.pass);
  await page.locator('dialog.desk-hand .primary').press('Enter');
  const link = await page.locator('dialog.desk-hand input.link').inputValue();
  await page.locator('dialog.desk-hand', { hasText: 'The person is being asked' }).waitFor();
  await page.locator('dialog.desk-hand .primary').press('Enter');
  const asked = person.locator('dialog', { hasText: 'Go on with a colleague?' });
  await asked.getByText('Only this server says that both are its helpers').waitFor();
  assert.deepEqual(await violations(person), []);
  assert.equal(await stateOf(page, 1), 'chat', 'nothing changes before the person agrees');
  await asked.locator('.primary').click();
  await becomes(page, 1, 'over');
  await colleague.locator('.desk-queue button, button', { hasText: 'A chat was handed to me' }).first().press('Enter');
  await colleague.locator('dialog.desk-invited textarea').fill(link);
  await colleague.locator('dialog.desk-invited .primary').press('Enter');
  await becomes(colleague, 1, 'new', 'chat');
  await ready(person);
  await focusIs(colleague, '.chat:not([hidden]) textarea:enabled');
  await say(colleague, 1, 'I am the colleague');
  await reads(person, 'I am the colleague');
  assert.equal(await person.locator('.verified').count(), 0, 'it is the server’s word, no more');
  assert.deepEqual([page.faults, colleague.faults, person.faults], [[], [], []]);
});

test('a link that is not whole is asked for again, and one without its pass asks for the pass', async () => {
  const { secret, pass } = passFor('debt');
  const page = await it.person({ width: 360, height: 640 });
  await page.goto(`${page.wire.url}desk#${secret.slice(1)}.${pass}`);
  await page.getByText('This link is not complete.').waitFor();
  assert.deepEqual(await violations(page), []);
  await page.locator('textarea').fill(`#${secret}`);
  await page.keyboard.press('Tab');
  await page.keyboard.press('Enter');
  await eventually(async () => (await page.locator('textarea').inputValue()) === '');
  await page.locator('textarea').fill(pass);
  await page.keyboard.press('Tab');
  await page.keyboard.press('Enter');
  await page.getByText('It is for: debt').waitFor();
});

/** What a page has left in its browser. */
async function kept(page) {
  const inPage = await page.evaluate(async () => ({
    local: localStorage.length, session: sessionStorage.length, databases: (await indexedDB.databases()).length, caches: (await caches.keys()).length, state: history.state,
  }));
  return { ...inPage, cookies: (await page.context().cookies()).length };
}

test('the bell rings while somebody waits, until the next one is taken; a pause is quiet', async () => {
  const page = await it.person({ width: 1280, height: 800 });
  // Counts the notes that are played: nobody can hear them here.
  await page.addInitScript(() => {
    const start = OscillatorNode.prototype.start;
    globalThis.notes = 0;
    OscillatorNode.prototype.start = function (...when) {
      globalThis.notes += 1;
      return start.apply(this, when);
    };
  });
  await page.goto(`${page.wire.url}desk`);
  await page.locator('.desk-begin').waitFor();
  await page.keyboard.press('Tab');
  await page.keyboard.press('Enter');
  await page.locator('.desk').waitFor();
  const notes = () => page.evaluate(() => globalThis.notes);
  const person = seeker('grief', it.nodes.gateways[0]);
  await page.locator('.waits', { hasText: 'grief' }).waitFor();
  const before = await notes();
  await eventually(async () => (await notes()) >= before + 4);
  await act(page, 'p');
  await page.getByText('You are on a pause').waitFor();
  assert.equal(await page.locator('.desk-next').isDisabled(), true);
  await act(page, 'p');
  await act(page, 's');
  assert.equal(await page.locator('.desk-bell').getAttribute('aria-pressed'), 'false');
  await act(page, 'n');
  await becomes(page, 1, 'chat', 'new');
  await person.secured();
});

test('the desk in each language, narrow and wide, light and dark: axe finds nothing, it fits, and every key is explained', async () => {
  const pictures = fileURLToPath(new URL('../screenshots', import.meta.url));
  mkdirSync(pictures, { recursive: true });
  for (const [language, locale] of Object.entries({ en: 'en-US', ko: 'ko-KR', ja: 'ja-JP', es: 'es-ES', ar: 'ar-EG' })) {
    const page = await helper({ locale, reducedMotion: 'reduce' });
    assert.equal(await page.locator('html').getAttribute('dir'), language === 'ar' ? 'rtl' : 'ltr');
    const person = seeker('grief', it.nodes.gateways[1]);
    await page.locator('.desk-topics input[value=":grief"]').press('Space');
    await take(page, 1, person);
    person.type('🙂');
    await page.locator('.line:not(.mine) .text', { hasText: '🙂' }).waitFor();
    await say(page, 1, '👍');
    for (const [name, show] of Object.entries({ queue: 'q', chat: '1', notes: 'o', keys: '?' })) {
      await act(page, show);
      for (const width of [360, 1280]) {
        for (const colorScheme of /** @type {const} */ (['light', 'dark'])) {
          await page.setViewportSize({ width, height: width === 360 ? 640 : 800 });
          await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
          await page.screenshot({ path: `${pictures}/desk-${language}-${name}-${width}-${colorScheme}.png` });
          assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), `${language}, ${name}, ${width}: too wide`);
          if (language === 'en' || language === 'ar') assert.deepEqual(await violations(page), [], `${language}, ${name}, ${width}, ${colorScheme}`);
        }
      }
      if (name === 'keys') await page.keyboard.press('Escape');
    }
    await end(page, 1, '👋');
    await person.ended;
    assert.deepEqual(page.faults, []);
    await page.context().close();
  }
});
