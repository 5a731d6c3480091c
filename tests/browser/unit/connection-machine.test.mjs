import assert from 'node:assert/strict';
import { test } from 'node:test';

import { ConnectionMachine } from '../../../web/connection-machine.js';
import {
  ASK_AFTER_MS, CLOSE_CODES, FIRST_REFUSED_WINDOW_MS, FIRST_WINDOW_MS, LONGEST_ASKED_MS, LONGEST_WINDOW_MS, REPLACE_AFTER_MS, SERVER_TYPES, STABLE_MS,
} from '../../../web/facts.js';
import { UNKNOWN } from '../../../web/outlook.js';
import { adviceOf } from '../../../web/protocol.js';
import { DOUBTED_MS, LOST_MS, SILENCE_MS, TELL_AFTER_MS } from '../../../web/liveness.js';
import { DIAL_MS } from '../../../web/timing.js';

const MINUTE = 60_000;

/** A connection, its clock and what it asked for; every effect must be looked at. */
class World {
  now = 1_000_000;
  machine = new ConnectionMachine(() => 0.5);
  tokens = 0;

  token() {
    this.tokens += 1;
    return { token: `token-${this.tokens}`, expires_in: 600 };
  }

  find(find = {}) {
    return this.machine.find(find, this.now);
  }

  /** A message of the server on a socket. */
  message(socket, message) {
    return this.machine.text(socket, JSON.stringify(message), this.now);
  }

  ready(socket) {
    return this.message(socket, { type: 'ready', session: 's', limits: {}, heartbeat_ms: 25_000, ...this.token() });
  }

  close(socket, code) {
    return this.machine.closed(socket, code, this.now);
  }

  /** Lets time pass to the next wake-up. */
  wake() {
    assert.notEqual(this.machine.wakeAt, null, 'nothing to wait for');
    this.now = Math.max(this.now, this.machine.wakeAt);
    return this.machine.tick(this.now);
  }

  /** Up to the first `ready`, waiting for somebody. */
  connected(find = {}) {
    this.find(find);
    this.machine.sessionCreated(this.token(), this.now);
    this.ready(1);
    return this;
  }

  /** Up to the chat. */
  paired() {
    this.connected();
    this.message(1, { type: 'waiting' });
    this.message(1, { type: 'paired', room: 'r', side: 'a', ticket: 'ticket-1' });
    assert.ok(this.machine.inRoom);
    return this;
  }
}

const messages = (effects) => effects.filter((effect) => effect.do === 'send').map(({ text }) => JSON.parse(text));
const events = (effects) => effects.filter((effect) => effect.do === 'emit').map(({ event }) => event);
const kinds = (effects) => effects.map((effect) => effect.do);

test('the first find makes a session, dials with its token, and asks once the server is ready', () => {
  const world = new World();
  assert.deepEqual(world.find({ topic: 'music', lang: 'ko' }), [{ do: 'create-session' }]);
  assert.deepEqual(world.machine.sessionCreated(world.token(), world.now), [{ do: 'connect', socket: 1, token: 'token-1' }]);
  assert.deepEqual(world.ready(1), [
    { do: 'emit', event: { kind: 'online' } },
    { do: 'send', socket: 1, text: '{"type":"find","channel":2,"topic":"music","lang":"ko"}' },
  ]);
  assert.deepEqual(events(world.message(1, { type: 'waiting' })), [{ kind: 'waiting', outlook: UNKNOWN }]);
  assert.equal(world.machine.roomSocket, null);
  assert.deepEqual(events(world.message(1, { type: 'paired', room: 'r', side: 'b', ticket: 't' })), [{ kind: 'paired', room: 'r', side: 'b', criteria: { topic: 'music', lang: 'ko' } }]);
  assert.equal(world.machine.roomSocket, 1);
});

test('a session that was made before anybody looked for anyone is kept and used', () => {
  const world = new World();
  assert.deepEqual(world.machine.sessionCreated(world.token(), world.now), []);
  assert.equal(world.machine.token, 'token-1');
  assert.deepEqual(world.find(), [{ do: 'connect', socket: 1, token: 'token-1' }]);
});

