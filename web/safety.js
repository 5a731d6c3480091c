/**
 * The safety code: 42 bits of the handshake and of the nonce that `a` opens last, which two people compare over another channel.
 * There it proves that nobody sits between; compared inside the chat that it is about, it proves
 * nothing.
 */

import { concat, utf8 } from './bytes.js';

/**
 * Seven places in the table of signs, and the same bits as three numbers of five digits.
 * @typedef {{emoji: number[], numbers: number[]}} SafetyCode
 */

/**
 * The signs of Matrix's short authentication strings, in its order: chosen to be told apart easily
 * (Matrix specification, client-server API, "SAS method: emoji"; Apache-2.0). Their names are in
 * texts of each language.
 */
export const SIGNS = [
  '🐶', '🐱', '🦁', '🐎', '🦄', '🐷', '🐘', '🐰', '🐼', '🐓', '🐧', '🐢', '🐟', '🐙', '🦋', '🌷',
  '🌳', '🌵', '🍄', '🌏', '🌙', '☁️', '🔥', '🍌', '🍎', '🍓', '🌽', '🍕', '🎂', '❤️', '😀', '🤖',
  '🎩', '👓', '🔧', '🎅', '👍', '☂️', '⌛', '⏰', '🎁', '💡', '📕', '✏️', '📎', '✂️', '🔒', '🔑',
  '🔨', '☎️', '🏁', '🚂', '🚲', '✈️', '🚀', '🏆', '⚽', '🎸', '🎺', '🔔', '⚓', '🎧', '📁', '📌',
];

/**
 * The code of a finished handshake.
 * @param {Uint8Array} handshakeHash
 * @param {Uint8Array} nonce What `a` had committed to.
 * @returns {Promise<SafetyCode>}
 */
export async function safetyCode(handshakeHash, nonce) {
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', concat(utf8('cipher-chat.v2 safety\0'), handshakeHash, nonce)));
  const bits = digest.slice(0, 6).reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n) >> 6n;
  const part = (/** @type {number} */ from, /** @type {number} */ width) => Number((bits >> BigInt(from)) & ((1n << BigInt(width)) - 1n));
  return {
    emoji: [36, 30, 24, 18, 12, 6, 0].map((from) => part(from, 6)),
    numbers: [28, 14, 0].map((from) => 10_000 + part(from, 14)),
  };
}
