import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { test } from 'node:test';

import { en } from '../../../web/en.js';
import { CATEGORIES, END_REASONS } from '../../../web/facts.js';
import { choose } from '../../../web/i18n.js';
import { ko } from '../../../web/ko.js';

const web = new URL('../../../web/', import.meta.url);
const placeholders = (text) => [...text.matchAll(/\{(\w+)\}/g)].map(([, name]) => name).sort();

test('both languages have the same keys, and the same placeholders in each', () => {
  assert.deepEqual(Object.keys(ko).sort(), Object.keys(en).sort());
  for (const key of Object.keys(en)) assert.deepEqual(placeholders(ko[key]), placeholders(en[key]), key);
});

test('nothing was left untranslated', () => {
  const same = Object.keys(en).filter((key) => en[key] === ko[key]);
  assert.deepEqual(same, ['title']);
  for (const [key, text] of Object.entries(ko)) assert.ok(key === 'title' || key === 'language.other' || /[가-힣]/.test(text), key);
  for (const [key, text] of Object.entries(en)) assert.ok(key === 'language.other' || !/[가-힣]/.test(text), key);
});

test('every key is used somewhere', () => {
  const sources = readdirSync(web).filter((file) => file.endsWith('.js') && file !== 'en.js' && file !== 'ko.js');
  const code = sources.map((file) => readFileSync(new URL(file, web), 'utf8')).join('\n');
  // Keys made from parts, such as `report.${category}`.
  const prefixes = [...code.matchAll(/`([\w.]+\.)\$\{/g)].map(([, prefix]) => prefix);
  const unused = Object.keys(en).filter((key) => !code.includes(`'${key}'`) && !prefixes.some((prefix) => key.startsWith(prefix)));
  assert.deepEqual(unused, []);
});

test('every reason that the protocol knows has a text', () => {
  for (const reason of END_REASONS) assert.ok(`over.${reason}` in en, reason);
  for (const category of CATEGORIES) assert.ok(`report.${category}` in en, category);
});

test('the first language that the page speaks is chosen', () => {
  assert.equal(choose(['fr-FR', 'ko-KR', 'en']), 'ko');
  assert.equal(choose(['EN-gb', 'ko']), 'en');
  assert.equal(choose(['fr', 'kok']), 'en');
  assert.equal(choose([]), 'en');
});