test('only the server says that a token is dead', () => {
  for (const [answer, then] of /** @type {const} */ ([['dead', 'create-session'], ['holds', 'connect']])) {
    const world = new World();
    world.machine.sessionCreated(world.token(), world.now);
    world.now += 11 * MINUTE;
    assert.deepEqual(world.find(), [{ do: 'probe', token: 'token-1' }]);
    assert.deepEqual(kinds(world.machine.probed('token-1', answer, world.now)), [then]);
  }
});

test('a server that cannot be asked about a token is asked again', () => {
  const world = new World().paired();
  world.close(1, null);
  world.now += 11 * MINUTE;
  assert.deepEqual(world.wake(), [{ do: 'probe', token: 'token-2' }]);
  assert.deepEqual(events(world.machine.probed('token-2', 'unknown', world.now)), [{ kind: 'offline', why: 'lost' }]);
  assert.deepEqual(world.wake(), [{ do: 'probe', token: 'token-2' }]);
  assert.deepEqual(kinds(world.machine.probed('token-2', 'holds', world.now)), ['connect']);
  assert.deepEqual(messages(world.ready(2)), [{ type: 'resume', ticket: 'ticket-1' }]);
});

test('what the server says of a token that was replaced meanwhile counts for nothing', () => {
  const world = new World().paired();
  world.close(1, null);
  world.wake();
  world.close(2, null);
  world.wake();
  assert.deepEqual(world.close(3, null).at(-1), { do: 'probe', token: 'token-2' });
  world.wake();
  world.ready(4);
  assert.deepEqual(world.machine.probed('token-2', 'dead', world.now), []);
  assert.ok(world.machine.inRoom);
});

test('a token whose life is not told is used until the server refuses it', () => {
  const world = new World();
  world.machine.sessionCreated({ token: 'token-1' }, world.now);
  world.now += 1_000 * MINUTE;
  assert.deepEqual(kinds(world.find()), ['connect']);
});

test('close codes say what to do next', () => {
  const advice = { 1012: 'now', 1000: 'never', 1002: 'never', 1007: 'never', 4000: 'back-off', 4001: 'back-off', 4002: 'back-off', 4099: 'back-off',
    4100: 'never', 4101: 'never', 4102: 'never', 4103: 'never', 4104: 'never', 4199: 'never', 1001: 'back-off', 1011: 'back-off', 4200: 'back-off' };
  for (const [code, expected] of Object.entries(advice)) assert.equal(adviceOf(Number(code)), expected, code);
  for (const [code, expected] of CLOSE_CODES) assert.equal(adviceOf(code), expected, code);
  assert.equal(adviceOf(null), 'back-off');
});

test('a lost connection is resumed with the ticket, and frames wait for that', () => {
  const world = new World().paired();
  assert.deepEqual(events(world.close(1, null)), [{ kind: 'offline', why: 'lost' }]);
  assert.equal(world.machine.roomSocket, null);
  assert.deepEqual(world.wake(), [{ do: 'connect', socket: 2, token: 'token-2' }]);
  const effects = world.ready(2);
  assert.deepEqual(events(effects), [{ kind: 'online' }]);
  assert.deepEqual(messages(effects), [{ type: 'resume', ticket: 'ticket-1' }]);
  assert.equal(world.machine.roomSocket, null, 'not before the server has taken us back');
  assert.deepEqual(events(world.message(2, { type: 'resumed', room: 'r', side: 'a', ticket: 'ticket-2' })), [{ kind: 'resumed' }]);
  assert.equal(world.machine.roomSocket, 2);
  world.close(2, 1012);
  world.wake();
  assert.deepEqual(messages(world.ready(3)), [{ type: 'resume', ticket: 'ticket-2' }], 'the fresh one');
});

test('a connection lost while waiting finds again', () => {
  const world = new World().connected({ topic: 'music' });
  world.close(1, 4001);
  world.wake();
  assert.deepEqual(messages(world.ready(2)), [{ type: 'find', channel: 2, topic: 'music' }]);
});

