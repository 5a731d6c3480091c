/** Who seeks help with a page of their own, which has the operator's key, and helpers with passes. */

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { after, afterEach, test } from 'node:test';

import { client, heard, tells, textsOf } from './support.mjs';
import { Operator } from './operator.mjs';
import { BINARY } from '../page/program.mjs';
import { reads, ready, violations, world, write } from '../page/support.mjs';

const folder = mkdtempSync(join(tmpdir(), 'page-helpers-'));
after(() => rmSync(folder, { recursive: true }));
const written = (name, content) => {
  writeFileSync(join(folder, name), content);
  return join(folder, name);
};
const operator = new Operator();
const key = written('passes.pub', operator.pem);
const it = world('--allowed-origin', 'null', '--null-session-rate', '0', '--pass-key', key, '--revoked-passes', written('revoked', operator.list()));
afterEach(() => it.dismiss());

/** A person who seeks help with this topic, on a page that has the operator's key if `pinned`. */
async function seeker(topic, pinned) {
  const page = await it.person();
  if (pinned) {
    const file = join(folder, 'page.html');
    execFileSync(BINARY, ['page', '--single-file', file, '--server', it.url, '--helper-key', key]);
    await page.goto(pathToFileURL(file).href);
  } else {
    await page.goto(it.url);
  }
  await page.locator('.form input[type=text]').fill(topic);
  await page.locator('.form select').first().selectOption('');
  // Nothing is chosen where it is the page's own: who opens it seeks.
  if (pinned) assert.deepEqual(await page.locator('.form select').last().locator('option').allTextContents(), ['be listened to']);
  else await page.locator('.form select').last().selectOption('seek');
  await page.locator('.form [type=submit]').click();
  return page;
}

const helper = async (link) => client(it.url, { pass: link });
const offers = async (one, topic) => heard(await one.find({ topic, role: 'offer' }));

test('a helper is told to be verified, by the page\'s own key, and nothing is sent before', async () => {
  const topic = crypto.randomUUID();
  const page = await seeker(topic, true);
  const chat = await offers(await helper((await operator.link([topic])).link), topic);
  await ready(page);
  await page.locator('.who .verified').waitFor();
  assert.equal(await page.locator('.who h1').textContent(), 'Verified helper');
  await page.getByText('vouches for this person').waitFor();
  await write(page, 'it is about my brother');
  await tells(chat, 'text');
  assert.deepEqual(textsOf(chat), ['it is about my brother']);
  assert.deepEqual(await violations(page), []);
  assert.deepEqual(page.faults, []);
});

test('a page that the server has served says no more than that the server says so', async () => {
  const topic = crypto.randomUUID();
  const page = await seeker(topic, false);
  await offers(await helper((await operator.link()).link), topic);
  await ready(page);
  await page.locator('.note-line', { hasText: 'This server says that this is one of its helpers' }).waitFor();
  assert.equal(await page.locator('.verified').count(), 0);
});

test('who shows no pass is shown nothing, and the person is told after a while', async () => {
  const topic = crypto.randomUUID();
  const page = await seeker(topic, true);
  const chat = await offers(await client(it.url), topic);
  chat.send('trust me');
  await page.getByText('Checking that this is a helper').waitFor();
  assert.equal(await page.locator('textarea').isDisabled(), true);
  await page.getByText('Nobody has proved to be a helper').waitFor();
  assert.equal(await page.getByText('trust me').count(), 0);
});

test('the person is asked before a colleague goes on, and meets exactly that one', async () => {
  const topic = crypto.randomUUID();
  const page = await seeker(topic, true);
  const chat = await offers(await helper((await operator.link()).link), topic);
  await page.locator('.who .verified').waitFor();
  const colleague = await operator.link();
  const invite = await chat.handOver(colleague.pass);
  await page.locator('dialog .button.primary').click();
  const next = heard(await (await helper(colleague.link)).find({ invite: invite.link, role: 'offer' }));
  await ready(page);
  await page.locator('.who .verified').waitFor();
  assert.equal((await chat.ended).reason, 'bye');
  next.send('I am the colleague');
  await reads(page, 'I am the colleague');
});
