/**
 * Runs files of tests, and those that failed once more, alone:
 *
 *     node run.mjs FILES-AT-ONCE FILE...
 *
 * A browser, a server and a machine that is busy with both meet in these tests. One that fails
 * beside three other browsers and passes alone is told as UNSTABLE, with what it said the first
 * time: somebody has to look at it, but it stops nobody's change. What fails twice has failed.
 */

import { spawn } from 'node:child_process';

/** How long a file may take. */
const FILE_LIMIT_MS = 15 * 60_000;
/** So many files may be looked at again: where more fail, it is no chance. */
const MAX_AGAIN = 3;

/**
 * Runs one file, and shows all at once what it has said.
 * @param {string} file
 * @returns {Promise<{file: string, hasPassed: boolean, said: string}>}
 */
function run(file) {
  return new Promise((resolve) => {
    const tests = spawn(process.execPath, ['--test', '--test-reporter=spec', `--test-timeout=${FILE_LIMIT_MS}`, file], { stdio: ['ignore', 'pipe', 'pipe'] });
    let said = `\n${file}\n`;
    for (const stream of [tests.stdout, tests.stderr]) stream.setEncoding('utf8').on('data', (text) => (said += text));
    tests.on('close', (code) => {
      process.stdout.write(said);
      resolve({ file, hasPassed: code === 0, said });
    });
  });
}

/**
 * @param {string[]} files
 * @param {number} atOnce
 */
async function failures(files, atOnce) {
  const [left, failed] = [[...files], []];
  const runner = async () => {
    for (let file = left.shift(); file !== undefined; file = left.shift()) {
      const end = await run(file);
      if (!end.hasPassed) failed.push(end);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, runner));
  return failed;
}

/** What failed in a file, and how: the part after the sum, without the traces. @param {string} said */
function faults(said) {
  const [, ...parts] = said.slice(said.indexOf('failing tests:')).split('\n✖ ');
  return parts.map((part) => part.split('\n').slice(0, 2).map((line) => line.trim()).join(' '));
}

const [atOnce, ...files] = process.argv.slice(2);
const first = await failures(files, Number(atOnce));
let failed = first;
if (first.length > 0 && first.length <= MAX_AGAIN) {
  console.log('\nOnce more, alone:');
  failed = await failures(first.map(({ file }) => file), 1);
}
for (const { file, said } of first) {
  const name = failed.some((end) => end.file === file) ? 'FAILED' : 'UNSTABLE';
  for (const fault of faults(said)) console.log(`${name}: ${file}: ${fault}`);
}
console.log(`files: ${files.length - failed.length} passed, ${failed.length} failed`);
process.exit(failed.length === 0 ? 0 : 1);
