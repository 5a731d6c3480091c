/** What a person may choose from, by what the operator offers. */

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { offerOf } from '../../../web/offer.js';

test('where helpers need passes a person seeks unless they say otherwise, and cannot offer without the desk', () => {
  assert.deepEqual(offerOf({ helpers: 'pass' }).roles, ['seek', '']);
  for (const status of [{}, { helpers: 'anyone' }, { helpers: 7 }]) assert.deepEqual(offerOf(status).roles, ['', 'seek', 'offer']);
});

test('a page with keys of its own is for those who seek, whatever the server says', () => {
  for (const helpers of ['pass', 'anyone', undefined]) assert.deepEqual(offerOf({ helpers }, true).roles, ['seek']);
});
