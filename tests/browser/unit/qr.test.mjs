import assert from 'node:assert/strict';
import { test } from 'node:test';

import jsQR from 'jsqr';

import { encode } from '../../../web/later/qr.js';

/** The picture of a code as a camera would see it: four pixels a module, with the quiet zone. */
function read(modules) {
  const [scale, quiet] = [4, 4];
  const size = (modules.length + 2 * quiet) * scale;
  const pixels = new Uint8ClampedArray(size * size * 4).fill(255);
  modules.forEach((row, y) => row.forEach((dark, x) => {
    if (!dark) return;
    for (let dy = 0; dy < scale; dy++) {
      for (let dx = 0; dx < scale; dx++) {
        const at = (((y + quiet) * scale + dy) * size + (x + quiet) * scale + dx) * 4;
        pixels.fill(0, at, at + 3);
      }
    }
  }));
  return jsQR(pixels, size, size);
}

test('an independent reader reads every length that fits', () => {
  const versions = new Set();
  for (let length = 1; length <= 213; length += 4) {
    const text = `https://h/#${'aZ9_-'.repeat(50)}`.slice(0, length);
    const found = read(encode(text));
    assert.equal(found?.data, text, `${length} bytes`);
    versions.add(found.version);
  }
  assert.deepEqual([...versions], [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
});

test('text beyond ASCII is read', () => {
  const text = 'https://예.example/#대화';
  assert.equal(read(encode(text))?.data, text);
});

test('a code is still read with some modules damaged', () => {
  const modules = encode('https://chat.example.org/#AAAAAAAAAAAAAAAAAAAAAA');
  for (let at = 10; at < 16; at++) modules[at][12] = !modules[at][12];
  assert.equal(read(modules)?.data, 'https://chat.example.org/#AAAAAAAAAAAAAAAAAAAAAA');
});

test('a text that is too long is refused', () => {
  assert.equal(encode('x'.repeat(213)).length, 57);
  assert.throws(() => encode('x'.repeat(214)), RangeError);
});
