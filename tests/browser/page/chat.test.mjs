import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';

import { eventually, reads, ready, transcript, world, write } from './support.mjs';

const it = world();
afterEach(() => it.dismiss());

test('two strangers with the same topic talk, and see what was delivered', async () => {
  const [a, b] = await it.strangers();
  await write(a, 'hello');
  await reads(b, 'hello');
  await a.locator('.mark[data-mark=delivered]').waitFor();
  await write(b, 'hello yourself\nsecond line');
  await reads(a, 'second line');
  assert.deepEqual(await transcript(a), ['> hello', 'hello yourself\nsecond line']);
  assert.deepEqual(await transcript(b), ['hello', '> hello yourself\nsecond line']);
  assert.deepEqual([a.faults, b.faults], [[], []]);
});

test('in the dark, too, the bubbles of both are told apart, and from what is behind them', async () => {
  const [a, b] = await it.strangers({ colorScheme: 'dark', reducedMotion: 'reduce' });
  await write(a, 'mine');
  await write(b, 'theirs');
  await reads(a, 'theirs');
  const { behind, edge, mine, theirs } = await a.evaluate(() => {
    const style = (selector) => getComputedStyle(document.querySelector(selector));
    let node = document.querySelector('.log');
    while (/^rgba\(.* 0\)$/.test(getComputedStyle(node).backgroundColor)) node = node.parentElement;
    const bubble = style('.line:not(.mine) .text');
    return { behind: getComputedStyle(node).backgroundColor, edge: bubble.borderTopColor, mine: style('.mine .text').backgroundColor, theirs: bubble.backgroundColor };
  });
  assert.ok(contrast(theirs, behind) >= 1.5, `${theirs} on ${behind}`);
  assert.ok(contrast(edge, behind) >= 2, `${edge} on ${behind}`);
  assert.ok(contrast(theirs, mine) >= 1.5, `${theirs} beside ${mine}`);
});

/** The contrast of two opaque colours, as WCAG 2.2 defines it. */
function contrast(...colours) {
  const [darker, lighter] = colours.map((colour) => {
    const [red, green, blue] = colour.match(/[\d.]+/g).map((part) => {
      const value = Number(part) / 255;
      return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  }).sort((one, other) => one - other);
  return (lighter + 0.05) / (darker + 0.05);
}

test('somebody who writes is seen to write, and to stop', async () => {
  const [a, b] = await it.strangers();
  await a.locator('textarea').pressSequentially('h');
  await b.locator('.chat.typing').waitFor();
  await a.locator('textarea').press('Backspace');
  await b.locator('.chat:not(.typing)').waitFor();
});

test('what was written without a connection arrives when it is back, once and in order', async () => {
  const [a, b] = await it.strangers();
  await write(a, 'before');
  await reads(b, 'before');
  it.wire.cut();
  await a.locator('.banner:visible').waitFor();
  await write(a, 'during one');
  await write(a, 'during two');
  await a.locator('.mark[data-mark=sending]').first().waitFor();
  it.wire.mend();
  await reads(b, 'during two');
  await write(b, 'after');
  await reads(a, 'after');
  await a.locator('.banner').waitFor({ state: 'hidden' });
  assert.deepEqual(await transcript(b), ['before', 'during one', 'during two', '> after']);
});

test('leaving says goodbye, and the other can read on until it clears everything', async () => {
  const [a, b] = await it.strangers();
  await write(a, 'one last thing');
  await a.locator('.tool.leave').click();
  assert.equal(await a.evaluate(() => document.activeElement.textContent), 'Keep talking', 'a key pressed by mistake ends nothing');
  await a.locator('dialog .primary').click();
  await a.locator('.ended').waitFor();
  await b.getByRole('heading', { name: 'The other person said goodbye.' }).waitFor();
  assert.deepEqual(await transcript(b), ['one last thing']);
  await a.getByText('has confirmed that it received everything you wrote').waitFor();
  assert.equal(await a.locator('.note:visible').count(), 0, 'everything was delivered before the goodbye');
  await b.getByRole('button', { name: 'Clear everything' }).click();
  await b.getByRole('heading', { name: 'It is gone.' }).waitFor();
  assert.ok(!(await b.content()).includes('one last thing'));
});

test('a tab that closes leaves at once', async () => {
  const [a, b] = await it.strangers();
  await a.close({ runBeforeUnload: false });
  await b.getByRole('heading', { name: 'The other person ended the chat.' }).waitFor();
});

test('what was being written when the other leaves can still be kept', async () => {
  const [a, b] = await it.strangers();
  await b.locator('textarea').fill('a long answer');
  await a.locator('.tool.leave').click();
  await b.getByRole('heading', { name: 'The other person said goodbye.' }).waitFor();
  assert.equal(await b.locator('.unsent textarea').inputValue(), 'a long answer');
  assert.equal(await b.locator('.unsent textarea').getAttribute('readonly'), '');
  await b.getByRole('button', { name: 'Clear everything' }).click();
  await b.getByRole('heading', { name: 'It is gone.' }).waitFor();
  assert.equal(await b.locator('textarea').count(), 0);
});

test('a page that the browser keeps for the way back keeps nothing of the chat', async () => {
  const [a, b] = await it.strangers();
  await write(a, 'x');
  await reads(b, 'x');
  const told = await a.evaluate(() => {
    dispatchEvent(new PageTransitionEvent('pagehide', { persisted: true }));
    return { texts: document.querySelectorAll('.text').length, screen: document.getElementById('main').childElementCount };
  });
  assert.deepEqual(told, { texts: 0, screen: 0 });
  await b.getByRole('heading', { name: 'The other person ended the chat.' }).waitFor();
  await a.evaluate(() => dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true })));
  await a.locator('.start').waitFor();
});

