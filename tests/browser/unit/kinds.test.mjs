/** The kinds 7 to 11 as both clients have them: `schemas/vectors/kinds.json`. */

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { readMessage } from '../../../web/messages.js';
import { Transcript } from '../../../web/transcript.js';
import { unhex, vectors } from './support.mjs';

const { malformed, messages, timers } = vectors('kinds');

/** What stands short for something long. */
const whole = (value) => (typeof value === 'object' ? (value.start ?? '') + value.repeat.repeat(value.times) : value);

test('each kind is read as in the vectors', () => {
  for (const { body, events, kind, name, number } of messages) {
    const heard = readMessage({ number, kind, body: unhex(whole(body)) });
    const told = heard === null || heard.kind === 'later' ? [] : [{ event: heard.kind, ...heard, kind: undefined }];
    assert.deepEqual(JSON.parse(JSON.stringify(told)), events.map((event) => ('text' in event ? { ...event, text: whole(event.text) } : event)), name);
  }
});

test('what breaks the form of its kind is malformed as in the vectors', () => {
  for (const { body, kind, name, number } of malformed) assert.equal(readMessage({ number, kind, body: unhex(whole(body)) }), null, name);
});

test('of two timers the one of the vectors holds, as each side sees it', () => {
  for (const { holds, name, one, other } of timers) {
    for (const [mine, theirs] of [[one, other], [other, one]]) {
      const transcript = new Transcript(() => {});
      if (mine !== null) transcript.setTimer(true, mine);
      if (theirs !== null) transcript.setTimer(false, theirs);
      assert.equal(transcript.seconds, holds, name);
    }
  }
});