test('pauses double with jitter up to the longest, and begin with the shortest again after a success', () => {
  const world = new World().paired();
  world.close(1, null);
  const pauses = [];
  for (let socket = 2; socket < 9; socket++) {
    const before = world.now;
    world.wake();
    pauses.push(world.now - before);
    world.close(socket, null);
    world.machine.probed('token-2', 'unknown', world.now);
  }
  const doubled = [0, 1, 2, 3, 4, 5, 6].map((times) => Math.min(FIRST_WINDOW_MS * 2 ** times, LONGEST_WINDOW_MS) / 2);
  assert.deepEqual(pauses, doubled);
  world.wake();
  world.ready(9);
  world.now += STABLE_MS - 1;
  world.close(9, null);
  assert.equal(world.machine.wakeAt - world.now, LONGEST_WINDOW_MS / 2, 'a short connection is no success');
  world.wake();
  world.ready(10);
  world.now += STABLE_MS;
  world.close(10, null);
  assert.equal(world.machine.wakeAt - world.now, FIRST_WINDOW_MS / 2);
});

test('a close code that asks for a back-off skips the shortest pauses', () => {
  for (const [code, window] of [[4001, FIRST_REFUSED_WINDOW_MS], [1012, FIRST_WINDOW_MS], [null, FIRST_WINDOW_MS]]) {
    const world = new World().paired();
    world.close(1, code);
    assert.equal(world.machine.wakeAt - world.now, window / 2, code);
  }
});

test('no server can ask for a longer pause than a minute', () => {
  const world = new World().paired();
  const drained = world.now;
  world.message(1, { type: 'drain', reconnect_in_ms: 100 * MINUTE });
  world.now += LONGEST_ASKED_MS - 1;
  world.machine.received(1, world.now);
  assert.equal(world.machine.wakeAt, drained + LONGEST_ASKED_MS);
  const fresh = new World();
  fresh.find();
  const [busy] = events(fresh.machine.sessionRefused({ status: 503, retryInMs: 100 * MINUTE }, fresh.now));
  assert.equal(busy.retryInMs, LONGEST_ASKED_MS + FIRST_WINDOW_MS / 2);
  const promised = new World();
  promised.find();
  const [queued] = events(promised.machine.sessionRefused({ status: 429, retryInMs: 280_000 }, promised.now));
  assert.equal(queued.retryInMs, 280_000 + FIRST_WINDOW_MS / 2, 'the time at which there is room for this one');
});

test('a network that is back is tried at once', () => {
  const world = new World().paired();
  world.close(1, null);
  assert.deepEqual(kinds(world.machine.nudge(world.now)), ['connect']);
  assert.deepEqual(world.machine.nudge(world.now), [], 'one at a time');
});

for (const [code, why] of [[4102, 'replaced'], [4103, 'session-over'], [4104, 'fault'], [1002, 'fault'], [1000, 'fault']]) {
  test(`after ${code} the page does not come back`, () => {
    const world = new World().paired();
    assert.deepEqual(world.close(1, code), [{ do: 'emit', event: { kind: 'failed', why } }]);
    assert.equal(world.machine.wakeAt, null);
    assert.equal(world.machine.inRoom, false);
  });
}

test('silence is answered with a ping, and no pong means that the connection is dead', () => {
  const world = new World().paired();
  assert.equal(world.machine.wakeAt, world.now + SILENCE_MS);
  world.now += SILENCE_MS - 1;
  world.machine.received(1, world.now);
  assert.equal(world.machine.wakeAt, world.now + SILENCE_MS, 'a frame counts as life');
  assert.deepEqual(messages(world.wake()), [{ type: 'ping' }]);
  world.message(1, { type: 'pong' });
  assert.deepEqual(messages(world.wake()), [{ type: 'ping' }]);
  const asked = world.now;
  const effects = world.wake();
  assert.equal(world.now - asked, LOST_MS);
  assert.deepEqual(effects, [{ do: 'close', socket: 1 }, { do: 'emit', event: { kind: 'offline', why: 'silent' } }]);
  assert.deepEqual(kinds(world.wake()), ['connect']);
});

test('a page that wakes up asks at once and waits less', () => {
  const world = new World().paired();
  world.now += 5_000;
  assert.deepEqual(messages(world.machine.nudge(world.now)), [{ type: 'ping' }]);
  assert.equal(world.machine.wakeAt, world.now + DOUBTED_MS);
  assert.deepEqual(kinds(world.wake()), ['connect'], 'another connection, and the old one is kept');
});

