import assert from 'node:assert/strict';
import { test } from 'node:test';

import { KEPT, Transcript } from '../../../web/transcript.js';

const [MINE, THEIRS] = [true, false];

/** A transcript, and what it said has changed. */
function transcript() {
  const changed = [];
  const made = new Transcript((entry) => changed.push(`${entry.mine ? 'mine' : 'theirs'} ${entry.number} ${entry.state}`));
  const say = (mine, number, text, target = null, now = 0) => made.add(now, { mine, number, text, mark: 'sent', target });
  return { made, say, changed };
}

test('a reply holds what it answers, as long as that is shown', () => {
  const { made, say } = transcript();
  const first = say(THEIRS, 1, 'first');
  const answer = say(MINE, 1, 'second', { own: false, number: 1 });
  assert.equal(answer.answers, first);
  assert.equal(say(THEIRS, 2, 'third', { own: true, number: 1 }).answers, first, 'a side may answer itself');
  assert.equal(say(THEIRS, 3, 'x', { own: false, number: 7 }).answers, 'gone', 'what was never shown is gone');
  made.delete(THEIRS, 1);
  assert.equal(answer.answers, 'gone');
  assert.equal(say(MINE, 2, 'y', { own: false, number: 1 }).answers, 'gone');
});

test('each side has one reaction to a message, and the newest counts', () => {
  const { made, say, changed } = transcript();
  const entry = say(THEIRS, 4, 'x');
  made.react(MINE, { own: false, number: 4 }, '👍');
  made.react(MINE, { own: false, number: 4 }, '😮');
  made.react(THEIRS, { own: true, number: 4 }, '🙏');
  assert.deepEqual(entry.reactions, { mine: '😮', theirs: '🙏' });
  made.react(MINE, { own: false, number: 4 }, '');
  assert.deepEqual(entry.reactions, { mine: '', theirs: '🙏' });
  assert.equal(changed.length, 4);
  assert.equal(made.react(MINE, { own: true, number: 4 }, '👍'), undefined, 'nothing is there');
});

test('only a side itself changes and deletes what it said', () => {
  const { made, say, changed } = transcript();
  const mine = say(MINE, 1, 'mine');
  const theirs = say(THEIRS, 1, 'theirs');
  made.edit(THEIRS, 1, 'changed');
  assert.deepEqual([mine.text, mine.edited, theirs.text, theirs.edited], ['mine', false, 'changed', true]);
  made.react(MINE, { own: false, number: 1 }, '👍');
  const answer = say(MINE, 2, 'answer', { own: false, number: 1 });
  changed.length = 0;
  made.delete(THEIRS, 1);
  assert.deepEqual(changed, ['theirs 1 deleted', 'mine 2 shown'], 'its quote, too');
  assert.deepEqual([theirs.text, theirs.edited, theirs.reactions, answer.answers], ['', false, { mine: '', theirs: '' }, 'gone']);
  for (const nothing of [made.edit(THEIRS, 1, 'x'), made.delete(THEIRS, 1), made.react(MINE, { own: false, number: 1 }, 'x'), made.edit(THEIRS, 2, 'x')]) assert.equal(nothing, undefined);
  assert.equal(theirs.text, '', 'what is deleted stays so');
});

test('what is said under a timer vanishes when its time has come, and leaves no text', () => {
  const { made, say, changed } = transcript();
  say(THEIRS, 1, 'before', null, 0);
  assert.equal(made.setTimer(MINE, { number: 1, seconds: 30, heard: 1 }), true);
  const vanishing = say(THEIRS, 2, 'x', null, 5_000);
  const answer = say(MINE, 2, 'y', { own: false, number: 2 }, 9_000);
  assert.equal(made.setTimer(MINE, { number: 3, seconds: 0, heard: 2 }), true);
  say(THEIRS, 3, 'after', { own: false, number: 2 }, 10_000);
  assert.equal(made.nextEnd, 35_000);
  made.vanish(34_999);
  assert.deepEqual(changed, []);
  made.vanish(35_000);
  assert.deepEqual(changed, ['theirs 2 gone', 'mine 2 shown', ]);
  assert.deepEqual([vanishing.text, answer.answers, made.find(MINE, { own: false, number: 2 })], ['', 'gone', undefined]);
  made.vanish(39_000);
  assert.equal(made.nextEnd, null);
  assert.equal(made.find(MINE, { own: false, number: 3 }).text, 'after');
});

test('of two timers the one holds whose side knew the other, and the shorter one if neither did', () => {
  const cases = [
    ['only theirs', null, { number: 4, seconds: 30, heard: 0 }, 30],
    ['theirs is later', { number: 2, seconds: 30, heard: 1 }, { number: 4, seconds: 300, heard: 2 }, 300],
    ['theirs is later, and ends it', { number: 2, seconds: 30, heard: 1 }, { number: 4, seconds: 0, heard: 5 }, 0],
    ['mine is later', { number: 2, seconds: 300, heard: 4 }, { number: 4, seconds: 30, heard: 1 }, 300],
    ['at once', { number: 2, seconds: 300, heard: 3 }, { number: 4, seconds: 30, heard: 1 }, 30],
    ['at once, one of them off', { number: 2, seconds: 0, heard: 3 }, { number: 4, seconds: 3_600, heard: 1 }, 3_600],
    ['at once, both off', { number: 2, seconds: 0, heard: 3 }, { number: 4, seconds: 0, heard: 1 }, 0],
  ];
  for (const [name, one, other, seconds] of cases) {
    // As each of the two sides sees it.
    for (const [mine, theirs] of [[one, other], [other, one]]) {
      const { made } = transcript();
      if (mine !== null) made.setTimer(MINE, mine);
      if (theirs !== null) made.setTimer(THEIRS, theirs);
      assert.equal(made.seconds, seconds, name);
    }
  }
});

test('a setting that changes nothing is told as none', () => {
  const { made } = transcript();
  assert.equal(made.setTimer(THEIRS, { number: 1, seconds: 0, heard: 0 }), false);
  assert.equal(made.setTimer(THEIRS, { number: 2, seconds: 60, heard: 0 }), true);
  assert.equal(made.setTimer(MINE, { number: 1, seconds: 60, heard: 2 }), false);
});

test('the oldest messages are forgotten, and in the end all of them', () => {
  const { made, say, changed } = transcript();
  const first = say(THEIRS, 1, 'first');
  for (let number = 2; number <= KEPT; number++) say(THEIRS, number, 'x');
  assert.equal(first.state, 'shown');
  say(THEIRS, KEPT + 1, 'x');
  assert.deepEqual([first.state, first.text, changed], ['gone', '', ['theirs 1 gone']]);
  const last = say(MINE, 1, 'last');
  made.clear();
  assert.deepEqual([last.state, last.text, made.find(MINE, { own: false, number: 2 })], ['gone', '', undefined]);
});
