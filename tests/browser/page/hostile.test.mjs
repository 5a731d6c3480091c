/**
 * What the other person can do to the page who does not use it, but speaks its protocol and breaks
 * it.
 */

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { afterEach, test } from 'node:test';

import { concat, utf8 } from '../../../web/bytes.js';
import { DELETE, EDIT, REACTION, REPLY, TIMER, written } from '../../../web/messages.js';
import { BYE, OPENING, TEXT, TYPING, handshakeFrame, parseFrame } from '../../../web/packet.js';
import { Hostile } from './hostile.mjs';
import { delivered, reads, ready, seek, transcript, world, write } from './support.mjs';

const it = world('--find-rate', '0');
const met = [];
afterEach(async () => {
  for (const hostile of met.splice(0)) hostile.close();
  await it.dismiss();
});

async function meet(page, topic = crypto.randomUUID()) {
  await seek(page, topic);
  const hostile = await Hostile.meet(it.url, topic);
  met.push(hostile);
  return hostile;
}

async function secured(page) {
  const hostile = await (await meet(page)).secure();
  await ready(page);
  return hostile;
}

/** The page has ended the chat, says why, and shows nothing of it. */
async function stopped(page, name, why) {
  await page.getByRole('heading', { name: 'The chat was stopped' }).waitFor().catch((fault) => assert.fail(`${name}: ${fault}`));
  await page.getByText(why).first().waitFor();
  assert.equal(await page.locator('.text, textarea').count(), 0, name);
  await page.getByRole('button', { name: 'Back to the start' }).click();
  await page.locator('.start').waitFor();
}

/** What the page says when the handshake is wrong, and when somebody with the keys breaks the rules. */
const TAMPERED = 'The encryption check failed';
const BROKEN = 'program broke the rules of the chat';

/** Everything still works, and the page shows exactly these lines and the proof. */
async function survived(page, hostile, lines) {
  await hostile.say('still here');
  await reads(page, 'still here');
  await write(page, 'so am I');
  assert.equal(await hostile.text(), 'so am I');
  await delivered(page);
  assert.deepEqual(await transcript(page), [...lines, 'still here', '> so am I']);
  assert.deepEqual(page.faults, []);
}

test('a text shows nothing that would control, turn or overdraw what is around it', async () => {
  const { cases } = JSON.parse(readFileSync(new URL('../../../schemas/vectors/text.json', import.meta.url), 'utf8'));
  const page = await it.visitor();
  const hostile = await secured(page);
  const sent = cases.filter(({ text }) => text !== '' && utf8(text).length <= 8192);
  for (const { text } of sent) await hostile.say(text);
  await survived(page, hostile, sent.map(({ shown }) => shown));
  const styles = await page.locator('.text').evaluateAll((nodes) => nodes.map((node) => {
    const { overflowX, overflowY, unicodeBidi } = getComputedStyle(node);
    return [node.dir, overflowX, overflowY, unicodeBidi].join(' ');
  }));
  assert.deepEqual([...new Set(styles)], ['auto clip clip isolate'], 'each stays in its place');
});

