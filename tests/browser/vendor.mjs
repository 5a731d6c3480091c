/**
 * Makes the files of others that are served, from the packages that `package-lock.json` names, with their
 * licences and digests: `web/vendor/noble-ml-kem.js`, the parts of noble that ML-KEM-768 needs in one
 * readable module, and uPlot for the console, as it is. `npm run vendor` writes them again; a test
 * compares them.
 */

import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

import { rollup } from 'rollup';

export const VENDORED = fileURLToPath(new URL('../../web/vendor/noble-ml-kem.js', import.meta.url));

/** The files of the console that others wrote, and what they are in the package. */
export const CHARTS = [['uplot.js', 'uPlot.esm.js'], ['uplot.css', 'uPlot.min.css']];
export const CONSOLE_VENDOR = fileURLToPath(new URL('../../console/vendor/', import.meta.url));

const MODULES = fileURLToPath(new URL('node_modules', import.meta.url));
const ENTRY = 'entry';
/** The one thing that the page takes. */
const TAKEN = "export { ml_kem768 } from '@noble/post-quantum/ml-kem.js';";

/** The year of a copyright. */
const YEAR = /\(c\) (\d{4}) /;

/** Finds a module as Node does; a file of these packages is named by its path in them. */
const resolver = {
  name: 'noble',
  resolveId: (name, from) => {
    if (name === ENTRY) return ENTRY;
    return name.startsWith('.') ? resolve(dirname(from), name) : join(MODULES, name);
  },
  load: (id) => (id === ENTRY ? TAKEN : readFileSync(id, 'utf8')),
};

/** The text of the vendored module. */
export async function vendored() {
  const bundle = await rollup({ input: ENTRY, plugins: [resolver] });
  const { output: [{ code, modules }] } = await bundle.generate({ format: 'es', generatedCode: 'es2015' });
  await bundle.close();
  const used = Object.keys(modules).filter((id) => id !== ENTRY).sort();
  const packages = [...new Set(used.map((id) => relative(MODULES, id).split('/').slice(0, 2).join('/')))];
  const sources = used.map((id) => `${createHash('sha256').update(readFileSync(id)).digest('hex')}  ${relative(MODULES, id)}`);
  const versions = packages.map((name) => `${name} ${JSON.parse(read(name, 'package.json')).version}`);
  const licences = packages.map((name) => read(name, 'LICENSE').trim());
  const years = [...new Set(licences.map((licence) => YEAR.exec(licence)?.[1]))].sort().join(', ');
  const [licence, ...others] = new Set(licences.map((text) => text.replace(YEAR, `(c) ${years} `)));
  if (others.length > 0) throw new Error('the packages have different licences');
  const head = [
    `ML-KEM-768 of ${versions.join(', ')}.`,
    'Made by `npm run vendor` in tests/browser from these files (SHA-256), of which it holds what is used:', '', ...sources, '',
    ...licence.split('\n'),
  ];
  return `/*!\n${head.map((line) => ` * ${line}`.trimEnd()).join('\n')}\n */\n${code}`;
}

/** The text of a file of uPlot, with where it is from. */
export function vendoredChart(file) {
  const { version, license } = JSON.parse(read('uplot', 'package.json'));
  if (license !== 'MIT') throw new Error('uPlot has another licence');
  const text = read('uplot', join('dist', file));
  const head = [
    `uPlot ${version}. Made by \`npm run vendor\` in tests/browser from this file (SHA-256):`, '',
    `${createHash('sha256').update(text).digest('hex')}  uplot/dist/${file}`, '', ...read('uplot', 'LICENSE').trim().split('\n'),
  ];
  // Its types are those of the package: its code is not checked here.
  const unchecked = file.endsWith('.js') ? '// @ts-nocheck\n' : '';
  return `${unchecked}/*!\n${head.map((line) => ` * ${line}`.trimEnd()).join('\n')}\n */\n${text.trimEnd()}\n`;
}

function read(name, file) {
  return readFileSync(join(MODULES, name, file), 'utf8');
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  writeFileSync(VENDORED, await vendored());
  for (const [to, from] of CHARTS) writeFileSync(join(CONSOLE_VENDOR, to), vendoredChart(from));
}
