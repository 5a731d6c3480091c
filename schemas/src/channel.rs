//! Every constant of the end-to-end channel, with its reason. Servers do not need them; all clients
//! keep to them: the library, and the page, whose `web/limits.js` is derived from here, as is a
//! table of `docs/protocol.md`.

use std::time::Duration;

use crate::constants::constants;

constants! {
    /// The version of the channel: the first byte of every binary message, and `channel` of `find`.
    VERSION: u64 = 2;
    /// Smallest binary message, bytes: an acknowledgement looks like a short text.
    MIN_FRAME: usize = 256;
    /// Largest binary message, bytes; the server takes frames of 64 KiB.
    MAX_FRAME: usize = 16384;
    /// Every message of the handshake, bytes: the smallest size that holds an ML-KEM-768 key.
    HANDSHAKE_FRAME: usize = 2048;
    /// Longest text, UTF-8 bytes.
    MAX_TEXT: usize = 8 * 1024;
    /// Longest reaction, UTF-8 bytes: the longest emoji of Unicode has 35.
    MAX_REACTION: usize = 64;
    /// Longest time after which messages vanish: no chat lasts longer.
    MAX_TIMER: Duration = Duration::from_hours(24);
    /// Messages that may be unacknowledged at once, and so how far out of order one may arrive.
    WINDOW_MESSAGES: usize = 64;
    /// Bytes that may be unacknowledged at once, each message counted as the packet it would fill
    /// alone.
    WINDOW_BYTES: usize = 128 * 1024;
    /// Reserved in the window for a bye, so that a full window cannot delay it.
    BYE_RESERVE_MESSAGES: usize = 1;
    /// As `BYE_RESERVE_MESSAGES`, in bytes.
    BYE_RESERVE_BYTES: usize = MIN_FRAME;
    /// No typing notice is sent while the window is half full.
    TYPING_WINDOW_MESSAGES: usize = WINDOW_MESSAGES / 2;
    /// Numbers (of packets and of messages) stay below this, so that a JavaScript number holds them
    /// exactly.
    MAX_NUMBER: u64 = 1 << 53;
    /// How far back the replay window reaches, packets: more than a full window resent twice.
    REPLAY_WINDOW: u64 = 1024;
    /// Packets that a sender makes in an epoch before it may enter the next one: often enough that
    /// little can be read with stolen keys, seldom enough to cost nothing.
    EPOCH_PACKETS: u64 = 64;

    /// First wait before a handshake message is sent again; doubles up to `HANDSHAKE_RESEND_MAX`.
    HANDSHAKE_RESEND_MIN: Duration = Duration::from_secs(1);
    /// Longest wait before a handshake message is sent again.
    HANDSHAKE_RESEND_MAX: Duration = Duration::from_secs(8);
    /// A chat without a secured channel ends after both sides have been online for this long in
    /// all.
    HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(30);
    /// Copies of a handshake message are answered at most once in this time, so that whoever sends
    /// many gets little.
    COPY_INTERVAL: Duration = Duration::from_secs(1);

    /// Who requires a proof that the other side is a helper waits for it so long after the channel is
    /// secured, counted while the way is open: a client makes it at once, so this is for the network.
    PROOF_TIMEOUT: Duration = Duration::from_secs(10);

    /// Shortest delay of an acknowledgement that no other packet carries.
    ACK_DELAY_MIN: Duration = Duration::from_millis(20);
    /// Longest such delay: far below `RESEND_MIN`, so that a late acknowledgement never looks like
    /// a loss.
    ACK_DELAY_MAX: Duration = Duration::from_millis(120);
    /// Acknowledgement time-out before a round trip was measured (RFC 6298, 2.1).
    RESEND_INITIAL: Duration = Duration::from_secs(1);
    /// Shortest acknowledgement time-out.
    RESEND_MIN: Duration = Duration::from_millis(500);
    /// Longest acknowledgement time-out: how long texts may still wait after a broken path works
    /// again.
    RESEND_MAX: Duration = Duration::from_secs(4);

    /// Shortest time between two typing notices.
    TYPING_INTERVAL: Duration = Duration::from_secs(1);
    /// How long a bye waits for its acknowledgement, and how long a side that has received one
    /// stays to acknowledge it again. Longer than `RESEND_MAX`, so that a last text and the bye are
    /// tried at least twice.
    BYE_LINGER: Duration = Duration::from_secs(6);
}