test('replies, reactions and edits are cleaned as texts are, and nothing happens to what is not there', async () => {
  const page = await it.visitor();
  const hostile = await secured(page);
  const say = (said) => {
    const { kind, body } = written(said);
    const message = hostile.message(kind, body);
    return hostile.packet(hostile.content([message])).then(() => message.number);
  };
  const notice = hostile.message(TYPING, Uint8Array.of(0));
  await hostile.packet(hostile.content([notice]));
  const first = await say({ kind: 'text', text: '\u202efirst\u0007' });
  const own = (number) => ({ own: true, number });
  await say({ kind: 'reply', target: own(first), text: 'answer\u202e' });
  await say({ kind: 'reaction', target: own(first), text: '\u202ex\ny\u0000' });
  for (const target of [own(notice.number), { own: false, number: 900 }, { own: false, number: 2 ** 53 }]) {
    await say({ kind: 'reaction', target, text: 'nowhere' });
  }
  const lost = await say({ kind: 'reply', target: { own: false, number: 900 }, text: 'to nothing' });
  await say({ kind: 'edit', number: notice.number, text: 'nowhere' });
  await say({ kind: 'delete', number: notice.number });
  await say({ kind: 'edit', number: lost, text: 'to nothing\u202e' });
  await survived(page, hostile, ['\ufffdfirst\ufffd', 'answer\ufffd', 'to nothing\ufffd']);
  assert.deepEqual(await page.locator('.quote').allInnerTexts(), ['In answer to:\nThe other person\n\ufffdfirst\ufffd', 'In answer to:\nA message that is gone']);
  assert.deepEqual(await page.locator('.reaction-text').allTextContents(), ['\ufffdx y\ufffd']);
  const isolated = await page.locator('.quote-text, .reaction-text').evaluateAll((nodes) => nodes.map((node) => `${node.dir} ${getComputedStyle(node).unicodeBidi}`));
  assert.deepEqual([...new Set(isolated)], ['auto isolate']);
});

/** Counts how often the page asks where the log stands, which lays it out, and each time that a line is shown. */
function counted(page) {
  return page.evaluate(() => {
    const counts = { asked: 0, shown: [] };
    globalThis.counts = counts;
    const { get } = Object.getOwnPropertyDescriptor(Element.prototype, 'scrollHeight');
    Object.defineProperty(Element.prototype, 'scrollHeight', {
      configurable: true,
      get() {
        counts.asked += 1;
        return get.call(this);
      },
    });
    const lines = [...document.querySelectorAll('.log .line:not(.dots)')];
    counts.shown = lines.map(() => 0);
    new MutationObserver((changes) => {
      for (const { target } of changes) if (target.matches('.text')) counts.shown[lines.indexOf(target.closest('.line'))] += 1;
    }).observe(document.querySelector('.log'), { childList: true, subtree: true });
  });
}

test('what a packet does to messages is shown once for each line, however many quote them', async () => {
  const page = await it.visitor();
  const hostile = await secured(page);
  const QUOTES = 120;
  await hostile.say('quoted');
  const quoted = 1 + (hostile.side === 'a');
  for (let at = 0; at < QUOTES; at += 30) {
    await hostile.packet(hostile.content(Array.from({ length: 30 }, (_, n) => {
      const { kind, body } = written({ kind: 'reply', target: { own: true, number: quoted }, text: `reply ${at + n}` });
      return hostile.message(kind, body);
    })));
  }
  await reads(page, `reply ${QUOTES - 1}`);
  await counted(page);
  await hostile.packet(hostile.content(Array.from({ length: 64 }, (_, n) => {
    const { kind, body } = written({ kind: 'edit', number: quoted, text: `edit ${n}` });
    return hostile.message(kind, body);
  })));
  await page.locator('.quote-text', { hasText: 'edit 63' }).nth(QUOTES - 1).waitFor();
  assert.deepEqual(await page.evaluate(() => counts.shown), Array(QUOTES + 1).fill(1));
  const forEdits = await page.evaluate(() => counts.asked);
  assert.ok(forEdits > 0 && forEdits <= 20, `asked ${forEdits} times in a few frames, not for each of ${64 * (QUOTES + 1)}`);

  await hostile.packet(hostile.content(Array.from({ length: 64 }, (_, n) => {
    const { kind, body } = written({ kind: 'reaction', target: { own: true, number: quoted + 1 + n }, text: '👍' });
    return hostile.message(kind, body);
  })));
  await page.locator('.reaction').nth(63).waitFor();
  assert.deepEqual(await page.evaluate(() => counts.shown), Array.from({ length: QUOTES + 1 }, (_, line) => (line >= 1 && line <= 64 ? 2 : 1)));
  const forReactions = await page.evaluate(() => counts.asked) - forEdits;
  assert.ok(forReactions <= 20, `asked ${forReactions} times`);
  assert.equal(await page.locator('.log').evaluate((log) => log.scrollHeight - log.scrollTop - log.clientHeight < 80), true, 'the end is still shown');
  assert.deepEqual(page.faults, []);
});

