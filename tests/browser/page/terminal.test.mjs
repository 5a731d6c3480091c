/**
 * The page with people who do not use it: the terminal client, and a program on the Rust library.
 */

import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';

import { Echo, Terminal } from './program.mjs';
import { delivered, makeInvite, reads, ready, safetyOf, seek, transcript, withoutKem, world, write } from './support.mjs';

const it = world();
const programs = [];
afterEach(async () => {
  await Promise.all([it.dismiss(), ...programs.splice(0).map((program) => program.kill())]);
});

function terminal(...parameters) {
  programs.push(new Terminal(...parameters));
  return programs.at(-1);
}

function echo(...parameters) {
  programs.push(new Echo(...parameters));
  return programs.at(-1);
}

/** Both ways, everything delivered, and one safety code. */
async function theyTalk(page, other) {
  const [seen, shown] = await Promise.all([other.secured(), ready(page).then(() => safetyOf(page))]);
  assert.deepEqual(seen, shown, 'one safety code, with the same pictures, names and numbers');
  other.type('from the terminal');
  other.type('한국어 👩‍👩‍👧 \u0061\u0301');
  // What is shown is composed (NFC).
  await reads(page, '한국어 👩‍👩‍👧 \u00e1');
  await other.says('✓ delivered');
  await write(page, 'from the page');
  await write(page, 'two\nlines');
  await other.reads('lines');
  await delivered(page);
  assert.deepEqual(await transcript(page), ['from the terminal', '한국어 👩‍👩‍👧 \u00e1', '> from the page', '> two\nlines']);
  assert.equal(other.out, 'from the page\ntwo\nlines\n');
  assert.deepEqual(page.faults, []);
}

/** The end of input is the terminal's goodbye. */
async function terminalLeaves(page, other) {
  other.type('one last thing');
  other.close();
  await page.getByRole('heading', { name: 'The other person said goodbye.' }).waitFor();
  assert.equal((await transcript(page)).at(-1), 'one last thing');
  assert.equal(await other.ended, 0);
}

async function pageLeaves(page, other, stream = 'err') {
  await page.locator('.tool.leave').click();
  await page.locator('dialog .primary').click();
  await page.locator('.ended').waitFor();
  await other.says('the other person said goodbye', stream);
  assert.equal(await other.ended, 0);
}

test('the page and a terminal meet by a topic, however each writes it', async () => {
  const page = await it.visitor();
  const topic = `Ｍusic ${crypto.randomUUID()}`;
  await seek(page, topic);
  const other = terminal('--url', it.url, '--topic', ` ${topic.normalize('NFKC').toUpperCase()} `);
  await theyTalk(page, other);
  await terminalLeaves(page, other);
});

test('a page whose browser has no ML-KEM and a terminal come to the same keys, whoever begins', async () => {
  const sides = new Set();
  for (let round = 0; sides.size < 2; round++) {
    assert.ok(round < 40, 'one side never came up');
    const page = await withoutKem(await it.person());
    await page.goto(it.url);
    const topic = crypto.randomUUID();
    await seek(page, topic);
    const other = terminal('--url', it.url, '--topic', topic);
    await theyTalk(page, other);
    sides.add(page.told.find(({ type }) => type === 'paired').side);
    await page.context().close();
    await other.kill();
  }
});

test('a terminal opens the link that a page made', async () => {
  const page = await it.visitor();
  const other = terminal('--invite', await makeInvite(page));
  await theyTalk(page, other);
  await pageLeaves(page, other);
});

test('a page opens the link that a terminal made', async () => {
  const other = terminal('--url', it.url, '--invite');
  const page = await it.person();
  await page.goto(await other.link());
  await page.getByRole('button', { name: 'Join the chat' }).click();
  await theyTalk(page, other);
  await terminalLeaves(page, other);
});

test('a third who comes with a used link is told so, in a terminal too', async () => {
  const page = await it.visitor();
  const link = await makeInvite(page);
  const other = terminal('--invite', link);
  await ready(page);
  const late = terminal('--invite', link);
  assert.equal(await late.ended, 1);
  assert.match(late.err, /link|code|invite/);
  assert.equal(late.out, '');
  await write(page, 'undisturbed');
  await other.reads('undisturbed');
});

test('a terminal that is killed is shown as away', async () => {
  const page = await it.visitor();
  const other = terminal('--invite', await makeInvite(page));
  await ready(page);
  await other.kill();
  await page.getByText('Away, may come back').waitFor();
});

test('a closed tab is told to a terminal as a leaving, not as a goodbye', async () => {
  const page = await it.visitor();
  const other = terminal('--invite', await makeInvite(page));
  await ready(page);
  await write(page, 'x');
  await other.reads('x');
  await page.close({ runBeforeUnload: false });
  await other.says('the other person has left');
  assert.doesNotMatch(other.err, /said goodbye/);
});

test('a program on the library meets a page by topic, says what it hears, and is seen to write', async () => {
  const page = await it.visitor();
  const topic = crypto.randomUUID();
  await seek(page, topic);
  const other = echo(it.url, 'topic', topic);
  await ready(page);
  const [, numbers] = await other.says(/safety code (.+)/, 'out');
  assert.equal((await safetyOf(page)).numbers, numbers);
  await page.locator('textarea').pressSequentially('par');
  await page.locator('.chat.typing').waitFor();
  await page.locator('textarea').fill('');
  await page.locator('.chat:not(.typing)').waitFor();
  await write(page, 'parrot');
  await reads(page, 'parrot');
  await pageLeaves(page, other, 'out');
});

test('a program on the library makes a link for a page, or opens one', async () => {
  const maker = echo(it.url, 'invite');
  const [link] = await maker.says(/http\S+#\S+/, 'out');
  const guest = await it.person();
  await guest.goto(link);
  await guest.getByRole('button', { name: 'Join the chat' }).click();
  const host = await it.visitor();
  echo(it.url, 'invite', await makeInvite(host));
  for (const page of [guest, host]) {
    await ready(page);
    await write(page, 'parrot');
    await reads(page, 'parrot');
  }
});