/** A chat in which something was sent, and nothing came until another connection was opened. */
function silent() {
  const world = new World().paired();
  world.machine.sent(1, world.now);
  const sent = world.now;
  assert.deepEqual(messages(world.wake()), [{ type: 'ping' }]);
  assert.equal(world.now - sent, ASK_AFTER_MS);
  const effects = world.wake();
  assert.equal(world.now - sent, ASK_AFTER_MS + REPLACE_AFTER_MS);
  assert.deepEqual(effects, [{ do: 'connect', socket: 2, token: 'token-2' }]);
  assert.equal(world.machine.roomSocket, 1, 'the silent one stays what it was');
  return world;
}

test('a silent connection is asked, then another is opened, and the room moves when that is ready', () => {
  const world = silent();
  world.machine.opened(2);
  const effects = world.ready(2);
  assert.deepEqual(effects[0], { do: 'close', socket: 1 });
  assert.deepEqual(events(effects), [{ kind: 'moving' }], 'mostly nobody notices');
  assert.deepEqual(messages(effects), [{ type: 'resume', ticket: 'ticket-1' }]);
  assert.deepEqual(world.message(1, { type: 'peer', state: 'away' }), [], 'the first is not heard any more');
});

test('a silent connection that speaks before the other is open is kept', () => {
  for (const speak of [(world) => world.machine.received(1, world.now), (world) => world.message(1, { type: 'pong' })]) {
    const world = silent();
    const replaced = world.now;
    assert.deepEqual(world.wake(), [{ do: 'emit', event: { kind: 'silent' } }]);
    assert.equal(world.now - replaced, TELL_AFTER_MS);
    assert.deepEqual(speak(world), [{ do: 'close', socket: 2 }, { do: 'emit', event: { kind: 'answers' } }]);
    assert.equal(world.machine.roomSocket, 1);
    assert.deepEqual(world.ready(2), [], 'it was given up');
    assert.equal(world.machine.wakeAt, world.now + SILENCE_MS);
  }
});

test('a connection that was given up may have been taken by the server: it replaced nobody but ourselves', () => {
  const world = silent();
  world.machine.received(1, world.now);
  assert.deepEqual(events(world.close(1, 4102)), [{ kind: 'offline', why: 'lost' }]);
  world.wake();
  assert.deepEqual(messages(world.ready(3)), [{ type: 'resume', ticket: 'ticket-1' }]);
  assert.deepEqual(events(world.close(3, 4102)), [{ kind: 'failed', why: 'replaced' }], 'this time it was another');
});

test('once the other connection is open it is kept, whatever the first says', () => {
  const world = silent();
  world.machine.opened(2);
  assert.deepEqual(world.message(1, { type: 'pong' }), []);
  assert.deepEqual(world.close(1, 4102), [{ do: 'emit', event: { kind: 'moving' } }], 'the server has replaced it');
  assert.deepEqual(messages(world.ready(2)), [{ type: 'resume', ticket: 'ticket-1' }]);
});

test('another connection that cannot be opened is tried again while the first stays silent', () => {
  const world = silent();
  assert.deepEqual(world.close(2, null), []);
  assert.equal(world.machine.roomSocket, 1);
  assert.deepEqual(kinds(world.wake()), ['connect']);
  world.close(3, null);
  world.machine.received(1, world.now);
  assert.equal(world.machine.wakeAt, world.now + SILENCE_MS, 'no more once it speaks');
});

test('a session that is over is over, though another connection is being opened', () => {
  const world = silent();
  assert.deepEqual(events(world.close(1, 4103)), [{ kind: 'failed', why: 'session-over' }]);
});

test('what comes in time keeps a connection from being doubted', () => {
  const world = new World().paired();
  world.machine.sent(1, world.now);
  world.now += ASK_AFTER_MS - 1;
  world.machine.received(1, world.now);
  assert.equal(world.machine.wakeAt, world.now + SILENCE_MS);
  world.machine.sent(1, world.now);
  const first = world.now;
  world.now += 1000;
  world.machine.sent(1, world.now);
  assert.equal(world.machine.wakeAt, first + ASK_AFTER_MS, 'the earlier time stays');
});

