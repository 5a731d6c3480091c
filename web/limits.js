/** Every constant of the channel, with its reason; `docs/protocol.md` lists the same. Times are milliseconds. */

/** Smallest binary message, bytes: an acknowledgement looks like a short text. */
export const MIN_FRAME = 256;
/** Largest binary message, bytes. */
export const MAX_FRAME = 16_384;
/** Longest text, UTF-8 bytes. */
export const MAX_TEXT = 8 * 1024;
/** Messages that may be unacknowledged at once, and so how far out of order one may arrive. */
export const WINDOW_MESSAGES = 64;
/** Bytes that may be unacknowledged at once, each message counted as the packet it would fill alone. */
export const WINDOW_BYTES = 128 * 1024;
/** Kept free of the window for a goodbye, so that a full window cannot delay it. */
export const BYE_RESERVE_MESSAGES = 1;
/** The same in bytes. */
export const BYE_RESERVE_BYTES = MIN_FRAME;
/** Typing notices are not worth a place in a window that is half full. */
export const TYPING_WINDOW_MESSAGES = WINDOW_MESSAGES / 2;
/** Numbers of packets and messages stay below this, so that they are exact here. */
export const MAX_NUMBER = 2 ** 53;
/** How far back the replay window reaches, packets: more than a full window resent twice. */
export const REPLAY_WINDOW = 1024;

/** First wait before a handshake message is sent again; doubles up to the longest. */
export const HANDSHAKE_RESEND_MIN = 1_000;
/** Longest wait before a handshake message is sent again. */
export const HANDSHAKE_RESEND_MAX = 8_000;
/** Time with both sides online, in all, after which a chat without a channel ends. */
export const HANDSHAKE_PATIENCE = 30_000;

/** Shortest delay of an acknowledgement that has nothing to ride on. */
export const ACK_DELAY_MIN = 20;
/** Longest such delay: far below the shortest time-out, so that a late acknowledgement never looks like a loss. */
export const ACK_DELAY_MAX = 120;
/** Acknowledgement time-out before a round trip was measured (RFC 6298, 2.1). */
export const RESEND_INITIAL = 1_000;
/** Shortest acknowledgement time-out. */
export const RESEND_MIN = 500;
/** Longest acknowledgement time-out: what a silent cut costs after it has healed. */
export const RESEND_MAX = 4_000;

/** Shortest time between two typing notices. */
export const TYPING_INTERVAL = 1_000;
/** How long a goodbye waits for its acknowledgement, and how long who heard one stays to acknowledge it again. */
export const BYE_LINGER = 3_000;
