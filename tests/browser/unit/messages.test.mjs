import assert from 'node:assert/strict';
import { test } from 'node:test';

import { MAX_REACTION, MAX_TEXT, MAX_TIMER } from '../../../web/limits.js';
import { DELETE, EDIT, REACTION, REPLY, TIMER, readMessage, written } from '../../../web/messages.js';
import { hex, pass, secured, unhex } from './support.mjs';

const number = (value) => value.toString(16).padStart(16, '0');
const target = (whose, of) => `0${whose}${number(of)}`;
const utf8 = (text) => hex(Buffer.from(text));
/** What a message with the number 9 says. */
const read = (kind, body) => readMessage({ number: 9, kind, body: unhex(body) });

test('each kind has the form of the protocol, and is read as it was written', () => {
  const cases = [
    [{ kind: 'reply', target: { own: true, number: 3 }, text: 'é' }, REPLY, `${target(0, 3)}c3a9`, { kind: 'reply', number: 9, target: { own: true, number: 3 }, text: 'é' }],
    [{ kind: 'reaction', target: { own: false, number: 300 }, text: '👍' }, REACTION, `${target(1, 300)}f09f918d`, { kind: 'reaction', number: 9, target: { own: false, number: 300 }, text: '👍' }],
    [{ kind: 'reaction', target: { own: false, number: 1 }, text: '' }, REACTION, target(1, 1), { kind: 'reaction', number: 9, target: { own: false, number: 1 }, text: '' }],
    [{ kind: 'edit', number: 8, text: 'new' }, EDIT, `${number(8)}${utf8('new')}`, { kind: 'edit', number: 9, edits: 8, text: 'new' }],
    [{ kind: 'delete', number: 2 }, DELETE, number(2), { kind: 'delete', number: 9, deletes: 2 }],
    [{ kind: 'timer', seconds: 300, heard: 7 }, TIMER, `0000012c${number(7)}`, { kind: 'timer', number: 9, seconds: 300, heard: 7 }],
  ];
  for (const [said, kind, body, heard] of cases) {
    const message = written(said);
    assert.deepEqual([message.kind, hex(message.body)], [kind, body], said.kind);
    assert.deepEqual(read(kind, body), heard, said.kind);
  }
});

test('what breaks the form of its kind is malformed', () => {
  const text = utf8('x');
  const bad = {
    'a reply without a text': [REPLY, target(1, 1)],
    'a reply without a target': [REPLY, '01'],
    'a reply of nobody': [REPLY, target(2, 1) + text],
    'a reply to number 0': [REPLY, target(1, 0) + text],
    'a reply to itself': [REPLY, target(0, 9) + text],
    'a reply to what its own side says later': [REPLY, target(0, 10) + text],
    'a reply that is not UTF-8': [REPLY, `${target(1, 1)}ff`],
    'a reply that is too long': [REPLY, target(1, 1) + '61'.repeat(MAX_TEXT + 1)],
    'an empty reaction to nothing': [REACTION, ''],
    'a reaction that is too long': [REACTION, target(1, 1) + '61'.repeat(MAX_REACTION + 1)],
    'a reaction that is not UTF-8': [REACTION, `${target(1, 1)}c3`],
    'a reaction of nobody': [REACTION, target(9, 1)],
    'an edit of itself': [EDIT, number(9) + text],
    'an edit of number 0': [EDIT, number(0) + text],
    'an edit without a text': [EDIT, number(1)],
    'an edit that is too long': [EDIT, number(1) + '61'.repeat(MAX_TEXT + 1)],
    'a deletion of what comes later': [DELETE, number(10)],
    'a deletion that is too long': [DELETE, `${number(1)}00`],
    'a deletion that is too short': [DELETE, '01'],
    'a timer that is too short': [TIMER, '0000012c'],
    'a timer that is too long': [TIMER, `0000012c${number(1)}00`],
    'a timer of more than a day': [TIMER, (MAX_TIMER / 1000 + 1).toString(16).padStart(8, '0') + number(0)],
  };
  for (const [name, [kind, body]] of Object.entries(bad)) assert.equal(read(kind, body), null, name);
});

test('the longest of everything is taken', () => {
  assert.equal(read(REPLY, target(0, 8) + '61'.repeat(MAX_TEXT)).text.length, MAX_TEXT);
  assert.equal(read(REACTION, target(1, 1) + '61'.repeat(MAX_REACTION)).text.length, MAX_REACTION);
  assert.equal(read(TIMER, (MAX_TIMER / 1000).toString(16).padStart(8, '0') + number(0)).seconds, 86_400);
  assert.deepEqual(read(REACTION, `01${'f'.repeat(16)}`).target.own, false, 'a number that no honest side reaches names nothing');
});

test('kinds of later versions are told, and reserved ones are passed over', () => {
  assert.deepEqual(read(0, '00'), { kind: 'later' });
  for (const kind of [12, 255]) assert.deepEqual(read(kind, '00'), { kind: 'unknown', number: 9 });
});

test('what is empty or too long is not sent', () => {
  const answered = { own: false, number: 1 };
  assert.deepEqual(written({ kind: 'reply', target: answered, text: '' }), { refused: 'empty' });
  assert.deepEqual(written({ kind: 'edit', number: 1, text: 'é'.repeat(MAX_TEXT) }), { refused: 'too-long' });
  assert.deepEqual(written({ kind: 'reaction', target: answered, text: 'é'.repeat(33) }), { refused: 'too-long' });
});

test('both sides of a channel say everything, in order, and only texts and replies are told to be delivered', async () => {
  const [a, b] = await secured();
  const say = async (side, said) => {
    const sent = side.channel.send(side.now, said);
    await sent.done;
    await pass(a, b, a.now + 1000);
    return sent.number;
  };
  const text = await say(a, { kind: 'text', text: 'first' });
  const reply = await say(b, { kind: 'reply', target: { own: false, number: text }, text: 'second' });
  await say(a, { kind: 'reaction', target: { own: false, number: reply }, text: '👍' });
  await say(b, { kind: 'edit', number: reply, text: 'third' });
  await say(b, { kind: 'timer', seconds: 30, heard: b.channel.heard });
  await say(a, { kind: 'delete', number: text });
  const told = (side) => side.takeEvents().map(({ kind, text = '', seconds = '', heard = '' }) => [kind, text, seconds, heard].join(' ').trim());
  assert.deepEqual(told(b), ['message first', 'delivered', 'reaction 👍', 'delete']);
  assert.deepEqual(told(a), ['delivered', 'reply second', 'edit third', `timer  30 ${text + 1}`]);
});