test('a silent connection in a drain is replaced for good', () => {
  const world = new World().paired();
  world.machine.sent(1, world.now);
  world.message(1, { type: 'drain', reconnect_in_ms: 30_000 });
  world.machine.sent(1, world.now);
  world.wake();
  assert.deepEqual(kinds(world.wake()), ['connect']);
  assert.deepEqual(kinds(world.message(1, { type: 'pong' })), [], 'the new one is not given up');
  assert.equal(messages(world.ready(2)).length, 1);
});

test('a dial that does not become ready is given up', () => {
  const world = new World();
  world.find();
  world.machine.sessionCreated(world.token(), world.now);
  const dialled = world.now;
  const effects = world.wake();
  assert.equal(world.now - dialled, DIAL_MS);
  assert.deepEqual(effects, [{ do: 'close', socket: 1 }, { do: 'emit', event: { kind: 'offline', why: 'silent' } }]);
});

test('a socket that was given up and becomes ready after all is not listened to', () => {
  const world = new World();
  world.find();
  world.machine.sessionCreated(world.token(), world.now);
  world.wake();
  assert.deepEqual(world.ready(1), []);
  assert.equal(world.machine.token, 'token-1', 'its token is an older attachment’s');
});

test('a node that drains is left for another before it closes, and its close is no loss', () => {
  const world = new World().paired();
  assert.deepEqual(world.message(1, { type: 'drain', reconnect_in_ms: 1234 }), []);
  const told = world.now;
  assert.deepEqual(kinds(world.wake()), ['connect']);
  assert.equal(world.now - told, 1234);
  assert.equal(world.machine.roomSocket, 1, 'the old one serves until the new one is ready');
  assert.deepEqual(events(world.close(1, 4102)), [{ kind: 'moving' }], 'replaced by ourselves');
  assert.deepEqual(messages(world.ready(2)), [{ type: 'resume', ticket: 'ticket-1' }]);
});

test('the old connection is hung up once the new one is ready', () => {
  const world = new World().paired();
  world.message(1, { type: 'drain', reconnect_in_ms: 0 });
  world.wake();
  assert.deepEqual(world.ready(2)[0], { do: 'close', socket: 1 });
  assert.deepEqual(world.close(1, 1000), [], 'late news of an old socket');
  assert.deepEqual(world.message(1, { type: 'ended', reason: 'left' }), []);
});

test('a new connection that fails during a drain is tried again while the old one serves', () => {
  const world = new World().paired();
  world.message(1, { type: 'drain', reconnect_in_ms: 0 });
  world.wake();
  assert.deepEqual(world.close(2, null), []);
  assert.equal(world.machine.roomSocket, 1);
  assert.deepEqual(kinds(world.wake()), ['connect']);
});

test('tokens and tickets renewed in band are the ones that are used', () => {
  const world = new World().paired();
  world.message(1, { type: 'token', token: 'renewed', ticket: 'ticket-renewed', expires_in: 600 });
  world.close(1, null);
  assert.equal(world.wake().find((effect) => effect.do === 'connect').token, 'renewed');
  assert.deepEqual(messages(world.ready(2)), [{ type: 'resume', ticket: 'ticket-renewed' }]);
});

test('sockets that never become ready make the page ask whether the token holds; a dead one ends the chat', () => {
  const world = new World().paired();
  world.close(1, null);
  world.wake();
  assert.deepEqual(kinds(world.close(2, null)), ['emit']);
  world.wake();
  assert.deepEqual(world.close(3, null).at(-1), { do: 'probe', token: 'token-2' });
  assert.deepEqual(events(world.machine.probed('token-2', 'dead', world.now)), [{ kind: 'ended', reason: 'expired', away: true }]);
  assert.deepEqual(world.wake(), [], 'nothing is left to connect for');
});

test('a dead token while waiting is replaced by a new session', () => {
  const world = new World().connected();
  world.close(1, null);
  world.wake();
  world.close(2, null);
  world.wake();
  world.close(3, null);
  assert.deepEqual(world.machine.probed('token-2', 'dead', world.now), []);
  assert.deepEqual(kinds(world.wake()), ['create-session']);
});

