import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { test } from 'node:test';

import { vendored } from '../vendor.mjs';

const web = new URL('../../../web/', import.meta.url);
const read = (file) => readFileSync(new URL(file, web), 'utf8');
/** The modules beside it that a module imports, at once or when it needs them. A part of a comment is a type. */
const importsOf = (file) => [...read(file).replace(/\/\*[^]*?\*\//g, '').matchAll(/(?:from |import\()'\.\/([^'/]+)'/g)].map(([, name]) => name);
const modules = readdirSync(web).filter((file) => file.endsWith('.js'));
/** What others wrote, loaded only by a browser that needs it. */
const vendor = readdirSync(new URL('vendor/', web));
/** Screens that are loaded when they are about to be seen. */
const later = readdirSync(new URL('later/', web)).map((file) => `later/${file}`);
/** The helper's screen, a document of its own. */
const desk = readdirSync(new URL('desk/', web)).filter((file) => file.endsWith('.js'));
/** The texts of each language but English, loaded when it is chosen. */
const languages = readdirSync(new URL('languages/', web)).map((file) => `languages/${file}`);

test('the page begins with main.js, and says where the others are named', () => {
  assert.equal(read('index.html').split('<!-- modules -->').length, 2);
  assert.ok(read('index.html').indexOf('<!-- modules -->') < read('index.html').indexOf('<script type="module" src="main.js">'));
});

test('while no module is here, the page says how to try again, in both languages', () => {
  const main = read('index.html').match(/<main id="main">([^]*)<\/main>/)[1];
  assert.match(main, /<div class="loading">\s*<p>[^]*<a href="\.\/">try again<\/a>[^]*<\/p>\s*<p lang="ko">[^]*<a href="\.\/">/);
  assert.match(read('ui-frame.js'), /#main\.replaceChildren\(node\)/);
});

test('every module is imported by another', () => {
  const imported = modules.flatMap(importsOf);
  assert.deepEqual([...new Set([...imported, 'main.js'])].sort(), modules.sort());
});

test('what is loaded later is loaded by one module of the page, and uses modules that are there', () => {
  for (const file of later) {
    // A part of a comment is a type.
    const loading = modules.filter((module) => read(module).split('\n').some((line) => !/[*]/.test(line) && line.includes(`import('./${file}')`)));
    assert.equal(loading.length, 1, file);
    const imported = [...read(file).matchAll(/from '([^']+)'/g)].map(([, name]) => name);
    for (const name of imported) assert.ok([...modules.map((module) => `../${module}`), ...later.map((other) => other.replace('later/', './'))].includes(name), `${file}: ${name}`);
  }
});

test('the desk begins with its main.js, and uses modules of its own and of the page, which do not know it', () => {
  const html = read('desk.html');
  assert.ok(html.indexOf('<!-- modules -->') < html.indexOf('<script type="module" src="desk/main.js">'));
  assert.doesNotMatch(html, /<style|style=|<script(?![^>]*src=)| on[a-z]+=/);
  const importsOf = (file) => [...read(file).matchAll(/from '([^']+)'/g)].map(([, name]) => name);
  const used = new Set(['main.js']);
  for (const file of desk) {
    for (const name of importsOf(`desk/${file}`)) {
      assert.ok([...desk.map((own) => `./${own}`), ...[...modules, ...later].map((other) => `../${other}`)].includes(name), `${file}: ${name}`);
      if (name.startsWith('./')) used.add(name.slice(2));
    }
  }
  assert.deepEqual([...used].sort(), desk.sort());
  // A part of a comment is a type.
  for (const file of [...modules, ...later]) assert.doesNotMatch(read(file).replace(/\/\*[^]*?\*\//g, ''), /desk\//, file);
});

test('imports run one way: no module reaches itself', () => {
  const imports = new Map(modules.map((file) => [file, importsOf(file)]));
  const done = new Set();
  const visit = (file, path) => {
    assert.ok(!path.includes(file), `a circle: ${[...path.slice(path.indexOf(file)), file].join(' → ')}`);
    if (done.has(file)) return;
    for (const next of imports.get(file)) visit(next, [...path, file]);
    done.add(file);
  };
  visit('main.js', []);
  assert.deepEqual([...done].sort(), modules.sort(), 'every module was looked at');
});

test('what others wrote is what their packages give, and only one module of the page loads it', async () => {
  assert.deepEqual(vendor, ['noble-ml-kem.js']);
  assert.equal(read('vendor/noble-ml-kem.js'), await vendored(), 'npm run vendor writes it');
  assert.match(read('vendor/noble-ml-kem.js'), /^\/\*!\n \* ML-KEM-768 of [^]*MIT License[^]*Copyright \(c\)/);
  const loading = modules.filter((file) => read(file).includes('vendor/'));
  assert.deepEqual(loading, ['kem.js']);
  assert.doesNotMatch(read('kem.js'), /from '\.\/vendor/, 'only when it is needed');
});

test('nothing is written as markup, evaluated, stored, or fetched from elsewhere', () => {
  const forbidden = /innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|localStorage|sessionStorage|indexedDB|document\.cookie/;
  const ofDesk = [...desk, ...readdirSync(new URL('desk/languages/', web)).map((file) => `languages/${file}`)].map((file) => `desk/${file}`);
  for (const file of [...modules, ...later, ...languages, ...ofDesk, 'vendor/noble-ml-kem.js']) assert.doesNotMatch(read(file), forbidden, file);
  for (const file of [...modules, ...later, ...languages, ...ofDesk, 'index.html', 'desk.html', 'style.css', 'desk/desk.css']) {
    const elsewhere = read(file).replaceAll('http://www.w3.org/2000/svg', '').match(/(https?:)?\/\/[a-z0-9.-]+\.[a-z]{2,}/g) ?? [];
    assert.deepEqual(elsewhere, [], file);
  }
  assert.doesNotMatch(read('index.html'), /<style|style=|<script(?![^>]*src=)| on[a-z]+=/);
});
