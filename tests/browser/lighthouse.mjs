/**
 * Measures the page with Lighthouse, as a middling phone on a slow mobile network sees it, and writes
 * docs/reports/lighthouse.md: `npm --prefix tests/browser run lighthouse`
 *
 * `SERVER_BINARY` names the server, `CHROMIUM` the browser.
 */

import { writeFileSync } from 'node:fs';
import { availableParallelism, loadavg } from 'node:os';
import { fileURLToPath } from 'node:url';

import { launch } from 'chrome-launcher';
import lighthouse from 'lighthouse';

import { Node } from './page/program.mjs';

const REPORT = fileURLToPath(new URL('../../docs/reports/lighthouse.md', import.meta.url));
/** The figures are those of the run in the middle. */
const RUNS = 5;
const METRICS = ['first-contentful-paint', 'largest-contentful-paint', 'speed-index', 'total-blocking-time', 'cumulative-layout-shift', 'interactive'];

const server = new Node('serve', []);
try {
  await server.ready();
  const results = [];
  for (let run = 0; run < RUNS; run++) results.push(await measure(`http://localhost:${server.port}/`));
  const score = ({ categories }) => categories.performance.score;
  results.sort((one, other) => score(one) - score(other));
  const median = results[Math.floor(RUNS / 2)];
  writeFileSync(REPORT, report(median, results.map((result) => percent(score(result)))));
  console.log(Object.values(median.categories).map(({ title, score: value }) => `${title} ${percent(value)}`).join(', '));
  for (const id of METRICS) console.log(`${median.audits[id].title}: ${median.audits[id].displayValue}`);
  console.log(`written: ${REPORT}`);
} finally {
  await server.kill();
}

/** One run, in a browser of its own. */
async function measure(url) {
  const chrome = await launch({ chromePath: process.env.CHROMIUM ?? '/usr/bin/chromium', chromeFlags: ['--headless=new', '--no-sandbox', '--disable-gpu'] });
  try {
    // Without a configuration: Lighthouse's own phone.
    const { lhr } = await lighthouse(url, { port: chrome.port, output: 'json', logLevel: 'error' });
    if (lhr.runtimeError) throw new Error(lhr.runtimeError.message);
    return lhr;
  } finally {
    chrome.kill();
  }
}

function report({ categories, audits, lighthouseVersion, environment, configSettings }, scores) {
  const { rttMs, throughputKbps, cpuSlowdownMultiplier } = configSettings.throttling;
  const requests = audits['network-requests'].details.items;
  const bytes = requests.reduce((sum, { transferSize }) => sum + transferSize, 0);
  const browser = environment.hostUserAgent.match(/Chrome\/([\d.]+)/)[1];
  const failed = Object.values(audits).filter(({ score, scoreDisplayMode }) => score !== null && score < 0.9 && scoreDisplayMode !== 'informative');
  return `# Lighthouse on a phone

Made by \`npm --prefix tests/browser run lighthouse\` on ${new Date().toISOString().slice(0, 10)}: Lighthouse ${lighthouseVersion}, Chromium ${browser}, the server on the same
machine over plain HTTP/1.1, nothing in between. The phone is Lighthouse's own: a round trip of ${rttMs} ms, ${(throughputKbps / 1000).toFixed(1)} Mbit/s, a
processor ${cpuSlowdownMultiplier} times slower than this one. Lighthouse computes what the page would take there from a fast load (\`simulate\`), and takes
what else the machine does for the page's work. Its load meanwhile was ${loadavg()[0].toFixed(1)} on ${availableParallelism()} processors.

Of ${RUNS} runs (performance ${scores.join(', ')}) this is the one in the middle.

| | score |
|---|---:|
${Object.values(categories).map(({ title, score }) => `| ${title} | ${percent(score)} |`).join('\n')}

| | |
|---|---:|
${METRICS.map((id) => `| ${audits[id].title} | ${audits[id].displayValue} |`).join('\n')}
| Requests | ${requests.length} |
| Bytes over the network, headers included | ${(bytes / 1024).toFixed(0)} KiB |

${failed.length === 0 ? 'No audit found anything to improve.' : `Audits that found something:\n\n${failed.map(({ title, displayValue }) => `- ${title}${displayValue ? ` (${displayValue})` : ''}`).join('\n')}`}
`;
}

function percent(score) {
  return Math.round(score * 100);
}
