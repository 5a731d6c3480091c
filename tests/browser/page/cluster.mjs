/**
 * Two gateways, pairing and janitor on a real nats-server; and somebody who hears all that passes
 * over it.
 */

import { existsSync } from 'node:fs';
import net from 'node:net';
import { fileURLToPath } from 'node:url';

import { Node, Program, eventually } from './program.mjs';

const CACHED = fileURLToPath(new URL('../../.cache/venv/bin/nats-server', import.meta.url));
const NATS_SERVER = process.env.NATS_SERVER ?? (existsSync(CACHED) ? CACHED : 'nats-server');

export class Cluster {
  /** @type {Node[]} */ gateways = [];
  /** @type {Node[]} */ nodes = [];

  /** @param {{options?: string[], log?: string}} [how] */
  async start({ options = [], log = 'info' } = {}) {
    this.#options = options;
    this.#log = log;
    this.nats = new Program(NATS_SERVER, ['--addr', '127.0.0.1', '--port', '-1']);
    const [, port] = await this.nats.says(/Listening for client connections on 127\.0\.0\.1:(\d+)/);
    this.natsPort = Number(port);
    // All at once: a pairing replica listens for three seconds before it speaks.
    this.gateways = [this.#launch('gateway'), this.#launch('gateway')];
    this.nodes.push(this.#launch('pairing'), this.#launch('janitor'));
    await Promise.all([...this.gateways, ...this.nodes].map((node) => node.ready()));
  }

  /** Puts another gateway in the place of one that has ended. */
  async replace(gateway) {
    const at = this.gateways.indexOf(gateway);
    this.nodes.push(gateway);
    this.gateways[at] = await this.#launch('gateway').ready();
    return this.gateways[at];
  }

  /** Every process, those that have ended too. */
  get all() {
    return [...this.gateways, ...this.nodes];
  }

  async stop() {
    await Promise.all([...this.all, this.nats].map((program) => program?.kill()));
  }

  #options = [];
  #log = '';

  #launch(role) {
    const own = role === 'gateway' ? this.#options : [];
    return new Node(role, ['--nats', `nats://127.0.0.1:${this.natsPort}`, ...own], { RUST_LOG: this.#log });
  }
}

/** Hears everything on a NATS server, headers included, by its plain protocol. */
export class Ear {
  /** All bytes that came, as they came. */
  heard = Buffer.alloc(0);
  /** @type {{subject: string, payload: Buffer}[]} */
  messages = [];
  #rest = Buffer.alloc(0);
  #listening = false;
  #socket;

  /** @param {number} port */
  async listen(port) {
    this.#socket = net.connect(port, '127.0.0.1');
    this.#socket.on('data', (data) => {
      this.heard = Buffer.concat([this.heard, data]);
      this.#rest = Buffer.concat([this.#rest, data]);
      while (this.#take());
    });
    this.#socket.write('CONNECT {"verbose":false,"pedantic":false,"headers":true}\r\nSUB > 1\r\nPING\r\n');
    await eventually(() => this.#listening);
  }

  close() {
    this.#socket?.destroy();
  }

  /**
   * The chat frames that went from gateway to gateway: after side (1) and stamp (8), each after its
   * length (u32).
   */
  get frames() {
    const frames = [];
    for (const { subject, payload } of this.messages) {
      if (!/^cc\.v1\.room\.[^.]+\.frame\./.test(subject)) continue;
      let at = 9;
      while (at < payload.length) {
        const end = at + 4 + payload.readUInt32BE(at);
        frames.push(payload.subarray(at + 4, end));
        at = end;
      }
      if (at !== payload.length) throw new Error('a publish does not end with a frame');
    }
    return frames;
  }

  /** Takes one protocol message off the front; `false` when there is none yet. */
  #take() {
    const line = this.#rest.indexOf('\r\n');
    if (line < 0) return false;
    const [word, subject, ...rest] = this.#rest.subarray(0, line).toString().split(' ');
    let end = line + 2;
    if (word === 'PING') this.#socket.write('PONG\r\n');
    if (word === 'PONG') this.#listening = true;
    if (word === 'MSG' || word === 'HMSG') {
      const total = Number(rest.at(-1));
      if (this.#rest.length < end + total + 2) return false;
      const headers = word === 'HMSG' ? Number(rest.at(-2)) : 0;
      this.messages.push({ subject, payload: Buffer.from(this.#rest.subarray(end + headers, end + total)) });
      end += total + 2;
    }
    this.#rest = this.#rest.subarray(end);
    return true;
  }
}
