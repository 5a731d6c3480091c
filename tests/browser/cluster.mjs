/**
 * Two people chat on the page of a server that runs already, behind a certificate of its own authority,
 * as a visitor of the cluster does: `BASE_URL=https://localhost:8443 node cluster.mjs [PICTURE]`. The
 * picture is of one of the two. Ends with 1 and says why if something is not as it should be.
 */

import assert from 'node:assert/strict';

import { chromium } from 'playwright-core';

import { reads, ready, seek, transcript, write } from './page/support.mjs';

const URL = process.env.BASE_URL;
const PATIENCE_MS = 45_000;

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking'],
});
try {
  const people = await Promise.all([visitor(), visitor()]);
  const topic = crypto.randomUUID();
  for (const person of people) await seek(person.page, topic);
  await Promise.all(people.map(({ page }) => ready(page)));
  const [one, other] = people.map(({ page }) => page);
  await write(one, 'Is anybody there?');
  await reads(other, 'Is anybody there?');
  await write(other, 'Yes, behind Nginx.');
  await reads(one, 'Yes, behind Nginx.');
  assert.deepEqual(await transcript(one), ['> Is anybody there?', 'Yes, behind Nginx.']);
  if (process.argv[2] !== undefined) await one.screenshot({ path: process.argv[2] });
  for (const { faults } of people) assert.deepEqual(faults, []);
} finally {
  await browser.close();
}

/** A page in a profile of its own. */
async function visitor() {
  const context = await browser.newContext({ locale: 'en-US', ignoreHTTPSErrors: true, viewport: { width: 900, height: 700 } });
  const page = await context.newPage();
  page.setDefaultTimeout(PATIENCE_MS);
  const faults = [];
  page.on('console', (message) => message.type() === 'error' && faults.push(message.text()));
  page.on('pageerror', (error) => faults.push(String(error)));
  await page.goto(URL);
  await page.locator('.start').waitFor();
  return { page, faults };
}
