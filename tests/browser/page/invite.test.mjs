import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';

import jsQR from 'jsqr';

import { makeInvite, reads, ready, world, write } from './support.mjs';

const it = world();
afterEach(() => it.dismiss());

test('a guest who opens the link meets the host, and both see the same safety code', async () => {
  const [host, guest] = await it.invited();
  await write(host, 'welcome');
  await reads(guest, 'welcome');
  const codes = await Promise.all([host, guest].map(async (page) => {
    await page.locator('.tool.shield').click();
    const names = await page.locator('.sign-name').allTextContents();
    return [...names, await page.locator('output').textContent()];
  }));
  assert.deepEqual(codes[0], codes[1]);
  assert.equal(codes[0].length, 8);
  assert.match(codes[0][7], /^\d{5} \d{5} \d{5}$/);
  assert.equal(await host.locator('.tool.next').count(), 0, 'there is no next person by invite');
});

test('opening a link starts nothing before a click, and hides the secret at once', async () => {
  const host = await it.visitor();
  const link = await makeInvite(host);
  const guest = await it.person();
  await guest.goto(link);
  await guest.getByRole('heading', { name: 'You are invited to a private chat' }).waitFor();
  const secret = new URL(link).hash.slice(1);
  assert.equal(secret.length, 22);
  assert.ok(!guest.url().includes(secret));
  assert.equal(await guest.evaluate(() => history.length), 2, 'the blank page and this one');
  assert.deepEqual(guest.requests.filter((url) => url.includes('/v1/') || url.startsWith('ws')), []);
  await guest.getByRole('button', { name: 'Join the chat' }).click();
  await Promise.all([ready(host), ready(guest)]);
  const sent = [...host.requests, ...guest.requests, ...host.frames_sent, ...guest.frames_sent].map(String).join('\n');
  assert.ok(!sent.includes(secret), 'the secret never reaches the server');
});

test('a link serves once', async () => {
  const [host, guest, link] = await it.invited();
  await write(host, 'x');
  await reads(guest, 'x');
  const late = await it.person();
  await late.goto(link);
  await late.getByRole('button', { name: 'Join the chat' }).click();
  await late.getByRole('heading', { name: 'This link has been used' }).waitFor();
  await write(guest, 'undisturbed');
  await reads(host, 'undisturbed');
});

test('the QR code is the link', async () => {
  const host = await it.visitor();
  const link = await makeInvite(host);
  const picture = await host.locator('.qr').screenshot();
  // As one word each way: a list of a million numbers takes the test's browser many seconds.
  const pixels = await host.evaluate(async (png) => {
    const bitmap = await createImageBitmap(new Blob([Uint8Array.from(atob(png), (sign) => sign.charCodeAt(0))]));
    const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
    const context = canvas.getContext('2d');
    context.drawImage(bitmap, 0, 0);
    const { data } = context.getImageData(0, 0, bitmap.width, bitmap.height);
    let word = '';
    for (let at = 0; at < data.length; at += 0x8000) word += String.fromCharCode(...data.subarray(at, at + 0x8000));
    return { data: btoa(word), width: bitmap.width, height: bitmap.height };
  }, picture.toString('base64'));
  assert.equal(jsQR(new Uint8ClampedArray(Buffer.from(pixels.data, 'base64')), pixels.width, pixels.height)?.data, link);
});

for (const [width, least] of [[320, 240], [360, 260], [1280, 280]]) {
  test(`the QR code is large enough for another's camera: ${width} px`, async () => {
    const host = await it.visitor({ width, height: 640, reducedMotion: 'reduce' });
    await makeInvite(host);
    const box = await host.locator('.qr').boundingBox();
    assert.ok(box.width >= least && box.height >= least, `${box.width} by ${box.height}`);
  });
}

test('the link can be copied', async () => {
  const host = await it.visitor({ permissions: ['clipboard-read', 'clipboard-write'] });
  const link = await makeInvite(host);
  await host.getByRole('button', { name: 'Copy link' }).click();
  await host.getByRole('button', { name: 'Copied' }).waitFor();
  assert.equal(await host.evaluate(() => navigator.clipboard.readText()), link);
});

test('a link that is not whole is explained', async () => {
  const guest = await it.person();
  await guest.goto(`${it.url}#AAECAwQFBgcICQ`);
  await guest.getByRole('heading', { name: 'This link is not complete' }).waitFor();
  assert.equal(new URL(guest.url()).hash, '');
  await guest.getByRole('button', { name: 'Back to the start' }).click();
  await guest.locator('.start').waitFor();
});

test('an invite that is discarded meets nobody', async () => {
  const host = await it.visitor();
  const link = await makeInvite(host);
  await host.locator('.progress', { hasText: 'Waiting for your guest…' }).waitFor();
  await host.getByRole('button', { name: 'Discard the link' }).click();
  await host.locator('.start').waitFor();
  const guest = await it.person();
  await guest.goto(link);
  await guest.getByRole('button', { name: 'Join the chat' }).click();
  await guest.getByRole('heading', { name: 'Waiting for your host…' }).waitFor();
  await guest.getByRole('button', { name: 'Stop waiting' }).click();
});

