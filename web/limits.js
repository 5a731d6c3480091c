/**
 * Every constant of the channel, with its reason. Times are milliseconds. Derived from `schemas/src/channel.rs`: to change one,
 * change it there and run `UPDATE=1 cargo test -p schemas`.
 */
/** The version of the channel: the first byte of every binary message, and `channel` of `find`. */
export const VERSION = 2;
/** Smallest binary message, bytes: an acknowledgement looks like a short text. */
export const MIN_FRAME = 256;
/** Largest binary message, bytes; the server takes frames of 64 KiB. */
export const MAX_FRAME = 16_384;
/** Every message of the handshake, bytes: the smallest size that holds an ML-KEM-768 key. */
export const HANDSHAKE_FRAME = 2048;
/** Longest text, UTF-8 bytes. */
export const MAX_TEXT = 8192;
/** Longest reaction, UTF-8 bytes: the longest emoji of Unicode has 35. */
export const MAX_REACTION = 64;
/** Longest time after which messages vanish: no chat lasts longer. */
export const MAX_TIMER = 86_400_000;
/** Messages that may be unacknowledged at once, and so how far out of order one may arrive. */
export const WINDOW_MESSAGES = 64;
/** Bytes that may be unacknowledged at once, each message counted as the packet it would fill alone. */
export const WINDOW_BYTES = 131_072;
/** Reserved in the window for a bye, so that a full window cannot delay it. */
export const BYE_RESERVE_MESSAGES = 1;
/** As `BYE_RESERVE_MESSAGES`, in bytes. */
export const BYE_RESERVE_BYTES = 256;
/** No typing notice is sent while the window is half full. */
export const TYPING_WINDOW_MESSAGES = 32;
/** Numbers (of packets and of messages) stay below this, so that a JavaScript number holds them exactly. */
export const MAX_NUMBER = 9_007_199_254_740_992;
/** How far back the replay window reaches, packets: more than a full window resent twice. */
export const REPLAY_WINDOW = 1024;
/** Packets that a sender makes in an epoch before it may enter the next one: often enough that little can be read with stolen keys, seldom enough to cost nothing. */
export const EPOCH_PACKETS = 64;
/** First wait before a handshake message is sent again; doubles up to `HANDSHAKE_RESEND_MAX`. */
export const HANDSHAKE_RESEND_MIN = 1000;
/** Longest wait before a handshake message is sent again. */
export const HANDSHAKE_RESEND_MAX = 8000;
/** A chat without a secured channel ends after both sides have been online for this long in all. */
export const HANDSHAKE_TIMEOUT = 30_000;
/** Copies of a handshake message are answered at most once in this time, so that whoever sends many gets little. */
export const COPY_INTERVAL = 1000;
/** Who requires a proof that the other side is a helper waits for it so long after the channel is secured, counted while the way is open: a client makes it at once, so this is for the network. */
export const PROOF_TIMEOUT = 10_000;
/** Shortest delay of an acknowledgement that no other packet carries. */
export const ACK_DELAY_MIN = 20;
/** Longest such delay: far below `RESEND_MIN`, so that a late acknowledgement never looks like a loss. */
export const ACK_DELAY_MAX = 120;
/** Acknowledgement time-out before a round trip was measured (RFC 6298, 2.1). */
export const RESEND_INITIAL = 1000;
/** Shortest acknowledgement time-out. */
export const RESEND_MIN = 500;
/** Longest acknowledgement time-out: how long texts may still wait after a broken path works again. */
export const RESEND_MAX = 4000;
/** Shortest time between two typing notices. */
export const TYPING_INTERVAL = 1000;
/** How long a bye waits for its acknowledgement, and how long a side that has received one stays to acknowledge it again. Longer than `RESEND_MAX`, so that a last text and the bye are tried at least twice. */
export const BYE_LINGER = 6000;
