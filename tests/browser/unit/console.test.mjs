import assert from 'node:assert/strict';
import { generateKeyPairSync, verify } from 'node:crypto';
import { readFileSync, readdirSync } from 'node:fs';
import { test } from 'node:test';

import { encoded, keyOf, signedOrder, statement } from '../../../console/orders.js';
import { COLUMNS, amount, lasting, sorted } from '../../../console/table.js';
import { CHARTS, vendoredChart } from '../vendor.mjs';

const folder = new URL('../../../console/', import.meta.url);
const read = (file) => readFileSync(new URL(file, folder), 'utf8');
const modules = readdirSync(folder).filter((file) => file.endsWith('.js'));

test('what others wrote is what their package gives, and only one module of the console loads it', () => {
  assert.deepEqual(readdirSync(new URL('vendor/', folder)).sort(), CHARTS.map(([file]) => file).sort());
  for (const [file, from] of CHARTS) assert.equal(read(`vendor/${file}`), vendoredChart(from), 'npm run vendor writes it');
  assert.deepEqual(modules.filter((file) => read(file).includes('vendor/')), ['charts.js']);
});

test('nothing is written as markup, evaluated, stored, or fetched from elsewhere', () => {
  const forbidden = /innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|localStorage|sessionStorage|indexedDB|document\.cookie/;
  for (const file of [...modules, 'vendor/uplot.js']) assert.doesNotMatch(read(file), forbidden, file);
  for (const file of [...modules, 'index.html', 'console.css']) {
    const elsewhere = read(file).replaceAll('http://www.w3.org/2000/svg', '').match(/(https?:)?\/\/[a-z0-9.-]+\.[a-z]{2,}/g) ?? [];
    assert.deepEqual(elsewhere, [], file);
  }
  assert.doesNotMatch(read('index.html'), /<style|style=|<script(?![^>]*src=)| on[a-z]+=/);
});

test('numbers and times are short', () => {
  assert.deepEqual([0, 3, 0.25, 12.34, 9999, 12_345, 5e6, NaN, null].map(amount), ['0', '3', '0.25', '12.3', '9999', '12.3k', '5M', '-', '-']);
  assert.deepEqual([0, 59, 61, 7300, 90_000, null].map(lasting), ['0 s', '59 s', '1 min', '2 h', '1 d', '-']);
});

test('nodes are sorted with what is worse or more above, and by name where they are alike', () => {
  const node = (name, state, chatting) => ({ node: name, role: 'gateway', state, chatting });
  const nodes = [node('b', 'ready', 1), node('c', 'silent', null), node('a', 'ready', 1), node('d', 'ready', 5)];
  const names = (column, reversed = false) => sorted(nodes, COLUMNS.find(({ name }) => name === column), reversed).map(({ node }) => node).join('');
  assert.equal(names('Node'), 'abcd');
  assert.equal(names('Node', true), 'dcba');
  assert.equal(names('State'), 'cabd');
  assert.equal(names('Chatting'), 'dabc');
});

test('what is signed holds everything that counts', () => {
  const hex = (order) => Buffer.from(statement({ number: 258, expires: 1000, ...order })).toString('hex');
  const head = (kind) => Buffer.from(`cipher-chat.v1 order\0${kind}\0`).toString('hex') + '0000000000000102' + '00000000000003e8';
  assert.equal(hex({ kind: 'pause' }), head('pause'));
  assert.equal(hex({ kind: 'notice', argument: 'é' }), `${head('notice')}c3a9`);
  assert.equal(hex({ kind: 'admission', argument: 300_000 }), `${head('admission')}000493e0`);
  assert.equal(hex({ kind: 'drain', argument: { node: 'g1', boot: '18446744073709551615' } }), `${head('drain')}ffffffffffffffff6731`);
});

test('a signed order is CBOR, signed with the key of the file', async () => {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const key = await keyOf(privateKey.export({ type: 'pkcs8', format: 'pem' }));
  const order = { kind: 'notice', number: 1_800_000_000_000, expires: 1_800_000_060_000, argument: 'x'.repeat(30) };
  const bytes = Buffer.from(await signedOrder(order, key));
  const signature = bytes.subarray(-64);
  assert.ok(verify(null, statement(order), publicKey, signature));
  const expected = Buffer.concat([
    Buffer.from('a4666e756d6265721b000001a3185c5000', 'hex'), Buffer.from('67657870697265731b000001a3185d3a60', 'hex'),
    Buffer.from('656f72646572a1666e6f74696365781e', 'hex'), Buffer.from(order.argument), Buffer.from('697369676e61747572655840', 'hex'), signature,
  ]);
  assert.equal(bytes.toString('hex'), expected.toString('hex'));
  const drain = encoded({ kind: 'drain', number: 1, expires: 24, argument: { node: 'g1', boot: '18446744073709551615' } }, new Uint8Array(1));
  assert.equal(Buffer.from(drain).toString('hex'), 'a4666e756d626572016765787069726573181865' + '6f72646572a165647261696ea2646e6f646562673164626f6f741bffffffffffffffff' + '697369676e6174757265' + '4100');
  assert.equal(Buffer.from(encoded({ kind: 'pause', number: 1, expires: 2 }, new Uint8Array(0))).toString('latin1').includes('epause'), true);
  await assert.rejects(keyOf('nonsense'), /no private key/);
  const other = generateKeyPairSync('x25519').privateKey.export({ type: 'pkcs8', format: 'pem' });
  await assert.rejects(keyOf(other), /no key of Ed25519/);
});
