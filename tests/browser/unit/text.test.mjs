import assert from 'node:assert/strict';
import { test } from 'node:test';

import { partsOf } from '../../../web/links.js';

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
