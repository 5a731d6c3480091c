import assert from 'node:assert/strict';
import { test } from 'node:test';

import { translate } from '../../../web/i18n.js';
import { UNKNOWN, isSomebodyThere, otherSearches, outlookOf, presenceOf, whoIsThere } from '../../../web/outlook.js';
import { sentences } from '../../../web/outlook-words.js';

const said = (message, role) => sentences(outlookOf(message), role).map(([key, values]) => translate(key, values)).join(' ');

test('what is known is said, and nothing else', () => {
  assert.equal(said({ ahead: 2, partners: 'few', about_s: 300 }, 'seek'), 'Two to four people are before you. Most wait less than 5 minutes.');
  assert.equal(said({ ahead: 0, partners: 'few' }, 'seek'), 'You are next.');
  assert.equal(said({ partners: 'many', about_s: 30 }, 'seek'), 'Most wait less than half a minute.');
  assert.equal(said({ about_s: 60 }), 'Most wait less than a minute.');
  assert.equal(said({ ahead: 7 }), 'Five to nine people are before you.', 'a step that a later server may have');
  assert.equal(said({ partners: 'few' }), '');
  assert.equal(said({}), '');
});

test('where nobody is, that alone is said, in the words of the role', () => {
  const nobody = { ahead: 0, partners: 'none', about_s: 30 };
  assert.equal(said(nobody, 'seek'), 'Nobody who would like to listen is here right now.');
  assert.equal(said(nobody, 'offer'), 'Nobody who would like to be listened to is here right now.');
  assert.equal(said(nobody), 'Nobody else is here for this right now.');
});

test('what is no outlook is taken for nothing', () => {
  for (const wrong of [-1, 1.5, '2', null, {}, NaN, Infinity]) assert.deepEqual(outlookOf({ ahead: wrong, partners: wrong, about_s: wrong }), UNKNOWN);
  assert.deepEqual(['none', 'few', 'many', 'some'].map((partners) => isSomebodyThere(outlookOf({ partners }))), [false, true, true, false]);
});

test('only searches are offered in which others are met', () => {
  const open = /** @type {const} */ (['', 'seek', 'offer']);
  const [ko, grief, seek] = [{ lang: 'ko' }, { topic: 'grief' }, { role: 'seek' }];
  assert.deepEqual(otherSearches({}, open), []);
  assert.deepEqual(otherSearches(ko, open), [], 'the server has dropped the language by itself');
  assert.deepEqual(otherSearches({ ...grief, ...ko }, open), [['topic', ko]]);
  assert.deepEqual(otherSearches({ ...seek, ...ko }, open), [['role', ko]]);
  assert.deepEqual(otherSearches({ ...grief, ...seek, ...ko }, open), [['topic', { ...seek, ...ko }], ['role', { ...grief, ...ko }]]);
  for (const roles of [['seek', ''], ['seek']]) {
    assert.deepEqual(otherSearches({ ...grief, ...seek }, roles), [['topic', seek]], 'on a help line nobody is sent to strangers');
  }
});

test('who is there for a topic depends on what one would like', () => {
  const all = presenceOf({ presence: [{ others: 'few' }, { topic: 'grief', helpers: 'many', seekers: 'none', others: 'x' }, null, 7] });
  assert.deepEqual(['seek', 'offer', ''].map((role) => whoIsThere(all, 'grief', role)), ['many', 'none', null]);
  assert.deepEqual(['seek', ''].map((role) => whoIsThere(all, '', role)), [null, 'few']);
  assert.equal(whoIsThere(all, 'debt', 'seek'), null);
  for (const status of [{}, { presence: 'x' }, { presence: { topic: 'x' } }]) assert.deepEqual(presenceOf(status), []);
});
