/** The desk's decisions: the shift, the queue, keys, ready answers. */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

import { ANSWER_CHARS, Answers, OWN_ANSWERS, deskOf } from '../../../web/desk/answers.js';
import { KEYS, meaningOf } from '../../../web/desk/keys.js';
import { ownPass } from '../../../web/desk/pass.js';
import { WHOEVER, isSomebodyWaiting, nextTopic, rowsOf } from '../../../web/desk/queue.js';
import { Shift, sinceLastWord } from '../../../web/desk/shift.js';

const states = (shift) => shift.places.map(({ state }) => state);

test('one person at a time is looked for, and only while there is a place', () => {
  const shift = new Shift(2);
  assert.equal(shift.take('debt'), 0);
  assert.equal(shift.take('debt'), null, 'one is looked for already');
  shift.came(0, 1_000);
  assert.equal(shift.take(''), 1);
  shift.came(1, 2_000);
  assert.deepEqual(states(shift), ['chat', 'chat']);
  assert.equal(shift.canTake, false);
  assert.equal(shift.take(''), null);
  shift.ended(0);
  assert.equal(shift.take(''), null, 'what is over is still shown');
  shift.clear(0);
  assert.equal(shift.take('grief'), 0);
  assert.equal(shift.lastTopic, 'grief');
});

test('the next one comes to the place that is looked at, if it is free', () => {
  const shift = new Shift(3);
  shift.select(2);
  assert.equal(shift.take(''), 2);
  shift.came(2, 0);
  assert.equal(shift.take(''), 0);
});

test('a pause ends the search, takes nobody, and leaves the chats', () => {
  const shift = new Shift(2);
  shift.take('');
  shift.came(0, 0);
  shift.take('');
  assert.deepEqual(shift.pause(), [1]);
  assert.deepEqual(states(shift), ['chat', 'free']);
  assert.equal(shift.take(''), null);
  assert.equal(shift.rings(true), false);
  shift.resume();
  assert.equal(shift.take(''), 1);
  shift.gaveUp(1);
  shift.gaveUp(0);
  assert.deepEqual(states(shift), ['chat', 'free'], 'a chat is no search');
});

test('what is written while nobody looks is counted until somebody does', () => {
  const shift = new Shift(2);
  shift.take('');
  shift.came(0, 0);
  shift.heard(0, 1);
  assert.equal(shift.current.unread, 0, 'it is looked at');
  shift.isSeen = false;
  shift.heard(0, 2);
  shift.look();
  assert.equal(shift.current.unread, 1, 'the page is not');
  shift.isSeen = true;
  shift.select(1);
  shift.heard(0, 3);
  assert.equal(shift.places[0].unread, 2);
  shift.select(0);
  assert.equal(shift.places[0].unread, 0);
  shift.select(7);
  assert.equal(shift.selected, 0, 'there is no such place');
});

test('the bell rings while somebody waits and could be taken, and until somebody who came is looked at', () => {
  const shift = new Shift(2);
  assert.equal(shift.rings(false), false);
  assert.equal(shift.rings(true), true);
  shift.take('');
  assert.equal(shift.rings(true), false, 'the next one is being taken');
  shift.came(0, 0);
  assert.equal(shift.rings(false), false, 'it is looked at');
  shift.take('');
  shift.came(1, 0);
  assert.equal(shift.rings(false), true);
  shift.pause();
  assert.equal(shift.rings(false), true, 'somebody is here');
  shift.select(1);
  assert.equal(shift.rings(true), false, 'there is no place');
});

test('nothing of a chat stays in its place', () => {
  const shift = new Shift(1);
  shift.take('grief');
  shift.came(0, 5);
  shift.current.notes = 'her sister';
  shift.said(0, 6);
  assert.deepEqual(shift.current.lastWord, { at: 6, mine: true });
  shift.parted(0);
  assert.deepEqual(shift.current, { state: 'parting', topic: '', isAnswered: true, unread: 0, lastWord: null, notes: '' });
  shift.clear(0);
  assert.equal(shift.current.state, 'free');
  shift.take('');
  shift.came(0, 7);
  shift.current.notes = 'x';
  assert.equal(shift.isNeeded, true);
  shift.end();
  assert.deepEqual([shift.current.notes, shift.isNeeded], ['', false]);
});

test('the keyboard goes from chat to chat, over free places', () => {
  const shift = new Shift(3);
  assert.equal(shift.neighbour(1), 0, 'there is no other');
  shift.take('');
  shift.came(0, 0);
  shift.select(2);
  shift.take('');
  shift.came(2, 0);
  assert.equal(shift.neighbour(1), 0);
  shift.select(0);
  assert.deepEqual([shift.neighbour(1), shift.neighbour(-1)], [2, 2]);
});

test('the time since the last word is told in steps', () => {
  const after = (seconds) => sinceLastWord(0, seconds * 1000);
  assert.deepEqual([0, 29, 30, 61, 200, 299, 601, 1799, 3600, 7199, 7200, 10_900].map(after), [0, 0, 30, 60, 180, 240, 600, 900, 3600, 3600, 7200, 10_800]);
  assert.equal(sinceLastWord(5_000, 1_000), 0, 'a clock that goes back');
});

