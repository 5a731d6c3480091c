/**
 * A QR code (ISO/IEC 18004) for a short text: byte mode, error correction level M, versions 1 to 10
 * (up to 213 bytes), enough for any invite link. The mask is the one with the lowest penalty.
 */

import { utf8 } from '../bytes.js';

/**
 * Level M by version: correction codewords of a block, then the data codewords of each block
 * (tables 7 and 9).
 * @type {{correction: number, blocks: number[]}[]}
 */
const VERSIONS = [
  { correction: 10, blocks: [16] },
  { correction: 16, blocks: [28] },
  { correction: 26, blocks: [44] },
  { correction: 18, blocks: [32, 32] },
  { correction: 24, blocks: [43, 43] },
  { correction: 16, blocks: [27, 27, 27, 27] },
  { correction: 18, blocks: [31, 31, 31, 31] },
  { correction: 22, blocks: [38, 38, 39, 39] },
  { correction: 22, blocks: [36, 36, 36, 37, 37] },
  { correction: 26, blocks: [43, 43, 43, 43, 44] },
];

/** Centres of the alignment patterns by version (annex E). */
const ALIGNMENT = [
  [], [6, 18], [6, 22], [6, 26], [6, 30], [6, 34], [6, 22, 38], [6, 24, 42], [6, 26, 46], [6, 28, 50],
];

/** @type {((row: number, column: number) => boolean)[]} */
const MASKS = [
  (y, x) => (y + x) % 2 === 0,
  (y) => y % 2 === 0,
  (_, x) => x % 3 === 0,
  (y, x) => (y + x) % 3 === 0,
  (y, x) => ((y >> 1) + Math.floor(x / 3)) % 2 === 0,
  (y, x) => ((y * x) % 2) + ((y * x) % 3) === 0,
  (y, x) => (((y * x) % 2) + ((y * x) % 3)) % 2 === 0,
  (y, x) => (((y + x) % 2) + ((y * x) % 3)) % 2 === 0,
];

/**
 * The modules of the code by row, dark ones `true`, without the quiet zone of four modules.
 * @param {string} text
 * @returns {boolean[][]}
 * @throws {RangeError} When the text does not fit into version 10.
 */
export function encode(text) {
  const bytes = utf8(text);
  const version = VERSIONS.findIndex((_, at) => bytes.length <= capacity(at + 1)) + 1;
  if (version === 0) throw new RangeError('too long for a QR code of version 10');
  const bits = codewords(bytes, version).flatMap((word) => [7, 6, 5, 4, 3, 2, 1, 0].map((bit) => (word >> bit) & 1));
  const drawn = MASKS.map((_, mask) => draw(version, bits, mask));
  const penalties = drawn.map(penalty);
  return drawn[penalties.indexOf(Math.min(...penalties))];
}

/** @param {number} version */
function dataWords(version) {
  return VERSIONS[version - 1].blocks.reduce((sum, words) => sum + words, 0);
}

/** @param {number} version */
function lengthBits(version) {
  return version < 10 ? 8 : 16;
}

/** @param {number} version */
function capacity(version) {
  return Math.floor((dataWords(version) * 8 - 4 - lengthBits(version)) / 8);
}

/**
 * Data in blocks, each with its correction, interleaved (clauses 7.4 to 7.6).
 * @param {Uint8Array} bytes
 * @param {number} version
 */
function codewords(bytes, version) {
  const size = dataWords(version);
  let bits = '0100' + bytes.length.toString(2).padStart(lengthBits(version), '0');
  for (const byte of bytes) bits += byte.toString(2).padStart(8, '0');
  bits += '0'.repeat(Math.min(4, size * 8 - bits.length));
  bits = bits.padEnd(Math.ceil(bits.length / 8) * 8, '0');
  const data = bits.match(/.{8}/g)?.map((word) => parseInt(word, 2)) ?? [];
  while (data.length < size) data.push((size - data.length) % 2 === (size - bits.length / 8) % 2 ? 0xec : 0x11);

  const { correction, blocks } = VERSIONS[version - 1];
  let at = 0;
  const parts = blocks.map((words) => data.slice(at, (at += words)));
  const corrections = parts.map((part) => remainder(part, correction));
  return [...interleave(parts), ...interleave(corrections)];
}

/** @param {number[][]} blocks */
function interleave(blocks) {
  const longest = Math.max(...blocks.map((block) => block.length));
  return Array.from({ length: longest }, (_, at) => blocks.filter((block) => at < block.length).map((block) => block[at])).flat();
}

/** Multiplication in GF(2⁸) modulo x⁸ + x⁴ + x³ + x² + 1. @param {number} a @param {number} b */
function times(a, b) {
  let product = 0;
  for (let bit = 7; bit >= 0; bit--) {
    product = (product << 1) ^ ((product >> 7) * 0x11d);
    product ^= ((b >> bit) & 1) * a;
  }
  return product;
}

/**
 * Reed–Solomon correction codewords.
 * @param {number[]} data
 * @param {number} degree
 */
function remainder(data, degree) {
  let generator = [1];
  for (let at = 0, root = 1; at < degree; at++, root = times(root, 2)) {
    const shifted = [...generator, 0];
    generator = shifted.map((term, i) => term ^ (i > 0 ? times(generator[i - 1], root) : 0));
  }
  const rest = [...data, ...new Array(degree).fill(0)];
  for (let at = 0; at < data.length; at++) {
    const factor = rest[at];
    generator.forEach((term, i) => (rest[at + i] ^= times(term, factor)));
  }
  return rest.slice(data.length);
}