test('what is deleted goes from the page also where no frame is drawn', async () => {
  const page = await it.visitor();
  const hostile = await secured(page);
  await hostile.say('not for long');
  await reads(page, 'not for long');
  // As in a tab that is hidden: the browser draws nothing.
  await page.evaluate(() => (globalThis.requestAnimationFrame = () => 0));
  const { kind, body } = written({ kind: 'delete', number: 1 + (hostile.side === 'a') });
  await hostile.packet(hostile.content([hostile.message(kind, body)]));
  await page.locator('.stand-in').waitFor();
  assert.ok(!(await page.content()).includes('not for long'));
});

test('what a newer program says is shown to be there, once each, and nothing of it', async () => {
  const page = await it.visitor();
  const hostile = await secured(page);
  for (const kind of [6, 12, 255]) await hostile.packet(hostile.content([hostile.message(kind, 'from tomorrow')]));
  await survived(page, hostile, []);
  assert.equal(await page.locator('.note-line', { hasText: 'something that this page cannot show' }).count(), 2);
  assert.ok(!(await page.content()).includes('from tomorrow'));
});

test('what is no frame at all is dropped: any length, any version, any kind', async () => {
  const page = await it.visitor();
  const hostile = await secured(page);
  for (const length of [0, 1, 2, 10, 255, 256, 257, 512, 16384, 16385, 65536]) hostile.send(randomBytes(length));
  for (const start of [[0, 3], [1, 3], [3, 3], [255, 3], [2, 0], [2, 4], [2, 255]]) {
    const frame = randomBytes(256);
    frame.set(start);
    hostile.send(frame);
  }
  const late = handshakeFrame(2, new Uint8Array(32));
  late[2047] = 1;
  hostile.send(late);
  const endless = handshakeFrame(1, new Uint8Array(32));
  endless.set([255, 255], 2);
  hostile.send(endless);
  await survived(page, hostile, []);
});

test('packets that come twice, late, in the wrong order, cut short or changed never show a wrong word', async () => {
  const page = await it.visitor();
  const hostile = await secured(page);
  const held = [];
  for (let at = 0; at < 5; at++) held.push(await hostile.say(`text ${at}`, true));
  // Each in a hundred ways that are not it, then all from the last to the first, and all of it
  // again.
  for (const frame of held) {
    for (let way = 0; way < 20; way++) {
      const changed = Uint8Array.from(frame);
      changed[2 + Math.floor(Math.random() * (frame.length - 2))] ^= 1 << (way % 8);
      hostile.send(changed);
    }
    hostile.send(frame.subarray(0, frame.length - 1));
    hostile.send(frame.subarray(0, 128));
    hostile.send(Buffer.concat([frame, frame]));
  }
  for (const frame of held.toReversed()) hostile.send(frame);
  await reads(page, 'text 4');
  for (const frame of [...hostile.sent]) if (frame.length === 256 && frame[1] === 3) hostile.send(frame);
  await survived(page, hostile, [0, 1, 2, 3, 4].map((at) => `text ${at}`));
});

test('what the page itself has sent says nothing when it comes back', async () => {
  const page = await it.visitor();
  const hostile = await secured(page);
  await write(page, 'an echo?');
  assert.equal(await hostile.text(), 'an echo?');
  for (const frame of [...hostile.heard]) hostile.send(frame);
  await survived(page, hostile, ['> an echo?']);
});

