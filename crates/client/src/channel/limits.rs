//! Every constant of the channel, with its reason. Both implementations keep to them;
//! `docs/protocol.md` lists the same.

use std::time::Duration;

/// Smallest binary message, bytes: an acknowledgement looks like a short text.
pub const MIN_FRAME: usize = 256;
/// Largest binary message, bytes; the server takes frames of 64 KiB.
pub const MAX_FRAME: usize = 16384;
/// Longest text, UTF-8 bytes.
pub const MAX_TEXT: usize = 8 * 1024;
/// Messages that may be unacknowledged at once, and so how far out of order one may arrive.
pub const WINDOW_MESSAGES: usize = 64;
/// Bytes that may be unacknowledged at once, each message counted as the packet it would fill
/// alone.
pub const WINDOW_BYTES: usize = 128 * 1024;
/// Reserved in the window for a bye, so that a full window cannot delay it.
pub const BYE_RESERVE_MESSAGES: usize = 1;
/// As [`BYE_RESERVE_MESSAGES`], in bytes.
pub const BYE_RESERVE_BYTES: usize = MIN_FRAME;
/// No typing notice is sent while the window is half full.
pub const TYPING_WINDOW_MESSAGES: usize = WINDOW_MESSAGES / 2;
/// Numbers (of packets and of messages) stay below this, so that a JavaScript number holds them
/// exactly.
pub const MAX_NUMBER: u64 = 1 << 53;
/// How far back the replay window reaches, packets: more than a full window resent twice.
pub const REPLAY_WINDOW: u64 = 1024;

/// First wait before a handshake message is sent again; doubles up to [`HANDSHAKE_RESEND_MAX`].
pub const HANDSHAKE_RESEND_MIN: Duration = Duration::from_secs(1);
/// Longest wait before a handshake message is sent again.
pub const HANDSHAKE_RESEND_MAX: Duration = Duration::from_secs(8);
/// A chat without a secured channel ends after both sides have been online for this long in all.
pub const HANDSHAKE_PATIENCE: Duration = Duration::from_secs(30);

/// Shortest delay of an acknowledgement that no other packet carries.
pub const ACK_DELAY_MIN: Duration = Duration::from_millis(20);
/// Longest such delay: far below [`RESEND_MIN`], so that a late acknowledgement never looks like a
/// loss.
pub const ACK_DELAY_MAX: Duration = Duration::from_millis(120);
/// Acknowledgement time-out before a round trip was measured (RFC 6298, 2.1).
pub const RESEND_INITIAL: Duration = Duration::from_secs(1);
/// Shortest acknowledgement time-out.
pub const RESEND_MIN: Duration = Duration::from_millis(500);
/// Longest acknowledgement time-out: how long texts may still wait after a broken path works again.
pub const RESEND_MAX: Duration = Duration::from_secs(4);

/// Shortest time between two typing notices.
pub const TYPING_INTERVAL: Duration = Duration::from_secs(1);
/// How long a bye waits for its acknowledgement, and how long a side that has received one stays to
/// acknowledge it again.
pub const BYE_LINGER: Duration = Duration::from_secs(3);