test('the queue has a row for each topic that the helper may take', () => {
  const presence = [{ topic: '', waiting: 'none' }, { topic: 'Grief', waiting: 'few' }].map((one) => ({ helpers: null, others: null, ...one }));
  assert.deepEqual(rowsOf(['Grief', 'debt'], presence, null), [{ topic: '', waiting: 'none' }, { topic: 'Grief', waiting: 'few' }, { topic: 'debt', waiting: null }]);
  assert.deepEqual(rowsOf(['Grief', 'debt'], presence, ['grief']), [{ topic: 'Grief', waiting: 'few' }], 'a pass for topics is for no chat without one');
  assert.deepEqual(rowsOf([], presence, null), [{ topic: '', waiting: 'none' }]);
  assert.deepEqual(rowsOf([], [], ['grief']), [{ topic: 'grief', waiting: null }]);
  assert.equal(isSomebodyWaiting(rowsOf(['Grief'], presence, null)), true);
  assert.equal(isSomebodyWaiting(rowsOf(['debt'], presence, null)), false);
});

test('whoever is needed most is next, and of equals each has a turn', () => {
  const rows = [{ topic: '', waiting: 'none' }, { topic: 'a', waiting: 'few' }, { topic: 'b', waiting: 'many' }, { topic: 'c', waiting: 'few' }];
  assert.equal(nextTopic(rows, WHOEVER, null), 'b');
  assert.equal(nextTopic(rows, 'a', null), 'a');
  assert.equal(nextTopic(rows, '', null), '', 'no topic is a choice, too');
  assert.equal(nextTopic(rows, 'gone', null), 'b');
  const equal = rows.map(({ topic }) => ({ topic, waiting: null }));
  assert.deepEqual([null, '', 'a', 'b', 'c', 'gone'].map((last) => nextTopic(equal, WHOEVER, last)), ['', 'a', 'b', 'c', '', '']);
  assert.equal(nextTopic([], WHOEVER, null), '');
});

test('single keys act, but not while somebody writes or holds another key', () => {
  const press = (key, more = {}, isWriting = false) => meaningOf({ key, code: '', ctrlKey: false, metaKey: false, altKey: false, ...more }, isWriting);
  for (const [key, act] of KEYS) assert.equal(press(key), act);
  assert.equal(press('N'), 'next');
  assert.equal(press('1'), 0);
  assert.equal(press('9'), 8);
  assert.equal(press('0'), null);
  assert.equal(press('n', {}, true), null);
  for (const held of ['ctrlKey', 'metaKey', 'altKey']) assert.equal(press('n', { [held]: true }), null);
  assert.equal(press('ㅜ', { code: 'KeyN' }), 'next', 'the key in the same place of a Korean keyboard');
  assert.equal(press('b', { code: 'KeyN' }), null, 'a letter is what it says, wherever it is');
  assert.equal(press('Enter', { code: 'Enter' }), null);
  assert.equal(new Set(KEYS.map(([key]) => key)).size, KEYS.length);
});

test('answers of one’s own come before those of the operator, and can be found by their words', () => {
  const answers = new Answers(['Hello. How are you?', 'Call 112 now.']);
  assert.equal(answers.add('  Take your time. '), null);
  assert.equal(answers.add('Take your time.'), null, 'it is there already');
  assert.deepEqual(answers.all, [{ text: 'Take your time.', own: true }, { text: 'Hello. How are you?', own: false }, { text: 'Call 112 now.', own: false }]);
  assert.deepEqual(answers.matching('YOU hello').map(({ text }) => text), ['Hello. How are you?']);
  assert.equal(answers.matching(' ').length, 3);
  answers.drop('Take your time.');
  answers.drop('Call 112 now.');
  assert.equal(answers.all.length, 2, 'the operator’s stay');
  assert.equal(answers.add(' '), 'empty');
  assert.equal(answers.add('x'.repeat(ANSWER_CHARS + 1)), 'long');
  assert.equal(answers.add('😀'.repeat(ANSWER_CHARS)), null, 'characters, not code units');
  for (let count = 1; count < OWN_ANSWERS; count++) assert.equal(answers.add(`answer ${count}`), null);
  assert.equal(answers.add('one more'), 'many');
});

test('what the server sets for the desk is used as far as it can be', () => {
  assert.deepEqual(deskOf({ chats: 5, answers: ['a', 1, 'b'] }), { chats: 5, answers: ['a', 'b'] });
  for (const bad of [null, {}, { chats: 0 }, { chats: 2.5 }, { chats: 99, answers: 'no' }]) assert.deepEqual(deskOf(bad), { chats: 3, answers: [] });
});

test('a link gives the helper, and what the pass is for; what is no pass of one’s own gives nothing', async () => {
  const { pass, secret } = JSON.parse(readFileSync(new URL('../../../schemas/vectors/passes.json', import.meta.url), 'utf8'));
  const NOW = 1_800_000_000_000;
  const link = `https://chat.example/desk#${secret.text}.${pass.text}`;
  const own = await ownPass(link, null, NOW);
  assert.deepEqual([own.topics, own.until, own.key], [pass.topics, pass.expires * 1000, Buffer.from(secret.public, 'hex').toString('base64url')]);
  assert.equal(own.helper.pass, pass.text);
  assert.equal(await ownPass(link, null, pass.expires * 1000), 'expired');
  const alone = await ownPass(`#${secret.text}`, null, NOW);
  assert.equal(Buffer.from(alone.secret).toString('hex'), secret.bytes);
  assert.equal((await ownPass(` ${pass.text}\n`, alone.secret, NOW)).key, own.key, 'the pass that the link came without');
  const other = Buffer.alloc(32, 7).toString('base64url');
  for (const bad of ['', 'x', `#${secret.text}.x`, `#${secret.text}.`, `#${other}.${pass.text}`]) assert.equal(await ownPass(bad, null, NOW), 'malformed', bad);
});