test('a message number that was used already is not shown with other words', async () => {
  const page = await it.visitor();
  const hostile = await secured(page);
  await hostile.say('the first word');
  await reads(page, 'the first word');
  const used = hostile.side === 'a' ? 2 : 1;
  await hostile.packet(hostile.content([{ number: used, kind: TEXT, body: utf8('another word') }]));
  await survived(page, hostile, ['the first word']);
});

test('a handshake message in a secured chat changes nothing, since anybody in between can make one', async () => {
  const page = await it.visitor();
  const hostile = await secured(page);
  const step = hostile.side === 'a' ? 2 : 1;
  for (const length of [32, 1136, 1248, 1264]) hostile.send(handshakeFrame(step, randomBytes(length)));
  await hostile.say('as before');
  await reads(page, 'as before');
  await survived(page, hostile, ['as before']);
});

/** Faults of somebody who holds the keys: each ends the chat. */
const FAULTS = {
  'text that is not UTF-8': (hostile) => hostile.packet(hostile.content([hostile.message(TEXT, Uint8Array.of(0xff, 0xfe))])),
  'an empty text': (hostile) => hostile.packet(hostile.content([hostile.message(TEXT, '')])),
  'a text that is too long': (hostile) => hostile.packet(hostile.content([hostile.message(TEXT, 'x'.repeat(8193))])),
  'a typing notice that is no notice': (hostile) => hostile.packet(hostile.content([hostile.message(TYPING, Uint8Array.of(2))])),
  'message number 0': (hostile) => hostile.packet(hostile.content([{ number: 0, kind: TEXT, body: utf8('zero') }])),
  'a message beyond the window': (hostile) => hostile.packet(hostile.content([{ number: 67, kind: TEXT, body: utf8('far') }])),
  'an opening in the middle of a chat': (hostile) => hostile.packet(hostile.content([hostile.message(OPENING, randomBytes(32))])),
  'an acknowledgement of what was never sent': (hostile) => hostile.packet(hostile.content([], 1_000)),
  'a count that promises more than there is': (hostile) => {
    const content = hostile.content([hostile.message(TEXT, 'said')]);
    content[8] = 64;
    return hostile.packet(content);
  },
  'filler that is not zero': (hostile) => {
    const content = hostile.content([hostile.message(TEXT, 'said')]);
    content[content.length - 1] = 1;
    return hostile.packet(content);
  },
  'a reply without a target': (hostile) => hostile.packet(hostile.content([hostile.message(REPLY, 'x')])),
  'a reaction that is too long': (hostile) => hostile.packet(hostile.content([hostile.message(REACTION, concat(Uint8Array.of(1, 0, 0, 0, 0, 0, 0, 0, 1), new Uint8Array(65)))])),
  'a credential to somebody who does not seek': (hostile) => hostile.packet(hostile.content([hostile.message(5, new Uint8Array(70))])),
  'an edit of what comes later': (hostile) => hostile.packet(hostile.content([hostile.message(EDIT, written({ kind: 'edit', number: 9, text: 'x' }).body)])),
  'a deletion of nothing': (hostile) => hostile.packet(hostile.content([hostile.message(DELETE, new Uint8Array(8))])),
  'a timer of years': (hostile) => hostile.packet(hostile.content([hostile.message(TIMER, new Uint8Array(12).fill(255))])),
};

test('a fault that only somebody with the keys can make ends the chat for safety, and shows nothing of it', async () => {
  const page = await it.visitor();
  for (const [name, commit] of Object.entries(FAULTS)) {
    const hostile = await secured(page);
    await commit(hostile);
    await stopped(page, name, BROKEN);
  }
  assert.deepEqual(page.faults, []);
});

test('a word after a goodbye is not shown', async () => {
  const page = await it.visitor();
  const hostile = await secured(page);
  const words = [hostile.message(TEXT, 'before'), hostile.message(BYE, new Uint8Array(0)), hostile.message(TEXT, 'after')];
  await hostile.packet(hostile.content(words));
  await page.locator('.over, .badge').first().waitFor();
  assert.equal(await page.getByText('after', { exact: true }).count(), 0);
});