test('a click between making an invite and looking for somebody parts neither from its key', async () => {
  const host = await it.visitor();
  // The person is quicker than the browser's cryptography.
  await host.evaluate(() => {
    const derive = crypto.subtle.deriveBits.bind(crypto.subtle);
    globalThis.held = [];
    crypto.subtle.deriveBits = (...given) => new Promise((resolve) => globalThis.held.push(() => resolve(derive(...given))));
    globalThis.release = () => {
      crypto.subtle.deriveBits = derive;
      for (const go of globalThis.held.splice(0)) go();
    };
  });
  await makeInvite(host);
  await host.getByRole('button', { name: 'Discard the link' }).click();
  await host.locator('form button[type=submit]').click();
  await host.locator('.progress', { hasText: 'as soon as there is a match' }).waitFor();
  await host.evaluate(() => globalThis.release());
  const other = await it.visitor();
  await other.locator('form button[type=submit]').click();
  await Promise.all([host, other].map(ready));
  const finds = host.frames_sent.filter((payload) => typeof payload === 'string' && payload.includes('"find"')).map((text) => JSON.parse(text));
  assert.deepEqual(finds, [{ type: 'find', channel: 2, lang: 'en' }]);
});

test('a guest reads whom the wait is for, and after a while that it may be in vain', async () => {
  const guest = await it.person();
  await guest.goto(`${it.url}#AAECAwQFBgcICQoLDA0ODw`);
  await guest.getByRole('button', { name: 'Join the chat' }).click();
  await guest.locator('.progress', { hasText: 'as soon as the person who invited you is here' }).waitFor();
  await guest.getByText('An invite ends when its page is closed or loaded again').waitFor();
});

test('a host is asked before the page with the invite is left, a guest is not', async () => {
  const host = await it.visitor();
  await makeInvite(host);
  await host.locator('.progress', { hasText: 'Waiting for your guest…' }).waitFor();
  const asked = new Promise((resolve) => host.once('dialog', async (dialog) => (resolve(dialog.type()), dialog.dismiss())));
  await Promise.all([asked, host.evaluate(() => location.reload())]);
  assert.equal(await asked, 'beforeunload');
  assert.equal(await host.locator('.qr').count(), 1);
});

test('after a chat by invite there can be another', async () => {
  const [host, guest] = await it.invited();
  await guest.locator('.tool.leave').click();
  await host.getByRole('heading', { name: 'The other person said goodbye.' }).waitFor();
  await host.getByRole('button', { name: 'Make a new invite' }).click();
  const link = await host.locator('.link').inputValue();
  await guest.getByRole('button', { name: 'Make a new invite' }).waitFor();
  const next = await it.person();
  await next.goto(link);
  await next.getByRole('button', { name: 'Join the chat' }).click();
  await Promise.all([host, next].map(ready));
  await write(host, 'again');
  await reads(next, 'again');
});

test('an invite can be read out as twelve words', async () => {
  const host = await it.visitor();
  const link = await makeInvite(host);
  await host.getByText('Read it out instead').click();
  const words = await host.locator('.words li').allTextContents();
  assert.equal(words.length, 12);
  const guest = await it.visitor();
  await guest.getByText('I have an invite').click();
  const typed = guest.getByLabel('Its twelve words, or its link');
  const says = (text) => guest.locator('#have-fault', { hasText: text }).waitFor();
  for (const [text, fault] of [
    [words.slice(1).join(' '), 'these are 11.'], [['xyzzy', ...words.slice(1)].join(' '), 'Word 1 is not'], ['nothing', 'not a whole invite'],
    [`https://elsewhere.example/${new URL(link).hash}`, 'another server'],
  ]) {
    await typed.fill(text);
    await guest.getByRole('button', { name: 'Join the chat' }).click();
    await says(fault);
  }
  await typed.fill(words.map((word, at) => `${at + 1}. ${word.slice(0, 4).toUpperCase()}`).join(', '));
  await typed.press('Enter');
  await Promise.all([host, guest].map(ready));
  await write(guest, 'as you read it to me');
  await reads(host, 'as you read it to me');
  const sent = [...host.requests, ...guest.requests, ...host.frames_sent, ...guest.frames_sent].map(String).join('\n');
  assert.ok(!sent.includes(words.slice(0, 2).join(' ')) && !sent.includes(new URL(link).hash.slice(1)));
});

test('a link can be pasted where the words go', async () => {
  const host = await it.visitor();
  const link = await makeInvite(host);
  for (const text of [`(${link}).`, new URL(link).hash.slice(1)]) {
    const guest = await it.visitor();
    await guest.getByText('I have an invite').click();
    await guest.getByLabel('Its twelve words, or its link').fill(text.replace(new URL(link).origin, new URL(guest.url()).origin));
    await guest.getByRole('button', { name: 'Join the chat' }).click();
    await guest.locator('.waiting, .chat, .badge').first().waitFor();
    if (text.startsWith('(')) await Promise.all([host, guest].map(ready));
    else await guest.getByRole('heading', { name: 'This link has been used' }).waitFor();
  }
});

test('a server that refuses its own page tells an operator what to look at', async () => {
  const page = await it.visitor();
  await page.route('**/v1/sessions', (route) => route.fulfill({ status: 403, contentType: 'application/problem+json', body: '{}' }));
  await page.reload();
  await page.locator('form button[type=submit]').click();
  await page.getByText('The server does not let this page start a chat.').waitFor();
  await page.getByText('Are you the operator?').click();
  await page.getByText('let it pass on the Host header unchanged').waitFor();
  assert.equal(await page.locator('.operator code').textContent(), `--allowed-origin ${new URL(it.url).origin}`);
});

test('a link that is pasted into a tab of the page asks first, too', async () => {
  const host = await it.visitor();
  const link = await makeInvite(host);
  const guest = await it.visitor();
  await guest.evaluate((address) => location.assign(address), link);
  await guest.getByRole('heading', { name: 'You are invited to a private chat' }).waitFor();
  assert.equal(new URL(guest.url()).hash, '');
});
