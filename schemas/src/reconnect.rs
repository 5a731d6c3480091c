//! When a client tries again. The library and the page keep to the same times; `docs/protocol.md`
//! lists them.
//!
//! A pause is drawn evenly from zero to a window ("full jitter", Brooker, AWS Architecture Blog
//! 2015), which doubles with each attempt: so the clients of a gateway that died do not come back
//! all at once. About 17 attempts fall into the first minute; a gateway takes 20 a minute of one
//! session.

use std::time::Duration;

use crate::constants::constants;

constants! {
    /// First window between two connections: half of all clients are back within 125 ms, and none
    /// takes more than 250 ms.
    FIRST_WINDOW: Duration = Duration::from_millis(250);
    /// First window after a close code that asks for a back-off, and before a refused message is
    /// sent again.
    FIRST_REFUSED_WINDOW: Duration = Duration::from_secs(1);
    /// Longest window.
    LONGEST_WINDOW: Duration = Duration::from_secs(10);
    /// A connection that was open for this long was a success: the windows begin with the first
    /// again.
    STABLE: Duration = Duration::from_secs(2);
    /// Longest pause that a `drain`, or the `Retry-After` of anything but 429, can ask for.
    LONGEST_ASKED: Duration = Duration::from_secs(60);
    /// Longest pause that the `Retry-After` of 429 can ask for: the time at which there is room for
    /// this client. Who comes earlier is sent to the end of the queue.
    LONGEST_PROMISED: Duration = Duration::from_secs(15 * 60);
    /// A client that awaits an answer, and has received nothing for this long, sends `ping`.
    ASK_AFTER: Duration = Duration::from_secs(3);
    /// When nothing has arrived for this long after that `ping`, the client opens another
    /// connection beside the silent one.
    REPLACE_AFTER: Duration = Duration::from_secs(5);
}