test('a handshake with a weak key, or with another opening than was promised, ends the chat', async () => {
  const page = await it.visitor();
  const seen = new Set();
  // The sides fall as they fall; each has its own ways to cheat.
  for (let round = 0; seen.size < 3; round++) {
    assert.ok(round < 60, 'one side never came up');
    const hostile = await meet(page);
    const handshake = await hostile.begin();
    let how = 'a weak key of side b';
    if (hostile.side === 'b') {
      await hostile.frame();
      hostile.send(handshakeFrame(2, new Uint8Array(1136)));
    } else if (seen.has('a weak key of side a')) {
      how = 'another opening';
      hostile.send(handshake.waiting);
      await hostile.proceed(parseFrame(await hostile.frame()), true);
      await hostile.packet(hostile.content([hostile.message(OPENING, randomBytes(32)), hostile.message(TEXT, 'never shown')]));
    } else {
      how = 'a weak key of side a';
      const body = parseFrame(handshake.waiting).body;
      hostile.send(handshakeFrame(1, body.fill(0, 0, 32)));
    }
    seen.add(how);
    await stopped(page, how, TAMPERED);
  }
});

test('a key of ML-KEM that is none ends the chat', async () => {
  const page = await it.visitor();
  for (let round = 0; ; round++) {
    assert.ok(round < 60, 'side a never came up');
    const hostile = await meet(page);
    if (hostile.side === 'a') {
      const { body } = parseFrame((await hostile.begin()).waiting);
      hostile.send(handshakeFrame(1, body.fill(255, 32, 64)));
      return stopped(page, 'a coefficient beyond the modulus', TAMPERED);
    }
    hostile.leave();
    await page.locator('.over').waitFor();
    await page.getByRole('button', { name: 'Clear everything' }).click();
    await page.getByRole('button', { name: 'Back to the start' }).click();
    await page.locator('.start').waitFor();
  }
});

test('a page that speaks another version than the server’s meets nobody, and says to load it again', async () => {
  const page = await it.person();
  await page.routeWebSocket(/v1\/ws/, (near) => {
    const far = near.connectToServer();
    // As if it were a tab that was left open.
    near.onMessage((message) => far.send(typeof message === 'string' ? message.replace('"channel":2', '"channel":1') : message));
  });
  await page.goto(it.url);
  const topic = crypto.randomUUID();
  await seek(page, topic);
  const met = Hostile.meet(it.url, topic).then(() => 'met', () => 'not met');
  await page.getByText('another version of this page').waitFor();
  assert.equal(await Promise.race([met, Promise.resolve('still waiting')]), 'still waiting');
});

test('a server that names a second room ends the chat, and the person sees it', async () => {
  const page = await it.person();
  let near;
  await page.routeWebSocket(/v1\/ws/, (socket) => {
    near = socket;
    socket.connectToServer();
  });
  await page.goto(it.url);
  await page.locator('.start').waitFor();
  const hostile = await secured(page);
  await hostile.say('before');
  await reads(page, 'before');
  near.send(JSON.stringify({ type: 'paired', room: 'AAECAwQFBgcICQoLDA0ODw', side: 'b', ticket: 't' }));
  await stopped(page, 'a second room', 'The server tried to connect you a second time');
});

test('a peer who never shakes hands is given up, and nothing was said', async () => {
  const page = await it.visitor();
  await meet(page);
  await page.getByText('Agreeing on keys…').waitFor();
  assert.ok(await page.locator('textarea').isDisabled());
  assert.ok(await page.locator('.tool.shield').isDisabled());
  await page.getByText('The two browsers could not agree on keys in time').first().waitFor();
  assert.ok(page.frames_sent.every((payload) => typeof payload === 'string' || payload[1] < 3));
});