test('a room whose token has run out offline is over when the server says so', () => {
  const world = new World().paired();
  world.close(1, null);
  world.now += 11 * MINUTE;
  assert.deepEqual(kinds(world.wake()), ['probe']);
  assert.deepEqual(events(world.machine.probed('token-2', 'dead', world.now)), [{ kind: 'ended', reason: 'expired', away: true }]);
});

test('a resume that is refused ends the chat, one that is refused for now is said again', () => {
  const world = new World().paired();
  world.close(1, null);
  world.wake();
  world.ready(2);
  const [busy] = events(world.message(2, { type: 'error', code: 'unavailable', message: 'm' }));
  assert.deepEqual(busy, { kind: 'busy', retryInMs: FIRST_REFUSED_WINDOW_MS / 2 });
  assert.deepEqual(messages(world.wake()), [{ type: 'resume', ticket: 'ticket-1' }]);
  assert.deepEqual(events(world.message(2, { type: 'error', code: 'bad-ticket', message: 'm' })), [{ kind: 'ended', reason: 'expired', away: true }]);
});

test('a find that is refused for good is told, one that is refused for now is said again', () => {
  const world = new World().connected({ invite: 'c' });
  assert.equal(events(world.message(1, { type: 'error', code: 'rate', message: 'm' }))[0].kind, 'busy');
  assert.deepEqual(messages(world.wake()), [{ type: 'find', channel: 2, invite: 'c' }]);
  assert.deepEqual(events(world.message(1, { type: 'error', code: 'invite-spent', message: 'm' })), [{ kind: 'refused', code: 'invite-spent' }]);
  assert.deepEqual(events(world.message(1, { type: 'error', code: 'invite-spent', message: 'm' })), []);
});

test('a match for a search that was refused is left', () => {
  const world = new World().connected();
  assert.equal(events(world.message(1, { type: 'error', code: 'bad-topic', message: 'm' }))[0].kind, 'refused');
  const effects = world.message(1, { type: 'paired', room: 'r', side: 'a', ticket: 't' });
  assert.deepEqual([events(effects), messages(effects)], [[], [{ type: 'leave' }]]);
  assert.equal(world.machine.inRoom, false);
});

test('a second match in a room ends the chat, and the person is told', () => {
  const world = new World().paired();
  const effects = world.message(1, { type: 'paired', room: 'other', side: 'b', ticket: 't' });
  assert.deepEqual([events(effects), messages(effects)], [[{ kind: 'paired-again' }], [{ type: 'leave' }]]);
  assert.equal(world.machine.inRoom, false);
  assert.deepEqual(world.message(1, { type: 'ended', reason: 'left' }), [], 'nobody is looked for again');
});

test('somebody else is asked for with next, and the end of the old room is not told', () => {
  const world = new World().paired();
  assert.deepEqual(messages(world.find({ topic: 'art' })), [{ type: 'next', channel: 2, topic: 'art' }]);
  assert.equal(world.machine.roomSocket, null, 'a frame behind it would be for whoever comes next');
  assert.deepEqual(world.message(1, { type: 'ended', reason: 'left' }), []);
  assert.deepEqual(events(world.message(1, { type: 'waiting' })), [{ kind: 'waiting', outlook: UNKNOWN }]);
});

test('a search that meets the room which this side has left ends that room', () => {
  const world = new World().paired();
  const asked = (effects) => messages(effects).map(({ type, topic }) => [type, topic]);
  world.machine.leave();
  assert.deepEqual(world.message(1, { type: 'error', code: 'rate', message: 'm' }), [], 'nothing tells that it was the leave');
  assert.deepEqual(asked(world.find({ topic: 'art' })), [['find', 'art']]);
  assert.deepEqual(asked(world.message(1, { type: 'error', code: 'in-room', message: 'm' })), [['next', 'art']]);
  assert.deepEqual(world.message(1, { type: 'ended', reason: 'left' }), []);
  assert.deepEqual(events(world.message(1, { type: 'waiting' })), [{ kind: 'waiting', outlook: UNKNOWN }]);
});

test('a search that crosses its match is not asked for again', () => {
  const world = new World().connected();
  world.message(1, { type: 'paired', room: 'r', side: 'a', ticket: 't' });
  assert.deepEqual(world.message(1, { type: 'error', code: 'in-room', message: 'm' }), []);
  assert.ok(world.machine.inRoom);
});

