/**
 * Runs files of tests, and those that failed once more, alone:
 *
 *     node run.mjs FILES-AT-ONCE FILE...
 *
 * A browser, a server and a machine that is busy with both meet in these tests. One that fails
 * beside three other browsers and passes alone is told as UNSTABLE, with what it said the first
 * time: somebody has to look at it, but it stops nobody's change. What fails twice has failed.
 */

import { run } from 'node:test';
import { spec } from 'node:test/reporters';

/** How long a file may take. */
const FILE_LIMIT_MS = 15 * 60_000;
/** So many files may be looked at again: where more fail, it is no chance. */
const MAX_AGAIN = 3;

/**
 * @param {string[]} files
 * @param {number} concurrency
 * @returns {Promise<Map<string, string[]>>} the tests that failed and what they said, by file
 */
async function failures(files, concurrency) {
  const failed = new Map();
  const tests = run({ files, concurrency, timeout: FILE_LIMIT_MS });
  tests.on('test:fail', ({ name, file, details }) => {
    // A suite fails with its tests, and a file with what is in it.
    if (details.error?.failureType === 'subtestsFailed') return;
    const key = file ?? name;
    const [said] = String(details.error?.cause?.message ?? details.error?.message).split('\n');
    failed.set(key, [...failed.get(key) ?? [], `${name}: ${said}`]);
  });
  await tests.compose(spec).forEach((text) => process.stdout.write(text));
  return failed;
}

const [concurrency, ...files] = process.argv.slice(2);
const first = await failures(files, Number(concurrency));
if (first.size === 0) process.exit(0);
if (first.size > MAX_AGAIN) process.exit(1);
console.log('\nOnce more, alone:\n');
const second = await failures([...first.keys()], 1);
if (second.size > 0) process.exit(1);
for (const failure of [...first.values()].flat()) console.log(`UNSTABLE: ${failure}`);
