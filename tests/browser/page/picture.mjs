/**
 * Makes docs/images/chat.png, the picture of the README: a chat as its two people see it. `npm
 * --prefix tests/browser run picture`
 */

import { mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { dirname } from 'node:path';
import { test } from 'node:test';

import { delivered, makeInvite, reads, ready, world, write } from './support.mjs';

const PICTURE = fileURLToPath(new URL('../../../docs/images/chat.png', import.meta.url));
const WINDOW = { width: 480, height: 700 };
const MARGIN = 16;

const SAID = [
  ['guest', 'Hi! Is this the help line?'],
  ['host', 'It is. Thank you for coming. What is on your mind?'],
  ['guest', 'I did not want to write this anywhere where it stays.'],
  ['host', 'I understand. Take your time. Only the two of us can read this, and nothing is stored.'],
  ['guest', 'All right. It began last week, with an old letter.'],
];

const it = world();

test('a chat of two people, side by side', async () => {
  const how = { ...WINDOW, locale: 'en-US', colorScheme: 'light', reducedMotion: 'reduce', wire: 'another' };
  const [host, guest] = [await it.visitor(how), await it.person(how)];
  const link = await makeInvite(host);
  await guest.goto(guest.wire.url + new URL(link).hash);
  await guest.locator('.button.primary').click();
  await Promise.all([ready(host), ready(guest)]);
  for (const [who, text] of SAID) {
    const [writer, reader] = who === 'host' ? [host, guest] : [guest, host];
    await write(writer, text);
    await reads(reader, text);
  }
  await delivered(guest);
  await host.locator('textarea').pressSequentially('I am listening');
  await guest.locator('.chat.typing').waitFor();

  const windows = await Promise.all([guest, host].map((page) => page.screenshot({ caret: 'hide' })));
  const sheet = await it.person({ width: 2 * WINDOW.width + 3 * MARGIN, height: WINDOW.height + 2 * MARGIN });
  const shown = windows.map((window) => `<img src="data:image/png;base64,${window.toString('base64')}">`);
  await sheet.setContent(`<style>
      body { margin: 0; padding: ${MARGIN}px; display: flex; gap: ${MARGIN}px; background: #e4e1d8; }
      img { border-radius: 10px; box-shadow: 0 1px 6px #0004; }
    </style>${shown.join('')}`);
  await sheet.locator('img').last().evaluate((image) => image.decode());
  mkdirSync(dirname(PICTURE), { recursive: true });
  await sheet.screenshot({ path: PICTURE });
});