test('leaving without a connection is said by a request', () => {
  const world = new World().paired();
  world.close(1, null);
  assert.deepEqual(world.machine.leave(), [{ do: 'end-room', token: 'token-2' }]);
  assert.deepEqual(world.machine.leave(), []);
});

test('leaving, reporting and stopping are said once', () => {
  assert.deepEqual(messages(new World().paired().machine.leave()), [{ type: 'leave' }]);
  assert.deepEqual(messages(new World().paired().machine.report('spam')), [{ type: 'report', category: 'spam' }]);
  const world = new World().paired();
  const effects = world.machine.stop();
  assert.deepEqual(messages(effects), [{ type: 'leave' }]);
  assert.deepEqual(effects.at(-1), { do: 'close', socket: 1 });
  assert.equal(world.machine.wakeAt, null);
});

test('a chat that has just ended can be reported while there is a connection', () => {
  const world = new World().paired();
  world.message(1, { type: 'ended', reason: 'left' });
  assert.deepEqual(messages(world.machine.report('abuse')), [{ type: 'report', category: 'abuse' }]);
  assert.deepEqual(events(world.message(1, { type: 'error', code: 'no-room', message: 'm' })), [{ kind: 'reported', taken: false }]);
  world.close(1, null);
  assert.deepEqual(world.machine.report('abuse'), []);
});

test('a report is told as taken when the server has answered it, and not before', () => {
  const taken = [{ kind: 'reported', taken: true }];
  const inRoom = new World().paired();
  inRoom.machine.report('spam');
  assert.deepEqual(inRoom.message(1, { type: 'token', ...inRoom.token() }), [], 'renewed by chance');
  assert.deepEqual(events(inRoom.message(1, { type: 'ended', reason: 'reported' })), taken);
  const over = new World().paired();
  over.message(1, { type: 'ended', reason: 'left' });
  over.machine.report('spam');
  assert.deepEqual(events(over.message(1, { type: 'token', ...over.token() })), taken);
  assert.deepEqual(over.message(1, { type: 'token', ...over.token() }), [], 'once');
  const crossing = new World().paired();
  crossing.machine.report('spam');
  assert.deepEqual(crossing.message(1, { type: 'ended', reason: 'left' }), [], 'the other side was first');
  assert.deepEqual(crossing.message(1, { type: 'token', ...crossing.token() }), [], 'the one that follows each end');
  assert.deepEqual(events(crossing.message(1, { type: 'token', ...crossing.token() })), taken);
});

test('a report that comes too fast is sent again, and one whose connection breaks is told as not taken', () => {
  const world = new World().paired();
  world.machine.report('abuse');
  assert.deepEqual(world.message(1, { type: 'error', code: 'rate', message: 'm' }), [], 'nothing is sure yet');
  const before = world.now;
  assert.deepEqual(messages(world.wake()), [{ type: 'report', category: 'abuse' }]);
  assert.equal(world.now - before, FIRST_REFUSED_WINDOW_MS / 2);
  assert.deepEqual(events(world.message(1, { type: 'ended', reason: 'reported' })), [{ kind: 'reported', taken: true }]);
  const late = new World().paired();
  late.message(1, { type: 'ended', reason: 'left' });
  late.machine.report('abuse');
  late.message(1, { type: 'error', code: 'rate', message: 'm' });
  assert.deepEqual(late.message(1, { type: 'token', ...late.token() }), [], 'a token that comes by chance is no answer');
  assert.deepEqual(messages(late.wake()), [{ type: 'report', category: 'abuse' }]);
  assert.deepEqual(events(late.message(1, { type: 'token', ...late.token() })), [{ kind: 'reported', taken: true }]);
  const broken = new World().paired();
  broken.machine.report('abuse');
  assert.deepEqual(events(broken.close(1, null)), [{ kind: 'reported', taken: false }]);
  const gone = new World().paired();
  gone.machine.report('abuse');
  gone.find();
  assert.deepEqual(events(gone.message(1, { type: 'ended', reason: 'reported' })), [], 'the person has gone on');
});