/** @param {number} version @param {number[]} bits @param {number} mask */
function draw(version, bits, mask) {
  const size = version * 4 + 17;
  /** @type {(boolean | null)[][]} */
  const grid = Array.from({ length: size }, () => new Array(size).fill(null));
  drawFinders(grid, size);
  drawAlignment(grid, version);
  for (let at = 8; at < size - 8; at++) grid[6][at] = grid[at][6] = at % 2 === 0;
  drawFormat(grid, size, mask);
  if (version >= 7) drawVersion(grid, size, version);
  drawData(grid, size, bits, mask);
  return /** @type {boolean[][]} */ (grid);
}

/** @param {(boolean | null)[][]} grid @param {number} size */
function drawFinders(grid, size) {
  for (const [top, left] of [[0, 0], [0, size - 7], [size - 7, 0]]) {
    for (let y = -1; y <= 7; y++) {
      for (let x = -1; x <= 7; x++) {
        const ring = Math.max(Math.abs(y - 3), Math.abs(x - 3));
        const row = grid[top + y];
        if (row !== undefined && left + x >= 0 && left + x < size) row[left + x] = ring !== 2 && ring !== 4;
      }
    }
  }
}

/** @param {(boolean | null)[][]} grid @param {number} version */
function drawAlignment(grid, version) {
  const centres = ALIGNMENT[version - 1];
  const last = centres.length - 1;
  centres.forEach((y, row) => centres.forEach((x, column) => {
    const onFinder = (row === 0 && column === 0) || (row === 0 && column === last) || (row === last && column === 0);
    if (onFinder) return;
    for (let dy = -2; dy <= 2; dy++) {
      for (let dx = -2; dx <= 2; dx++) grid[y + dy][x + dx] = Math.max(Math.abs(dy), Math.abs(dx)) !== 1;
    }
  }));
}

/**
 * Mask and level M (00), with their BCH code, twice (clause 7.9).
 * @param {(boolean | null)[][]} grid
 * @param {number} size
 * @param {number} mask
 */
function drawFormat(grid, size, mask) {
  const bits = ((mask << 10) | bch(mask, 10, 0x537)) ^ 0x5412;
  const bit = (/** @type {number} */ at) => ((bits >> at) & 1) === 1;
  const first = [[0, 8], [1, 8], [2, 8], [3, 8], [4, 8], [5, 8], [7, 8], [8, 8], [8, 7], [8, 5], [8, 4], [8, 3], [8, 2], [8, 1], [8, 0]];
  first.forEach(([y, x], at) => (grid[y][x] = bit(at)));
  for (let at = 0; at < 8; at++) grid[8][size - 1 - at] = bit(at);
  for (let at = 8; at < 15; at++) grid[size - 15 + at][8] = bit(at);
  grid[size - 8][8] = true;
}

/** @param {(boolean | null)[][]} grid @param {number} size @param {number} version */
function drawVersion(grid, size, version) {
  const bits = (version << 12) | bch(version, 12, 0x1f25);
  for (let at = 0; at < 18; at++) {
    const dark = ((bits >> at) & 1) === 1;
    const [near, far] = [Math.floor(at / 3), size - 11 + (at % 3)];
    grid[near][far] = grid[far][near] = dark;
  }
}

/** @param {number} value @param {number} degree @param {number} generator */
function bch(value, degree, generator) {
  let rest = value;
  for (let at = 0; at < degree; at++) rest = (rest << 1) ^ ((rest >> (degree - 1)) * generator);
  return rest;
}

/**
 * Upwards and downwards in pairs of columns, from the right (clause 7.7.3).
 * @param {(boolean | null)[][]} grid
 * @param {number} size
 * @param {number[]} bits
 * @param {number} mask
 */
function drawData(grid, size, bits, mask) {
  let at = 0;
  for (let right = size - 1; right >= 1; right -= 2) {
    if (right === 6) right = 5;
    const upwards = ((right + 1) & 2) === 0;
    for (let step = 0; step < size; step++) {
      const y = upwards ? size - 1 - step : step;
      for (const x of [right, right - 1]) {
        if (grid[y][x] === null) grid[y][x] = (bits[at++] === 1) !== MASKS[mask](y, x);
      }
    }
  }
}

/** How hard the code is to read (clause 7.8.3). @param {boolean[][]} grid */
function penalty(grid) {
  const size = grid.length;
  const columns = grid.map((_, x) => grid.map((row) => row[x]));
  let points = 0;
  for (const line of [...grid, ...columns]) {
    const text = line.map(Number).join('');
    for (const run of text.match(/0{5,}|1{5,}/g) ?? []) points += run.length - 2;
    points += 40 * (text.match(/(?=10111010000|00001011101)/g) ?? []).length;
  }
  for (let y = 1; y < size; y++) {
    for (let x = 1; x < size; x++) {
      const same = grid[y][x] === grid[y - 1][x] && grid[y][x] === grid[y][x - 1] && grid[y][x] === grid[y - 1][x - 1];
      if (same) points += 3;
    }
  }
  const dark = grid.flat().filter(Boolean).length / (size * size);
  return points + 10 * Math.floor(Math.abs(dark * 100 - 50) / 5);
}
