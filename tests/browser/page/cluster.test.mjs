/** Two gateways on NATS, and what people see of it when one of them dies or goes away. */

import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';

import { Terminal } from './program.mjs';
import { clusterWorld, delivered, eventually, makeInvite, reads, ready, safetyOf, transcript, write } from './support.mjs';

const it = clusterWorld({ options: ['--drain-spread', '500ms'] });
afterEach(() => it.dismiss());

const numbered = (word, from, to) => Array.from({ length: to - from }, (_, at) => `${word} ${from + at}`);

async function writeAll(page, texts) {
  for (const text of texts) await write(page, text);
}

const own = (lines) => lines.filter((line) => line.startsWith('> ')).map((line) => line.slice(2));
const others = (lines) => lines.filter((line) => !line.startsWith('> '));

test('a gateway is killed while both write: one reconnects, the other sees it away and back, and nothing is lost', async () => {
  const [first, second] = it.nodes.gateways;
  const [a, b] = await it.invited({ through: [first, second] }, { through: [second] });
  const before = await Promise.all([a, b].map(safetyOf));
  assert.deepEqual(before[0], before[1]);
  await Promise.all([writeAll(a, numbered('one', 0, 10)), writeAll(b, numbered('two', 0, 10))]);
  // Held off the other gateway for as long as it takes to be missed.
  a.wire.cut();
  await Promise.all([first.kill(), writeAll(b, numbered('two', 10, 20))]);
  await a.locator('.banner', { hasText: 'The connection to the server is lost.' }).waitFor();
  await b.getByText('Away, may come back').waitFor();
  await Promise.all([writeAll(a, numbered('one', 10, 20)), writeAll(b, numbered('two', 20, 30))]);
  a.wire.mend();
  await Promise.all([reads(a, 'two 29'), reads(b, 'one 19')]);
  for (const page of [a, b]) await page.locator('.state', { hasText: 'Connected' }).waitFor();
  assert.equal(await a.locator('.banner:visible').count() + await b.locator('.banner:visible').count(), 0);
  await Promise.all([a, b].map(delivered));
  const [seenByA, seenByB] = [await transcript(a), await transcript(b)];
  assert.deepEqual([own(seenByA), others(seenByA)], [numbered('one', 0, 20), numbered('two', 0, 30)]);
  assert.deepEqual([own(seenByB), others(seenByB)], [numbered('two', 0, 30), numbered('one', 0, 20)]);
  assert.deepEqual(await Promise.all([a, b].map(safetyOf)), before, 'the code stays');
  await it.nodes.replace(first);
});

test('a gateway is killed and the page is back at once, in mid-sentence, at the other', async () => {
  const [first, second] = it.nodes.gateways;
  const page = await it.visitor({ through: [first, second] });
  const other = new Terminal('--url', `http://127.0.0.1:${second.port}`, '--invite', await makeInvite(page));
  try {
    const [code] = await Promise.all([other.secured(), ready(page)]);
    const writing = writeAll(page, numbered('from the page', 0, 40));
    await other.reads('from the page 5');
    await first.kill();
    other.type('from the terminal');
    await writing;
    await Promise.all([other.reads('from the page 39'), reads(page, 'from the terminal')]);
    assert.deepEqual(other.out.trim().split('\n'), numbered('from the page', 0, 40));
    assert.deepEqual(await safetyOf(page), code);
    other.close();
    await page.getByRole('heading', { name: 'The other person said goodbye.' }).waitFor();
    assert.equal(await other.ended, 0);
  } finally {
    await other.kill();
  }
  await it.nodes.replace(first);
});

test('a terminal whose gateway is killed goes on at the other', async () => {
  const [first, second] = it.nodes.gateways;
  const page = await it.visitor({ through: [second] });
  // A terminal begins at any of its addresses: at first only one works.
  const wire = await it.makeWire(second);
  const { port: later } = wire.server.address();
  wire.server.close();
  const urls = [first.port, later].map((port) => `http://127.0.0.1:${port}`).join();
  const other = new Terminal('--url', urls, '--invite', await makeInvite(page));
  try {
    const [code] = await Promise.all([other.secured(), ready(page)]);
    wire.server.listen(later, '127.0.0.1');
    await first.kill();
    await writeAll(page, numbered('meanwhile', 0, 10));
    await other.says('connected again');
    other.type('I am back');
    await Promise.all([reads(page, 'I am back'), other.reads('meanwhile 9')]);
    assert.deepEqual(other.out.trim().split('\n'), numbered('meanwhile', 0, 10));
    assert.deepEqual(await safetyOf(page), code);
  } finally {
    await other.kill();
  }
  await it.nodes.replace(first);
});

test('a gateway that is stopped in an orderly way sends its people to the other, and the chat goes on', async () => {
  const [first, second] = it.nodes.gateways;
  const [a, b] = await it.invited({ through: [first] }, { through: [second] });
  await write(a, 'before');
  await reads(b, 'before');
  // As an operator does: out of the balancer first, then down.
  a.wire.lead(second.port);
  first.signal('SIGTERM');
  await Promise.all([writeAll(a, numbered('one', 0, 20)), writeAll(b, numbered('two', 0, 20))]);
  await Promise.all([reads(a, 'two 19'), reads(b, 'one 19'), first.ended]);
  assert.equal(await first.ended, 0);
  await write(a, 'after');
  await reads(b, 'after');
  await delivered(a);
  assert.deepEqual(others(await transcript(b)), ['before', ...numbered('one', 0, 20), 'after']);
  assert.deepEqual(others(await transcript(a)), numbered('two', 0, 20));
  assert.ok(a.told.some(({ type }) => type === 'drain'), 'it was told, not cut off');
  await it.nodes.replace(first);
});

test('a closed tab, and a third with a used link, are told across gateways', async () => {
  const [first, second] = it.nodes.gateways;
  const [host, guest, link] = await it.invited({ through: [first] }, { through: [second] });
  const late = await it.person({ through: [second] });
  await late.goto(link.replace(host.wire.url, late.wire.url));
  await late.getByRole('button', { name: 'Join the chat' }).click();
  await late.getByRole('heading', { name: 'This link has been used' }).waitFor();
  await write(host, 'undisturbed');
  await reads(guest, 'undisturbed');
  await host.close({ runBeforeUnload: false });
  await guest.getByRole('heading', { name: 'The other person ended the chat.' }).waitFor();
});

test('the whole of NATS is gone for a while: the page waits, and all arrives when it is back', async () => {
  const [first, second] = it.nodes.gateways;
  const [a, b] = await it.invited({ through: [first] }, { through: [second] });
  it.nodes.nats.signal('SIGSTOP');
  await a.getByText('Away, may come back').waitFor();
  await writeAll(a, numbered('kept', 0, 5));
  it.nodes.nats.signal('SIGCONT');
  await reads(b, 'kept 4');
  await eventually(async () => (await a.locator('.banner:visible').count()) === 0);
  assert.deepEqual(await transcript(b), numbered('kept', 0, 5));
});
