/** Programs that a test starts: their output at hand, gone with the test. */

import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** Longer than anything takes, even on a machine that does much else. */
export const PATIENCE_MS = 45_000;

const target = (path) => fileURLToPath(new URL(`../../../target/debug/${path}`, import.meta.url));
export const BINARY = process.env.SERVER_BINARY ?? target('cipher-chat');
const ECHO = process.env.ECHO_BINARY ?? target('examples/echo');

/** A running program. */
export class Program {
  /** Standard output and standard error, as far as they have come. */
  out = '';
  err = '';
  #child;
  #name;
  #hasEnded = false;
  /** Who waits for output, or for the end. */
  #waiting = new Set();

  constructor(file, parameters, variables = {}) {
    this.#name = `${file} ${parameters[0]}`;
    const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith('CIPHER_CHAT_') && name !== 'RUST_LOG');
    this.#child = spawn(file, parameters, { env: { ...Object.fromEntries(inherited), NO_COLOR: '1', ...variables } });
    for (const [stream, name] of [[this.#child.stdout, 'out'], [this.#child.stderr, 'err']]) {
      stream.setEncoding('utf8').on('data', (text) => {
        this[name] += text;
        this.#wake();
      });
    }
    this.#child.stdin.on('error', () => {});
    /** Its exit code; `null` after a signal, or if it could not be started. */
    this.ended = new Promise((resolve) => {
      this.#child.on('close', resolve);
      this.#child.on('error', (fault) => resolve((this.err += fault, null)));
    });
    this.ended.then(() => {
      this.#hasEnded = true;
      this.#wake();
    });
  }

  /** Waits until `pattern` is found in one of its streams; returns the match. */
  says(pattern, stream = 'err') {
    return this.until(() => this[stream].match(pattern), `${this.#name} never says ${pattern}`);
  }

  /** Types a line. */
  type(line) {
    this.#child.stdin.write(`${line}\n`);
  }

  /** Ends its input. */
  close() {
    this.#child.stdin.end();
  }

  /** @param {NodeJS.Signals} name */
  signal(name) {
    this.#child.kill(name);
  }

  /** Ends it as a crash would. */
  async kill() {
    if (this.#hasEnded) return;
    this.signal('SIGKILL');
    await this.ended;
  }

  #wake() {
    for (const check of [...this.#waiting]) check();
  }

  /** Waits for a condition that its output, or its end, makes true. */
  until(condition, complaint) {
    return new Promise((resolve, reject) => {
      const settle = (act, value) => {
        clearTimeout(timer);
        this.#waiting.delete(check);
        act(value);
      };
      const give = (why) => settle(reject, new Error(`${complaint}${why}\n--- out\n${this.out.slice(-2000)}\n--- err\n${this.err.slice(-4000)}`));
      const check = () => {
        const found = condition();
        if (found) settle(resolve, found);
        else if (this.#hasEnded) give('; it has ended');
      };
      const timer = setTimeout(() => give(' in time'), PATIENCE_MS);
      this.#waiting.add(check);
      check();
    });
  }
}

/** A node (`serve`, `gateway`, `pairing` or `janitor`) or a console, on free ports. */
export class Node extends Program {
  constructor(role, options, variables = {}) {
    // One address makes all sessions here: the limits per address would only stop the tests.
    const free = ['serve', 'gateway'].includes(role) ? ['--listen', '127.0.0.1:0', '--session-rate', '0', '--connect-rate', '0'] : [];
    super(BINARY, [role, '--ops-listen', '127.0.0.1:0', ...free, ...options], variables);
    this.role = role;
  }

  /** Waits until it can do its work. */
  async ready() {
    const [, ops] = await this.says(/ops=([\d.:]+)/);
    this.#ops = `http://${ops}`;
    await eventually(async () => (await fetch(`${this.#ops}/readyz`).catch(() => null))?.ok);
    this.port = Number((await this.says(/open http:\/\/localhost:(\d+)|$/))[1]);
    return this;
  }

  async metrics() {
    return (await fetch(`${this.#ops}/metrics`)).text();
  }

  /** Where its operator asks. */
  get ops() {
    return this.#ops;
  }

  #ops = '';
}

/** The terminal client with its streams in our hands: what the other says is its `out`. */
export class Terminal extends Program {
  constructor(...parameters) {
    super(BINARY, ['chat', ...parameters]);
  }

  /** Waits until it can be written to; returns the safety code as its user sees it. */
  async secured() {
    const [, signs, numbers] = await this.says(/safety code: (.+) \((\d{5} \d{5} \d{5})\)/);
    return { signs: signs.split(' · '), numbers };
  }

  /** Waits until a line of the other side is shown. */
  reads(line) {
    return this.until(() => this.out.split('\n').includes(line), `nobody says ${line}`);
  }

  /** The link that it made. */
  async link() {
    return (await this.says(/(http:\S+#\S+)/))[1];
  }
}

/** The example program of the Rust library. */
export class Echo extends Program {
  constructor(...parameters) {
    if (!existsSync(ECHO)) throw new Error(`there is no ${ECHO}: cargo build --package client --example echo`);
    super(ECHO, parameters);
  }
}

/** Waits for a condition. */
export async function eventually(condition, patience = PATIENCE_MS) {
  const until = Date.now() + patience;
  while (!(await condition())) {
    if (Date.now() > until) throw new Error(`never came true: ${condition}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
