import assert from 'node:assert/strict';
import { test } from 'node:test';

import { serverOf, serverOfFragment } from '../../../web/server.js';

test('an address of a server is read as it is typed', () => {
  for (const [typed, address] of [
    ['https://chat.example', 'https://chat.example/'],
    [' chat.example ', 'https://chat.example/'],
    ['chat.example:8443/below', 'https://chat.example:8443/below/'],
    ['https://chat.example/#AAECAwQFBgcICQoLDA0ODw', 'https://chat.example/'],
    ['HTTP://LOCALHOST:8080', 'http://localhost:8080/'],
    ['http://abc.onion', 'http://abc.onion/'],
  ]) {
    assert.equal(serverOf(typed)?.href, address, typed);
  }
});

test('what is no address, or one that others could listen to, is refused', () => {
  for (const typed of ['', ' ', 'http://chat.example', 'http://localhost.evil.example', 'http://onion', 'ftp://chat.example', 'file:///etc/passwd', 'javascript://chat.example', 'https://me@chat.example', 'https://:x@chat.example', 'https://', 'https://[::1]', 'a b']) {
    assert.equal(serverOf(typed), null, typed);
  }
});

test('a fragment names a server only as such', () => {
  assert.equal(serverOfFragment('#server=https%3A%2F%2Fchat.example')?.href, 'https://chat.example/');
  assert.equal(serverOfFragment('#server=https://chat.example')?.href, 'https://chat.example/');
  for (const other of ['', '#', '#server=', '#AAECAwQFBgcICQoLDA0ODw', '#server=%', '#x&server=https://chat.example']) assert.equal(serverOfFragment(other), null, other);
});
