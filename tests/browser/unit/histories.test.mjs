/**
 * Random histories of a connection: whatever happens in whatever order, it neither breaks nor gets
 * stuck.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { ConnectionMachine } from '../../../web/connection-machine.js';
import { seeded } from './support.mjs';

const CODES = [null, 1000, 1001, 1002, 1012, 4000, 4001, 4002, 4101, 4102, 4103];
const ERRORS = ['unavailable', 'rate', 'bad-ticket', 'in-room', 'no-room', 'invite-spent', 'bad-topic', 'unknown'];

/**
 * A server and a person who do anything at any time; keeps what a driver (connection-driver.js)
 * would keep.
 */
class History {
  now = 0;
  log = [];
  sockets = new Set();
  ready = new Set();
  creating = 0;
  /** The tokens that the server is asked about. */ probing = [];
  wants = false;

  constructor(seed) {
    this.random = seeded(seed);
    this.machine = new ConnectionMachine(this.random);
  }

  pick(list) {
    return list[Math.floor(this.random() * list.length)];
  }

  carryOut(effects) {
    for (const effect of effects) {
      this.log.push(JSON.stringify(effect));
      switch (effect.do) {
        case 'connect':
          assert.ok(!this.sockets.has(effect.socket), 'a socket number is used once');
          assert.equal(typeof effect.token, 'string');
          this.sockets.add(effect.socket);
          assert.ok(this.sockets.size <= 2, 'the old connection and the new one');
          break;
        case 'close':
          this.sockets.delete(effect.socket);
          break;
        case 'send':
          assert.ok(this.ready.has(effect.socket) && this.sockets.has(effect.socket), 'said on an open connection');
          break;
        case 'create-session':
          this.creating += 1;
          assert.equal(this.creating, 1, 'one session at a time');
          break;
        case 'probe':
          this.probing.push(effect.token);
          break;
        case 'emit':
          if (['ended', 'refused', 'failed'].includes(effect.event.kind)) this.wants = false;
          break;
      }
    }
  }

  step() {
    const { machine, now } = this;
    const socket = this.pick([...this.sockets, 999]);
    const token = () => ({ token: `t${now}`, expires_in: this.pick([0.001, 60, 600, undefined]) });
    const message = (content) => () => {
      // A server speaks only after `ready`.
      if (content.type === 'ready') this.ready.add(socket);
      else if (!this.ready.has(socket)) return [];
      return machine.text(socket, JSON.stringify(content), now);
    };
    const occurrences = [
      () => ((this.wants = true), machine.find({ topic: 'x' }, now)),
      () => ((this.wants = false), machine.leave()),
      () => ((this.wants = false), machine.report('spam')),
      () => ((this.wants = false), machine.stop()),
      () => machine.nudge(now),
      () => (machine.sent(socket, now), []),
      () => (machine.opened(socket), []),
      () => machine.received(socket, now),
      () => ((this.now += this.pick([1, 100, 5_000, 100_000, 700_000])), machine.tick(this.now)),
      () => (machine.wakeAt === null ? [] : ((this.now = Math.max(now, machine.wakeAt)), machine.tick(this.now))),
      () => (this.creating === 0 ? [] : ((this.creating = 0), machine.sessionCreated(token(), now))),
      () => (this.creating === 0 ? [] : ((this.creating = 0), machine.sessionRefused(this.pick([{ status: 429, retryInMs: 1000 }, { status: null, retryInMs: null }, { status: 503, retryInMs: null }, { status: 403, retryInMs: null }]), now))),
      () => (this.probing.length === 0 ? [] : machine.probed(this.probing.shift(), this.pick(['holds', 'dead', 'unknown']), now)),
      () => (this.sockets.delete(socket), machine.closed(socket, this.pick(CODES), now)),
      message({ type: 'ready', ...token() }),
      message({ type: 'ready', ...token() }),
      message({ type: 'waiting' }),
      message({ type: 'paired', room: 'r', side: 'a', ticket: 'k' }),
      message({ type: 'paired', room: 'r', side: 'a', ticket: 'k' }),
      message({ type: 'resumed', room: 'r', side: 'a', ticket: 'k' }),
      message({ type: 'peer', state: this.pick(['online', 'away']) }),
      message({ type: 'ended', reason: 'left' }),
      message({ type: 'token', ticket: 'k', ...token() }),
      message({ type: 'drain', reconnect_in_ms: this.pick([0, 3000]) }),
      message({ type: 'error', code: this.pick(ERRORS), message: '' }),
      message({ type: 'pong' }),
    ];
    this.carryOut(this.pick(occurrences)());
    this.check();
  }

  check() {
    const open = [...this.sockets].some((socket) => this.ready.has(socket));
    const underway = open || this.creating > 0 || this.probing.length > 0 || this.machine.wakeAt !== null;
    if (this.wants || this.machine.inRoom) assert.ok(underway, 'somebody waits, and nothing will ever happen');
    const { roomSocket } = this.machine;
    if (roomSocket !== null) assert.ok(this.sockets.has(roomSocket) && this.machine.inRoom);
  }
}

test('no order of events breaks a connection or leaves a person waiting for nothing', () => {
  for (let seed = 1; seed <= 3_000; seed++) {
    const history = new History(seed);
    try {
      for (let step = 0; step < 60; step++) history.step();
    } catch (fault) {
      fault.message += `\nseed ${seed}\n${history.log.slice(-12).join('\n')}`;
      throw fault;
    }
  }
});
