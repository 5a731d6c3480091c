/** The example bot, as it is installed: its hours, and people who meet it. */

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';

import { Program } from '../page/program.mjs';
import { reads, seek, transcript, world } from '../page/support.mjs';
import { PLACE } from './installed.mjs';
import { client, heard } from './support.mjs';

const BOT = `${PLACE}/examples/opening-hours-bot`;
const { isOpen, parseHours } = await import(`${BOT}/hours.mjs`);
const it = world();
const dir = mkdtempSync(join(tmpdir(), 'bot-'));
after(() => rmSync(dir, { recursive: true }));

const ALWAYS = 'Mon-Sun 00:00-24:00';
/** Hours of one day that is neither today nor near it. */
const closedNow = () => {
  const day = new Intl.DateTimeFormat('en-US', { timeZone: 'Asia/Seoul', weekday: 'short' }).format(new Date(Date.now() + 3 * 24 * 3600_000));
  return `${day} 09:00-17:00`;
};

/** The bot under a topic of its own. */
function bot(variables) {
  const topic = crypto.randomUUID();
  const program = new Program(process.execPath, [`${BOT}/bot.mjs`], { CHAT_URL: it.url, TOPIC: topic, TIME_ZONE: 'Asia/Seoul', ...variables });
  after(() => program.kill());
  return { topic, program };
}

test('hours are read, and hold in their time zone', () => {
  const hours = parseHours('Mon-Fri 09:00-17:00, Sat 10:00-12:30');
  const at = (time, zone = 'UTC') => isOpen(hours, zone, new Date(time));
  assert.deepEqual(['2026-11-27T08:59Z', '2026-11-27T09:00Z', '2026-11-27T16:59Z', '2026-11-27T17:00Z'].map((time) => at(time)), [false, true, true, false], 'a Friday');
  assert.deepEqual(['2026-11-28T10:00Z', '2026-11-28T12:30Z', '2026-11-29T11:00Z'].map((time) => at(time)), [true, false, false], 'the weekend');
  assert.deepEqual([at('2026-11-27T00:30Z', 'Asia/Seoul'), at('2026-11-29T23:30Z', 'Asia/Seoul'), at('2026-11-30T00:30Z', 'Asia/Seoul')], [true, false, true]);
  assert.equal(isOpen(parseHours(ALWAYS), 'UTC', new Date('2026-11-29T23:59Z')), true);
  for (const wrong of ['', 'Mon', 'Mon 9:00-17:00', 'Xxx 09:00-17:00', 'Fri-Mon 09:00-17:00', 'Mon 17:00-09:00', 'Mon 09:00-25:00', 'Mon 09:60-10:00']) assert.throws(() => parseHours(wrong), /no opening hours/, wrong);
});

test('who comes outside the hours is told them by the page, and that it was a program', async () => {
  const hours = closedNow();
  const { topic, program } = bot({ HOURS: hours });
  await program.says(/waiting/, 'out');
  const page = await it.visitor();
  await page.locator('main select').last().selectOption('seek');
  await seek(page, topic);
  await reads(page, 'I am a program, not a person.');
  await reads(page, `Nobody is here now. People answer ${hours} (Asia/Seoul).`);
  await page.getByRole('heading', { name: 'The other person said goodbye.' }).waitFor();
  assert.equal((await transcript(page)).length, 2);
  await program.says(/one was answered/, 'out');
  assert.equal(program.err, '');
  await it.dismiss();
});

test('within the hours each is handed a link of its own, behind which somebody waits', async () => {
  const desk = await client(it.url);
  const invites = [await desk.createInvite(), await desk.createInvite()];
  const file = join(dir, 'links');
  writeFileSync(file, invites.map(({ link }) => `${link}\n`).join(''));
  const { topic } = bot({ HOURS: ALWAYS, DESK_LINKS: file });
  const waiting = desk.find({ invite: invites[0] });
  const given = [];
  for (let seeker = 0; seeker < 3; seeker += 1) {
    const one = await client(it.url);
    const chat = heard(await one.find({ topic, role: 'seek' }));
    assert.equal((await chat.ended).reason, 'bye');
    const [first, second] = chat.told.filter(([type]) => type === 'text').map(([, { text }]) => text);
    assert.equal(first, 'I am a program, not a person.');
    given.push(second.match(/https?:\S+#\S+/)?.[0] ?? second);
  }
  assert.deepEqual(given.slice(0, 2), invites.map(({ link }) => link));
  assert.match(given[2], /^Everybody is in a chat at the moment/);
  const [helper, seeker] = await Promise.all([waiting, (await client(it.url)).find({ invite: given[0] })]);
  assert.equal(await helper.send('I am here').delivered, true);
  assert.equal(seeker.byInvite, true);
});
