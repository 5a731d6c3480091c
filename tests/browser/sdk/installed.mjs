/**
 * The package as those have it who install it: packed by npm, unpacked into a `node_modules` beside its
 * examples. `npm run sdk` does it once, before the tests.
 */

import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const at = (path) => fileURLToPath(new URL(path, import.meta.url));
export const SDK = at('../../../sdk/js');
export const WEB = at('../../../web');
/** Where it is installed. */
export const PLACE = at('../../.cache/sdk');
export const PACKAGE = `${PLACE}/node_modules/cipher-chat`;

/** The package, as a program imports it. */
export function sdk() {
  return import(`${PACKAGE}/dist/index.js`);
}

/** The names of all files that were packed. */
export function packed() {
  return readFileSync(`${PLACE}/packed`, 'utf8').trim().split('\n').map((name) => name.replace(/^package\//, '')).sort();
}

function install() {
  rmSync(PLACE, { recursive: true, force: true });
  mkdirSync(PACKAGE, { recursive: true });
  execFileSync('npm', ['pack', '--silent', '--pack-destination', PLACE], { cwd: SDK, stdio: ['ignore', 'ignore', 'inherit'] });
  const { name, version } = JSON.parse(readFileSync(`${SDK}/package.json`, 'utf8'));
  const archive = `${PLACE}/${name}-${version}.tgz`;
  execFileSync('sh', ['-c', 'tar --list --file "$1" >"$2"', 'sh', archive, `${PLACE}/packed`]);
  execFileSync('tar', ['--extract', '--file', archive, '--directory', PACKAGE, '--strip-components=1']);
  for (const other of ['ws', '@types', 'undici-types']) symlinkSync(at(`../node_modules/${other}`), `${PLACE}/node_modules/${other}`);
  cpSync(`${SDK}/examples`, `${PLACE}/examples`, { recursive: true });
  cpSync(at('types'), `${PLACE}/types`, { recursive: true });
  // What its server serves there.
  symlinkSync(`${PACKAGE}/dist`, `${PLACE}/examples/widget/cipher-chat`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) install();