test('a reload during a chat is asked about first', async () => {
  const [a, b] = await it.strangers();
  await write(a, 'x');
  await reads(b, 'x');
  const asked = new Promise((resolve) => a.once('dialog', async (dialog) => (resolve(dialog.type()), dialog.dismiss())));
  await Promise.all([asked, a.evaluate(() => location.reload())]);
  assert.equal(await asked, 'beforeunload');
  await write(a, 'still here');
  await reads(b, 'still here');
});

test('the next person is somebody else', async () => {
  const [a, b] = await it.strangers();
  await a.locator('.tool.next').click();
  await a.getByRole('heading', { name: 'Looking for someone…' }).waitFor();
  await b.locator('.over').waitFor();
  await b.getByRole('button', { name: 'Meet someone else' }).click();
  await b.getByRole('heading', { name: 'Looking for someone…' }).waitFor();
  const topic = await b.locator('.lead').textContent();
  const c = await it.visitor();
  await c.locator('input[type=text]').fill(topic.replace('Topic: ', ''));
  await c.locator('form button[type=submit]').click();
  await ready(c);
  await write(c, 'I am new');
  await eventually(async () => (await a.getByText('I am new').count()) + (await b.getByText('I am new').count()) > 0);
});

test('a report ends the chat for both, and does not tell the other of itself', async () => {
  const [a, b] = await it.strangers();
  await a.locator('.tool.report').click();
  await a.getByLabel('Advertising or a bot').check();
  await a.getByRole('button', { name: 'Report and end chat' }).click();
  await a.getByText('You reported and ended the chat.').waitFor();
  await b.getByRole('heading', { name: 'The other person ended the chat.' }).waitFor();
  assert.equal(await b.getByText(/report/i).filter({ visible: true }).count(), 1, 'the own button, no more');
});

