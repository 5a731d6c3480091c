/** A wire between a person and the servers that the test can cut, and lead elsewhere. */

import { once } from 'node:events';
import net from 'node:net';
import { Transform } from 'node:stream';

export class Wire {
  #sockets = new Set();
  #cut = false;
  #frozen = false;
  /** Sockets of connections that were silenced for good. */ #silent = new WeakSet();
  /**
   * Ports of servers, the preferred first: where one does not answer, the next is tried, as a
   * balancer does.
   */
  #upstreams;
  /** How long everything takes on its way, in each direction, ms. */ delay = 0;

  /** @param {number[]} upstreams */
  constructor(upstreams) {
    this.#upstreams = upstreams;
    this.server = net.createServer((near) => (this.#cut ? near.destroy() : this.#join(near, this.#upstreams)));
  }

  async listen() {
    this.server.listen(0, '127.0.0.1');
    await once(this.server, 'listening');
    // `localhost` is a secure context, so that WebCrypto is there without TLS.
    this.url = `http://localhost:${this.server.address().port}/`;
  }

  /** New connections go to these servers. @param {number[]} upstreams */
  lead(...upstreams) {
    this.#upstreams = upstreams;
  }

  /** Breaks every connection; new ones fail until `mend`. */
  cut() {
    this.#cut = true;
    for (const socket of this.#sockets) socket.destroy();
  }

  mend() {
    this.#cut = false;
  }

  /** Nothing passes over the connections that there are; they stay open, and new ones work. */
  silence() {
    for (const socket of this.#sockets) (this.#silent.add(socket), socket.unpipe(), socket.pause());
  }

  /** Nothing passes, over new connections neither, until `thaw`. */
  freeze() {
    this.#frozen = true;
    for (const socket of this.#sockets) socket.pause();
  }

  thaw() {
    this.#frozen = false;
    for (const socket of this.#sockets) if (!this.#silent.has(socket)) socket.resume();
  }

  close() {
    this.cut();
    this.server.close();
  }

  #join(near, [port, ...others]) {
    near.on('error', () => {});
    if (port === undefined) return near.destroy();
    const far = net.connect(port, '127.0.0.1');
    far.once('error', () => this.#join(near, others));
    far.once('connect', () => {
      far.removeAllListeners('error');
      for (const [from, to] of [[near, far], [far, near]]) {
        this.#sockets.add(from);
        from.on('error', () => to.destroy());
        from.on('close', () => (this.#sockets.delete(from), to.destroy()));
        if (this.delay > 0) from.pipe(late(this.delay)).pipe(to);
        else from.pipe(to);
        if (this.#frozen) from.pause();
      }
      if (near.destroyed || this.#cut) for (const socket of [near, far]) socket.destroy();
    });
  }
}

/** Passes on what comes some time later, however much comes meanwhile. */
function late(ms) {
  return new Transform({
    readableHighWaterMark: 2 ** 30,
    transform(chunk, _, done) {
      setTimeout(() => this.push(chunk), ms);
      done();
    },
    flush(done) {
      setTimeout(done, ms);
    },
  });
}
