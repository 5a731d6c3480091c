import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { test } from 'node:test';

import { texts as deskEn } from '../../../web/desk/en.js';
import { TEXTS } from '../../../web/desk/texts.js';
import { texts as en } from '../../../web/en.js';
import { CATEGORIES, END_REASONS } from '../../../web/facts.js';
import { LANGUAGES, choose } from '../../../web/i18n.js';

const web = new URL('../../../web/', import.meta.url);
const placeholders = (text) => [...text.matchAll(/\{(\w+)\}/g)].map(([, name]) => name).sort();
/** What a text of a language is written in. */
const SCRIPTS = { ko: /[가-힣]/, ja: /[\u3040-\u30ff\u4e00-\u9fff]/, ar: /[\u0600-\u06ff]/ };
/** What a text of none of them but the own language is written in. */
const others = (tag) => Object.entries(SCRIPTS).filter(([other]) => other !== tag).map(([, script]) => script);

const translations = await Promise.all(Object.entries(LANGUAGES).filter(([tag]) => tag !== 'en').map(async ([tag, { load }]) => [tag, (await load()).texts]));

test('every file of a language can be chosen', () => {
  const files = readdirSync(new URL('languages/', web)).map((file) => file.replace(/\.js$/, ''));
  assert.deepEqual(files.sort(), translations.map(([tag]) => tag).sort());
});

test('every language has the same keys, and the same placeholders in each', () => {
  for (const [tag, texts] of translations) {
    assert.deepEqual(Object.keys(texts).sort(), Object.keys(en).sort(), tag);
    for (const key of Object.keys(en)) assert.deepEqual(placeholders(texts[key]), placeholders(en[key]), `${tag}: ${key}`);
  }
});

test('nothing was left untranslated', () => {
    for (const [tag, texts] of [...translations, ['en', en]]) {
    if (tag !== 'en') assert.deepEqual(Object.keys(en).filter((key) => en[key] === texts[key]), ['title'], tag);
    for (const [key, text] of Object.entries(texts)) {
      assert.ok(key === 'title' || (SCRIPTS[tag]?.test(text) ?? true), `${tag}: ${key}`);
      for (const script of others(tag)) {
        assert.doesNotMatch(text, script, `${tag}: ${key}`);
      }
    }
  }
});

const desk = await Promise.all(Object.entries(TEXTS).filter(([tag]) => tag !== 'en').map(async ([tag, load]) => [tag, (await load()).texts]));

test('the desk speaks every language of the page, with the same keys and placeholders', () => {
  assert.deepEqual(Object.keys(TEXTS), Object.keys(LANGUAGES));
  assert.deepEqual(readdirSync(new URL('desk/languages/', web)).sort(), desk.map(([tag]) => `${tag}.js`).sort());
  for (const [tag, texts] of [...desk, ['en', deskEn]]) {
    assert.deepEqual(Object.keys(texts), Object.keys(deskEn), tag);
    for (const [key, text] of Object.entries(texts)) {
      assert.deepEqual(placeholders(text), placeholders(deskEn[key]), `${tag}: ${key}`);
      assert.ok(tag === 'en' || text !== deskEn[key], `${tag}: ${key} was left untranslated`);
      assert.ok(SCRIPTS[tag]?.test(text) ?? true, `${tag}: ${key}`);
      for (const script of others(tag)) assert.doesNotMatch(text, script, `${tag}: ${key}`);
    }
  }
  assert.deepEqual(Object.keys(deskEn).filter((key) => key in en), [], 'no key is the page’s, too');
});

test('every key of the desk is used somewhere', () => {
  const files = readdirSync(new URL('desk/', web)).filter((file) => file.endsWith('.js') && file !== 'en.js');
  const code = files.map((file) => readFileSync(new URL(`desk/${file}`, web), 'utf8')).join('\n');
  const prefixes = [...code.matchAll(/`([\w.]+\.)\$\{/g)].map(([, prefix]) => prefix);
  assert.deepEqual(Object.keys(deskEn).filter((key) => !code.includes(`'${key}'`) && !prefixes.some((prefix) => key.startsWith(prefix))), []);
});

test('every key is used somewhere', () => {
  const folders = ['', 'later/'].flatMap((folder) => readdirSync(new URL(folder || '.', web)).map((file) => folder + file));
  const sources = folders.filter((file) => file.endsWith('.js') && file !== 'en.js');
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
  assert.equal(choose(['fr', 'kok', 'toString']), 'en');
  assert.equal(choose(['pt', 'ar-EG']), 'ar');
  assert.equal(choose([]), 'en');
});