test('whoever leaves first can be reported all the same', async () => {
  const [a, b] = await it.strangers();
  await b.locator('.tool.leave').click();
  await a.locator('.over').waitFor();
  await eventually(() => a.told.some(({ type }) => type === 'ended'));
  await a.locator('.over').getByRole('button', { name: 'Report' }).click();
  await a.getByLabel('Insults, threats or harassment').check();
  await a.locator('dialog button[type=submit]').click();
  await a.getByText('You reported and ended the chat.').waitFor();
  const said = a.frames_sent.filter((payload) => typeof payload === 'string').map((text) => JSON.parse(text));
  assert.deepEqual(said.at(-1), { type: 'report', category: 'abuse' });
});

test('a report that cannot be sent is not said to be', async () => {
  const [a] = await it.strangers({ wire: 'another' });
  a.wire.cut();
  await a.locator('.banner:visible').waitFor();
  await a.locator('.tool.report').click();
  await a.getByLabel('Something else').check();
  await a.locator('dialog button[type=submit]').click();
  await a.getByText('The report could not be sent').waitFor();
});

test('a search that finds nobody says why, and offers one without a topic', async () => {
  const topic = crypto.randomUUID();
  const [a, b] = [await it.visitor(), await it.visitor()];
  await a.locator('input[type=text]').fill(topic);
  await a.locator('form button[type=submit]').click();
  await a.getByText('Nobody else is waiting with this topic right now.').waitFor();
  assert.deepEqual(await a.locator('.late button').allTextContents(), ['Without a topic'], 'no role was chosen, and the language keeps nobody apart by now');
  await a.getByRole('button', { name: 'Without a topic' }).click();
  await a.getByText('Any topic').waitFor();
  await b.locator('form button[type=submit]').click();
  await Promise.all([a, b].map(ready));
  const finds = a.frames_sent.filter((payload) => typeof payload === 'string').map((text) => JSON.parse(text));
  assert.deepEqual(finds, [{ type: 'find', channel: 2, topic, lang: 'en' }, { type: 'find', channel: 2, lang: 'en' }]);
});

test('waiting can be given up', async () => {
  const a = await it.visitor();
  await a.locator('input[type=text]').fill(crypto.randomUUID());
  await a.locator('form button[type=submit]').click();
  await a.getByRole('button', { name: 'Stop waiting' }).click();
  await a.locator('.start').waitFor();
});

test('Enter of an input method does not send, Shift+Enter makes a line, Enter sends', async () => {
  const [a, b] = await it.strangers();
  await a.locator('textarea').fill('안녕');
  await a.locator('textarea').dispatchEvent('keydown', { key: 'Enter', isComposing: true });
  assert.equal(await a.locator('textarea').inputValue(), '안녕');
  // Safari ends the composition before the Enter that ended it.
  await a.locator('textarea').dispatchEvent('compositionend', { data: '녕' });
  await a.locator('textarea').dispatchEvent('keydown', { key: 'Enter', keyCode: 229, isComposing: false });
  assert.equal(await a.locator('textarea').inputValue(), '안녕');
  await a.locator('textarea').press('Shift+Enter');
  await a.locator('textarea').pressSequentially('하세요');
  await a.locator('textarea').press('Enter');
  await reads(b, '하세요');
  assert.deepEqual(await transcript(b), ['안녕\n하세요']);
});

test('a text that is too long is kept and explained', async () => {
  const [a, b] = await it.strangers();
  const longest = 'x'.repeat(8192);
  await write(a, `${longest}y`);
  await a.getByText('Too long: 1 bytes over the limit of 8192.').waitFor();
  await write(a, longest);
  await reads(b, 'xxx');
  assert.deepEqual((await transcript(b)).map((text) => text.length), [8192]);
});

test('markup is shown as it was typed', async () => {
  const [a, b] = await it.strangers();
  await write(a, '<img src=x onerror=alert(1)> & <b>bold</b>');
  await reads(b, '<img src=x onerror=alert(1)> & <b>bold</b>');
  assert.equal(await b.locator('.text img, .text b').count(), 0);
});

