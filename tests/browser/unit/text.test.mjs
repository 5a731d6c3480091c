import assert from 'node:assert/strict';
import { test } from 'node:test';

import { MARKS_PER_BASE } from '../../../web/facts.js';
import { partsOf } from '../../../web/later/links.js';
import { shown } from '../../../web/stranger-text.js';
import { seeded, vectors } from './support.mjs';

for (const { name, text, shown: expected } of vectors('text').cases) {
  test(`a stranger's text: ${name}`, () => {
    assert.equal(shown(text), expected);
    assert.equal(shown(shown(text)), expected, 'what is shown stays as it is');
  });
}

test("whatever a stranger writes, nothing that is shown controls, turns or piles up", () => {
  const random = seeded(8);
  const forbidden = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u0600-\u0605\u06dd\u200e\u200f\u2028-\u202e\u2066-\u206f\ufff9-\ufffb\u{e0000}-\u{e007f}]/u;
  const tooMany = new RegExp(`\\p{M}{${MARKS_PER_BASE + 1}}`, 'u');
  const planes = [0x80, 0x400, 0x3000, 0x10000, 0x20000, 0x110000];
  for (let round = 0; round < 2_000; round++) {
    const codes = Array.from({ length: 40 }, () => Math.floor(random() * planes[Math.floor(random() * planes.length)]));
    const text = codes.filter((code) => code < 0xd800 || code > 0xdfff).map((code) => String.fromCodePoint(code)).join('');
    assert.doesNotMatch(shown(text), forbidden, JSON.stringify(text));
    assert.doesNotMatch(shown(text), tooMany, JSON.stringify(text));
  }
  assert.equal([...shown(`o${'\u0321\u034e\u0489'.repeat(100)}!`)].length, 2 + MARKS_PER_BASE);
});

const links = (text) => partsOf(text).filter(({ address }) => address !== null).map(({ text: written, address }) => [written, address.href]);

test('the parts of a text are the text', () => {
  for (const text of ['', 'no link', 'https://a.example', 'a https://a.example/ b http://b.example c', 'https://', 'https://a.example.']) {
    assert.equal(partsOf(text).map((part) => part.text).join(''), text);
  }
});

test('an address ends where a reader would end it', () => {
  for (const [text, ...expected] of [
    ['see https://a.example/x.', 'https://a.example/x'],
    ['(https://a.example/x)', 'https://a.example/x'],
    ['https://a.example/x_(y)', 'https://a.example/x_(y)'],
    ['(https://a.example/x_(y))', 'https://a.example/x_(y)'],
    ['"https://a.example/", she said', 'https://a.example/'],
    ['https://a.example/?q=1&r=2#s!', 'https://a.example/?q=1&r=2#s'],
    ['「https://a.example/x」', 'https://a.example/x'],
    ['HTTPS://A.example', 'HTTPS://A.example'],
    ['http://a.example https://b.example', 'http://a.example', 'https://b.example'],
    ['https://a.example/\ufffdx', 'https://a.example/'],
  ]) assert.deepEqual(links(text).map(([written]) => written), expected, text);
});

test('the end of an address is found however many brackets and stops there are', () => {
  // So many that nobody would wait for it if each were looked for in all of the others.
  const many = 1_000_000;
  assert.deepEqual(links(`https://a.example/x${')'.repeat(many)}`), [['https://a.example/x', 'https://a.example/x']]);
  assert.deepEqual(links(`https://a.example/(x)${').'.repeat(many)}`), [['https://a.example/(x)', 'https://a.example/(x)']]);
  assert.deepEqual(links(`https://a.example/x${'】'.repeat(many)}`), []);
  assert.deepEqual(links('https://a.example/(x](y)]'), [['https://a.example/(x](y)', 'https://a.example/(x](y)']]);
});

test('an address is what the browser would open', () => {
  assert.deepEqual(links('https://b\u00fccher.example/\u00fc'), [['https://b\u00fccher.example/\u00fc', 'https://xn--bcher-kva.example/%C3%BC']]);
  assert.deepEqual(links('https://\u0430pple.example'), [['https://\u0430pple.example', 'https://xn--pple-43d.example/']]);
});

test('what misleads or is no address of the web is only text', () => {
  for (const text of [
    'javascript:alert(1)', 'data:text/html,x', 'ftp://a.example', 'https://', 'https://[', 'example.org', 'https://bank.example@evil.example/',
    'https://user:word@evil.example/', `https://a.example/${'x'.repeat(2000)}`,
  ]) assert.deepEqual(links(text), [], text);
});
