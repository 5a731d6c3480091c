import assert from 'node:assert/strict';
import { test } from 'node:test';

import { CIPHERTEXT_BYTES, ENCAPSULATION_KEY_BYTES, findKem, vendored, webCrypto } from '../../../web/kem.js';
import { ml_kem768 } from '../../../web/vendor/noble-ml-kem.js';
import { hex, unhex, vectors } from './support.mjs';

const acvp = vectors('ml-kem');

test('the vendored ML-KEM makes the keys of FIPS 203', () => {
  for (const { tcId, d, z, dk } of acvp.key_generation) {
    const { publicKey, secretKey } = ml_kem768.keygen(unhex(d + z));
    assert.equal(hex(secretKey), dk, `case ${tcId}`);
    assert.equal(hex(publicKey), dk.slice(2 * 1152, 2 * (1152 + ENCAPSULATION_KEY_BYTES)), `case ${tcId}`);
  }
});

test('the vendored ML-KEM encapsulates as FIPS 203 does', () => {
  for (const { tcId, ek, m, c, k } of acvp.encapsulation) {
    const { cipherText, sharedSecret } = ml_kem768.encapsulate(unhex(ek), unhex(m));
    assert.deepEqual([hex(cipherText), hex(sharedSecret)], [c, k], `case ${tcId}`);
  }
});

test('the vendored ML-KEM decapsulates as FIPS 203 does, what was changed too', () => {
  const { dk, cases } = acvp.decapsulation;
  assert.ok(cases.some(({ reason }) => reason.startsWith('modif')));
  for (const { tcId, c, k } of cases) assert.equal(hex(ml_kem768.decapsulate(unhex(c), unhex(dk))), k, `case ${tcId}`);
});

test('a key with a coefficient beyond the modulus, or of another length, is refused', async () => {
  const kem = await vendored();
  const { encapsulationKey } = await kem.generate();
  for (let coefficient = 0; coefficient < 768; coefficient += 97) {
    const at = (coefficient >> 1) * 3;
    for (const value of [3329, 4095]) {
      const bad = encapsulationKey.slice();
      if (coefficient % 2 === 0) [bad[at], bad[at + 1]] = [value & 0xff, (bad[at + 1] & 0xf0) | (value >> 8)];
      else [bad[at + 1], bad[at + 2]] = [(bad[at + 1] & 0x0f) | ((value & 0xf) << 4), value >> 4];
      await assert.rejects(kem.encapsulate(bad), `coefficient ${coefficient} is ${value}`);
    }
  }
  await assert.rejects(kem.encapsulate(encapsulationKey.slice(1)));
});

test('a decapsulation key is used once, and a wrong ciphertext gives another key', async () => {
  const kem = await vendored();
  const { encapsulationKey, decapsulate } = await kem.generate();
  const { ciphertext, sharedKey } = await kem.encapsulate(encapsulationKey);
  assert.equal(ciphertext.length, CIPHERTEXT_BYTES);
  assert.deepEqual(await decapsulate(ciphertext), sharedKey);
  await assert.rejects(decapsulate(ciphertext), /once/);
  const other = await kem.generate();
  assert.notDeepEqual(await other.decapsulate(ciphertext), sharedKey);
});

test('what the platform has is taken where it works, and the vendored one where it does not', async () => {
  const { subtle } = crypto;
  const proper = Object.getOwnPropertyDescriptor(globalThis, 'crypto');
  const as = async (own) => {
    const fake = Object.assign(Object.create(subtle), own);
    Object.defineProperty(globalThis, 'crypto', { configurable: true, value: { subtle: fake, getRandomValues: crypto.getRandomValues.bind(crypto) } });
    try {
      // A module of its own, which has not found anything yet.
      const { findKem: find } = await import(`../../../web/kem.js?${Object.keys(own).length}${Math.random()}`);
      return await find();
    } finally {
      Object.defineProperty(globalThis, 'crypto', proper);
    }
  };
  const pair = { publicKey: {}, privateKey: {} };
  const key = new Uint8Array(ENCAPSULATION_KEY_BYTES).buffer;
  const own = (shared) => ({
    generateKey: async () => pair, exportKey: async () => key, importKey: async () => pair.publicKey,
    encapsulateBits: async () => ({ ciphertext: new ArrayBuffer(CIPHERTEXT_BYTES), sharedKey: new Uint8Array(32).fill(7).buffer }),
    decapsulateBits: async () => new Uint8Array(32).fill(shared).buffer,
  });
  assert.equal((await as(own(7))).name, 'webcrypto');
  assert.equal((await as(own(8))).name, 'noble', 'a round trip that fails');
  assert.equal((await as({ encapsulateBits: undefined })).name, 'noble');
  if (webCrypto() === null) assert.equal((await findKem()).name, 'noble');
});
