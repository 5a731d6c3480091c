/**
 * Makes `dist/`, which is what the package holds: the facade of `src/`, beside it in `page/` those modules
 * of the page that it uses, unchanged, the licences, and the types, which the compiler reads out of all
 * of them. `npm pack` calls it. It needs what `npm --prefix tests/browser ci` installs.
 */

import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { dirname, join, posix } from 'node:path';
import { fileURLToPath } from 'node:url';

const HERE = dirname(fileURLToPath(import.meta.url));
const REPOSITORY = join(HERE, '../..');
const WEB = join(REPOSITORY, 'web');
const DIST = join(HERE, 'dist');
/** The directory of `dist` that has the page's modules. */
const PAGE = 'page';
const COMPILER = join(REPOSITORY, 'tests/browser/node_modules/typescript/bin/tsc');
/** Another module, wherever one is named: in an import, in a type, or in a name of a module that is loaded later. */
const NAMED = /'(\.{1,2}\/[\w./-]+\.js)'/g;

/** @param {string} file */
const named = (file) => [...readFileSync(file, 'utf8').matchAll(NAMED)].map(([, name]) => name);

/** The page's modules that these and what they use name. @param {string[]} first */
function modulesFrom(first) {
  const found = new Set();
  const left = [...first];
  for (let module = left.pop(); module !== undefined; module = left.pop()) {
    if (found.has(module)) continue;
    found.add(module);
    left.push(...named(join(WEB, module)).map((name) => posix.join(posix.dirname(module), name)));
  }
  return [...found].sort();
}

/** @param {string[]} facade */
function pageModules(facade) {
  const taken = facade.flatMap((file) => named(join(HERE, 'src', file))).filter((name) => name.startsWith(`./${PAGE}/`));
  return modulesFrom(taken.map((name) => posix.relative(PAGE, name)));
}

/** The compiler checks the whole and writes the declarations, or ends this with what is wrong. */
function declare() {
  if (!existsSync(COMPILER)) throw new Error('there is no TypeScript: npm --prefix tests/browser ci');
  execFileSync(process.execPath, [COMPILER, '--project', join(HERE, 'tsconfig.json')], { stdio: 'inherit' });
}

rmSync(DIST, { recursive: true, force: true });
const facade = readdirSync(join(HERE, 'src')).filter((file) => file.endsWith('.js'));
for (const file of facade) cpSync(join(HERE, 'src', file), join(DIST, file));
for (const module of pageModules(facade)) {
  mkdirSync(dirname(join(DIST, PAGE, module)), { recursive: true });
  cpSync(join(WEB, module), join(DIST, PAGE, module));
}
for (const licence of ['LICENSE-MIT', 'LICENSE-APACHE']) cpSync(join(REPOSITORY, licence), join(DIST, licence));
declare();
