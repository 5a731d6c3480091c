/** What a person is told of what did not work. */

/** @typedef {import('./i18n.js').Key} Key */
/** @typedef {import('./protocol.js').ConnectionEvent} ConnectionEvent */

/** What the server says of a search that it refuses. @type {Map<string, Key>} */
export const REFUSALS = new Map([['topic-not-offered', 'trouble.topic'], ['bad-topic', 'trouble.topic'], ['matching-not-offered', 'trouble.matching'], ['other-version', 'trouble.version'], ['pass-required', 'trouble.pass']]);
/** @type {Record<Extract<ConnectionEvent, {kind: 'failed'}>['why'], Key>} */
export const FAILURES = { replaced: 'trouble.replaced', 'session-over': 'trouble.session', forbidden: 'trouble.forbidden', pass: 'trouble.pass', unproved: 'trouble.unproved', fault: 'trouble.fault' };

/** What is told of a channel that ended for safety. @type {Partial<Record<import('./channel-end.js').ChannelEnd, Key>>} */
export const UNSAFE = {
  'no-channel': 'trouble.secure.none', malformed: 'trouble.secure.broken', 'ack-beyond-sent': 'trouble.secure.broken',
  'window-exceeded': 'trouble.secure.broken', exhausted: 'trouble.secure.exhausted', 'bad-credential': 'trouble.secure.helper',
};

/**
 * In how long the page tries again.
 * @param {{retryInMs: number, closed?: true}} event
 * @returns {[Key, import('./i18n.js').Values]}
 */
export function busy({ retryInMs, closed }) {
  const seconds = Math.ceil(retryInMs / 1000);
  if (closed) return ['wait.closed', { seconds }];
  return seconds <= 90 ? ['wait.busy', { seconds }] : ['wait.busy.minutes', { minutes: Math.ceil(seconds / 60) }];
}