test('the newest line stays in sight when the window gets small, and older ones for who reads them', async () => {
  const [a, b] = await it.strangers();
  for (let line = 0; line < 30; line++) await write(b, `line ${line}`);
  await reads(a, 'line 29');
  const fromEnd = () => a.locator('.log').evaluate((log) => log.scrollHeight - log.scrollTop - log.clientHeight);
  await eventually(async () => (await fromEnd()) < 2);
  // As a keyboard does that opens on a telephone.
  await a.setViewportSize({ width: 360, height: 400 });
  await eventually(async () => (await fromEnd()) < 2);
  await a.locator('.log').evaluate((log) => (log.scrollTop = 0));
  await a.locator('.log').evaluate(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))));
  await a.setViewportSize({ width: 360, height: 700 });
  await write(b, 'one more');
  await a.getByRole('button', { name: '1 new message' }).waitFor();
  await write(b, 'and another');
  await a.getByRole('button', { name: '2 new messages' }).click();
  await eventually(async () => (await fromEnd()) < 2);
});

test('who has read older lines and scrolls back finds no new messages counted', async () => {
  const [a, b] = await it.strangers();
  for (let line = 0; line < 40; line++) await write(b, `line ${line}`);
  await reads(a, 'line 39');
  await a.locator('.log').evaluate((log) => (log.scrollTop = 0));
  await a.getByRole('button', { name: 'To the newest' }).waitFor();
  await write(b, 'one more');
  await a.getByRole('button', { name: '1 new message' }).waitFor();
  await a.locator('.log').evaluate((log) => (log.scrollTop = log.scrollHeight));
  await a.locator('.down').waitFor({ state: 'hidden' });
  await a.locator('.log').evaluate((log) => (log.scrollTop = 0));
  await a.getByRole('button', { name: 'To the newest' }).waitFor();
});

test('messages tell when they came, a run of one minute once', async () => {
  const [a, b] = await it.strangers();
  await a.clock.setFixedTime(new Date(2026, 4, 4, 9, 5));
  await b.clock.setFixedTime(new Date(2026, 4, 4, 23, 59));
  for (const text of ['one', 'two']) await write(a, text);
  await reads(b, 'two');
  const times = (page) => page.locator('time:visible').allTextContents();
  assert.deepEqual(await times(a), ['09:05']);
  assert.deepEqual(await times(b), ['23:59'], 'each by its own clock');
  await a.clock.setFixedTime(new Date(2026, 4, 4, 9, 6));
  await write(a, 'three');
  await write(b, 'four');
  await reads(a, 'four');
  assert.deepEqual(await times(a), ['09:05', '09:06', '09:06']);
});

test('a link asks before it opens, shows where it leads, and does not say where it was found', async () => {
  const [a, b] = await it.strangers();
  const address = `${it.url}v1/ready?x=1#part`;
  await write(b, `see (${address}), or https://bücher.example/ü or javascript:alert(1) or https://bank.example@evil.example/`);
  await reads(a, 'javascript');
  const links = a.getByRole('link').and(a.locator('.address'));
  assert.deepEqual(await links.allTextContents(), [address, 'https://bücher.example/ü']);
  await links.nth(1).click();
  await a.locator('dialog .whole', { hasText: 'https://xn--bcher-kva.example/%C3%BC' }).waitFor();
  assert.equal(await a.evaluate(() => document.activeElement.textContent), 'Cancel', 'Enter opens nothing by mistake');
  await a.keyboard.press('Enter');
  await a.locator('dialog').waitFor({ state: 'detached' });
  assert.equal(a.context().pages().length, 1);
  await links.first().focus();
  await a.keyboard.press('Enter');
  assert.equal(await a.locator('dialog .whole').textContent(), address);
  const [opened] = await Promise.all([a.context().waitForEvent('page'), a.getByRole('link', { name: 'Open in a new tab' }).click()]);
  await opened.waitForLoadState();
  assert.equal(opened.url(), address);
  assert.deepEqual(await opened.evaluate(() => [document.referrer, window.opener]), ['', null]);
  await write(a, 'still here');
  await reads(b, 'still here');
});
