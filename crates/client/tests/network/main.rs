//! The connection and the chat over real sockets, against servers that follow a script.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

/// The next event, which must match; what it is then.
macro_rules! expect_event {
    ($chat:expr, $pattern:pat $(=> $value:expr)?) => {
        match $chat.next_event().await {
            Some($pattern) => ($($value)?),
            other => panic!("expected {}, got {other:?}", stringify!($pattern)),
        }
    };
}

mod chat;
mod connection;
mod helpers;
mod relay;
mod rest;
mod support;
mod tls;
