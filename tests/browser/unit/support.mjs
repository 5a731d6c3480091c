/**
 * What the tests of the channel share: vectors, fixed keys, and two channels with a network between
 * them that the test holds.
 */

import { readFileSync } from 'node:fs';

import { Channel } from '../../../web/channel.js';
import { ml_kem768 } from '../../../web/vendor/noble-ml-kem.js';

/** A file of `schemas/vectors`. */
export function vectors(name) {
  return JSON.parse(readFileSync(new URL(`../../../schemas/vectors/${name}.json`, import.meta.url), 'utf8'));
}

export const hex = (bytes) => Buffer.from(bytes).toString('hex');
export const unhex = (text) => new Uint8Array(Buffer.from(text, 'hex'));

/** A key pair with a fixed private half; the page itself can only make random ones. */
export async function ephemeralOf(privateHex, publicHex) {
  const pkcs8 = unhex(`302e020100300506032b656e04220420${privateHex}`);
  const privateKey = await crypto.subtle.importKey('pkcs8', pkcs8, { name: 'X25519' }, false, ['deriveBits']);
  return { privateKey, publicKey: unhex(publicHex) };
}

/**
 * ML-KEM with what a case of `handshake.json` has drawn: the seed of `a`'s keys, the randomness of `b`'s
 * encapsulation. Only the vendored one takes it.
 */
export function kemOf({ a, b }) {
  return {
    name: 'noble',
    generate: async () => {
      const { publicKey, secretKey } = ml_kem768.keygen(unhex(a.kem_d + a.kem_z));
      return { encapsulationKey: publicKey, decapsulate: async (ciphertext) => ml_kem768.decapsulate(ciphertext, secretKey) };
    },
    encapsulate: async (key) => {
      const { cipherText: ciphertext, sharedSecret: sharedKey } = ml_kem768.encapsulate(key, unhex(b.kem_m));
      return { ciphertext, sharedKey };
    },
  };
}

/** A channel that keeps what it sends and tells, and its own clock. */
export class Side {
  now = 0;
  frames = [];
  events = [];

  constructor(place) {
    this.channel = new Channel({ psk: null, random: () => 0.5, ...place });
    this.channel.onFrame = (frame) => this.frames.push(frame);
    this.channel.onEvent = (event) => this.events.push(event);
  }

  start() {
    return this.channel.start(this.now);
  }

  take(frame) {
    return this.channel.handleFrame(this.now, frame);
  }

  takeFrames() {
    return this.frames.splice(0);
  }

  takeEvents() {
    return this.events.splice(0);
  }

  send(text) {
    return this.channel.sendText(this.now, text);
  }

  /** The reason why the channel ended, or `undefined`. */
  get end() {
    return this.events.find(({ kind }) => kind === 'ended')?.reason;
  }
}

/** Both sides of a case of `handshake.json`. */
export async function sidesOf({ a, b, room, psk }) {
  // Each side erases its psk and its nonce.
  const place = () => ({ room: unhex(room), psk: psk === null ? null : unhex(psk), nonce: unhex(a.nonce), kem: kemOf({ a, b }) });
  return [
    new Side({ ...place(), side: 'a', ephemeral: await ephemeralOf(a.private, a.public) }),
    new Side({ ...place(), side: 'b', ephemeral: await ephemeralOf(b.private, b.public) }),
  ];
}

/** Carries everything to and fro until both are silent; `lose` says which frames vanish. */
export async function exchange(a, b, lose = () => false) {
  for (;;) {
    const [toB, toA] = [a.takeFrames(), b.takeFrames()];
    if (toA.length + toB.length === 0) return;
    for (const frame of toB) if (!lose(frame, 'b')) await b.take(frame);
    for (const frame of toA) if (!lose(frame, 'a')) await a.take(frame);
  }
}

/** Lets time pass for both up to `until`, from one timeout to the next, carrying frames. */
export async function pass(a, b, until, lose = () => false) {
  for (;;) {
    await exchange(a, b, lose);
    const at = Math.min(a.channel.nextTimeout ?? Infinity, b.channel.nextTimeout ?? Infinity);
    if (at > until) break;
    for (const side of [a, b]) {
      side.now = Math.max(side.now, at);
      await side.channel.handleTimeout(side.now);
    }
  }
  a.now = b.now = until;
}

/** Two channels that are secured. */
export async function secured(at = 0) {
  const [a, b] = await sidesOf(vectors('handshake').cases[at]);
  await Promise.all([a.start(), b.start()]);
  await exchange(a, b);
  await pass(a, b, 1000);
  a.takeEvents();
  b.takeEvents();
  return [a, b];
}

/** A small generator (mulberry32), so that a failure can be repeated. */
export function seeded(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