test('a server that refuses sessions for now is asked again when it says, for good is not', () => {
  const world = new World();
  world.find();
  assert.deepEqual(events(world.machine.sessionRefused({ status: 429, retryInMs: 7000 }, world.now)), [{ kind: 'busy', retryInMs: 7000 + FIRST_WINDOW_MS / 2 }]);
  const before = world.now;
  assert.deepEqual(kinds(world.wake()), ['create-session']);
  assert.equal(world.now - before, 7000 + FIRST_WINDOW_MS / 2);
  assert.deepEqual(events(world.machine.sessionRefused({ status: null, retryInMs: null }, world.now)), [{ kind: 'offline', why: 'lost' }]);
  assert.deepEqual(kinds(world.wake()), ['create-session']);
  assert.deepEqual(events(world.machine.sessionRefused({ status: 403, retryInMs: null }, world.now)), [{ kind: 'failed', why: 'forbidden' }]);
  assert.equal(world.machine.wakeAt, null);
});

test('no hurry and no new search is earlier than the server has room', () => {
  const world = new World();
  world.find();
  const [{ retryInMs }] = events(world.machine.sessionRefused({ status: 429, retryInMs: 10 * MINUTE }, world.now));
  const promised = world.now + retryInMs;
  world.now += MINUTE;
  assert.deepEqual(world.machine.nudge(world.now), [], 'the page is looked at again');
  assert.equal(world.machine.wakeAt, promised);
  world.machine.stop();
  assert.deepEqual(world.find(), [{ do: 'emit', event: { kind: 'busy', retryInMs: promised - world.now } }], 'given up, and begun again');
  assert.deepEqual(kinds(world.wake()), ['create-session']);
  assert.equal(world.now, promised);
});

test('a start screen remembers when there is room, too', () => {
  const world = new World();
  assert.deepEqual(world.machine.sessionRefused({ status: 429, retryInMs: MINUTE }, world.now), [], 'the start screen asked');
  assert.equal(world.machine.hasRoomAt(world.now + MINUTE - 1), false);
  assert.deepEqual(kinds(world.find()), ['emit']);
  assert.equal(world.machine.hasRoomAt(world.now + MINUTE), true);
});

test('the end of a room is told with whether this side was there', () => {
  const there = new World().paired();
  assert.deepEqual(events(there.message(1, { type: 'ended', reason: 'left' })), [{ kind: 'ended', reason: 'left', away: false }]);
  const away = new World().paired();
  away.close(1, null);
  away.wake();
  away.ready(2);
  assert.deepEqual(events(away.message(2, { type: 'ended', reason: 'left' })), [{ kind: 'ended', reason: 'left', away: true }]);
});

test('what the operator has ordered is told, in a chat too, and ends with a connection on which nothing is said of it', () => {
  const world = new World().paired();
  const [told] = events(world.message(1, { type: 'service', strangers: 'paused', notice: 'hello' }));
  assert.deepEqual(told, { kind: 'service', service: { paused: true, closed: null, notice: 'hello' } });
  assert.equal(world.machine.inRoom, true);
  world.close(1, null);
  world.wake();
  const usual = { kind: 'service', service: { paused: false, closed: null, notice: null } };
  assert.deepEqual(events(world.ready(2)).filter(({ kind }) => kind === 'service'), [usual]);
  assert.deepEqual(events(world.message(2, { type: 'service', strangers: 'not-offered', closed: '', notice: 7 })), [
    { kind: 'service', service: { paused: false, closed: '', notice: null } },
  ]);
});

test('where no new sessions are taken the page is told, and asks again in time', () => {
  const fresh = new World();
  fresh.find();
  const [busy] = events(fresh.machine.sessionRefused({ status: 503, retryInMs: 30_000, closed: true }, fresh.now));
  assert.deepEqual(busy, { kind: 'busy', retryInMs: 30_000 + FIRST_WINDOW_MS / 2, closed: true });
});

test('every message that a server may send is handled', () => {
  assert.deepEqual(Object.keys(ConnectionMachine.handlers), SERVER_TYPES);
});

test('what a later server may say is passed over', () => {
  const world = new World().paired();
  assert.deepEqual(world.message(1, { type: 'constructor' }), []);
  assert.deepEqual(world.message(1, { type: 'something-new' }), []);
  assert.deepEqual(world.message(1, { type: 'error', code: 'something-new', message: '' }), []);
});
