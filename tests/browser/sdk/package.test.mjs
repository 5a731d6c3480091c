/** What is in the package: the page's modules as they are, a facade, types, and nothing else. */

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { PACKAGE, PLACE, SDK, WEB, packed } from './installed.mjs';

const read = (path) => readFileSync(path, 'utf8');
const FACADE = ['chat', 'client', 'errors', 'events', 'index', 'invites', 'passes', 'talk'];

test('it holds the facade, modules of the page, their types, the licences, and nothing else', () => {
  const page = packed().filter((name) => /^dist\/page\/.*\.js$/.test(name));
  const types = [...FACADE.map((name) => `dist/${name}.d.ts`), ...page.filter((name) => !name.includes('/vendor/')).map((name) => name.replace(/\.js$/, '.d.ts'))];
  const others = ['LICENSE-APACHE', 'LICENSE-MIT'].map((name) => `dist/${name}`);
  assert.deepEqual(packed(), [...FACADE.map((name) => `dist/${name}.js`), ...page, ...types, ...others, 'README.md', 'package.json'].sort());
});

test('the modules of the page are what the page is made of, byte for byte', () => {
  const page = packed().filter((name) => /^dist\/page\/.*\.js$/.test(name)).map((name) => name.replace('dist/page/', ''));
  for (const name of ['channel.js', 'connection-machine.js', 'handshake.js', 'vendor/noble-ml-kem.js', 'work.js']) assert.ok(page.includes(name), name);
  for (const name of page) assert.equal(read(`${PACKAGE}/dist/page/${name}`), read(`${WEB}/${name}`), name);
});

test('none of them needs a window', () => {
  const inWindow = packed().filter((name) => name.endsWith('.js') && /(?<!globalThis\.)\b(document|window|navigator|localStorage)\b[.?[]/.test(read(`${PACKAGE}/${name}`).replaceAll(/\/\*[^]*?\*\/|\/\/.*/g, '')));
  // The one listens to a window if there is one; the other has the page's own policy, too, which nobody calls here.
  assert.deepEqual(inWindow, ['dist/page/connection-driver.js', 'dist/page/server.js']);
});

test('it needs no other package, and has the version of the server', () => {
  const manifest = JSON.parse(read(`${PACKAGE}/package.json`));
  assert.deepEqual([manifest.dependencies, manifest.peerDependencies, manifest.scripts.install, manifest.scripts.postinstall], [undefined, undefined, undefined, undefined]);
  const [, version] = read(`${SDK}/../../Cargo.toml`).match(/^\[workspace\.package\]\n(?:.*\n)*?version = "(.+)"$/m);
  assert.equal(manifest.version, version, 'a release of the one is a release of the other');
  for (const example of ['opening-hours-bot', 'widget']) assert.equal(JSON.parse(read(`${SDK}/examples/${example}/package.json`)).dependencies['cipher-chat'], version);
  assert.equal(manifest.license, 'MIT OR Apache-2.0');
});

test('its types fit a program that uses all of it, and the examples', () => {
  const compiler = fileURLToPath(new URL('../node_modules/typescript/bin/tsc', import.meta.url));
  try {
    execFileSync(process.execPath, [compiler, '--project', `${PLACE}/types/tsconfig.json`]);
  } catch (fault) {
    assert.fail(String(fault.stdout));
  }
});
