//! WebSocket close codes. A code says what a client should do next. This table is the source:
//! `asyncapi.yaml`, `docs/protocol.md` and the page's list are derived from it.

use std::ops::RangeInclusive;

/// What a client should do after a close.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reconnect {
    /// At once (with jitter), and resume.
    Now,
    /// With growing, jittered pauses.
    BackOff,
    /// Not at all.
    Never,
}

impl Reconnect {
    /// The word in descriptions for machines.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Now => "now",
            Self::BackOff => "back-off",
            Self::Never => "never",
        }
    }
}

/// Codes after which no client comes back, including those that a newer server may send.
pub const NEVER: RangeInclusive<u16> = 4100..=4199;

macro_rules! close_codes {
    ($( $(#[doc = $meaning:literal])+ $variant:ident = $code:literal, $reason:literal, $reconnect:ident; )+) => {
        /// Why a connection is closed (RFC 6455, section 7.4; 4000–4999 are private use).
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[repr(u16)]
        pub enum CloseCode {
            $( #[doc = concat!($code, ":", $($meaning),+)] $variant = $code, )+
        }

        impl CloseCode {
            /// Every code that this server sends.
            pub const ALL: &'static [Self] = &[$( Self::$variant ),+];

            /// The reason text sent with it, and the label in metrics.
            pub const fn reason(self) -> &'static str {
                match self { $( Self::$variant => $reason ),+ }
            }

            /// What a client should do after it.
            pub const fn reconnect(self) -> Reconnect {
                match self { $( Self::$variant => Reconnect::$reconnect ),+ }
            }

            /// What it means, in a sentence for the documents.
            pub const fn meaning(self) -> &'static str {
                match self { $( Self::$variant => concat!($($meaning),+).trim_ascii() ),+ }
            }

            /// What a client should do after it has been closed with `code`; `None` is a connection
            /// that broke without a close frame.
            pub const fn advice(code: Option<u16>) -> Reconnect {
                match code {
                    $( Some($code) => Reconnect::$reconnect, )+
                    Some(code) if *NEVER.start() <= code && code <= *NEVER.end() => Reconnect::Never,
                    _ => Reconnect::BackOff,
                }
            }
        }
    };
}

close_codes! {
    /// The client said goodbye; the server only answers it.
    Normal = 1000, "bye", Never;
    /// The client broke the framing rules.
    Protocol = 1002, "protocol error", Never;
    /// A text message was not UTF-8.
    InvalidText = 1007, "text is not UTF-8", Never;
    /// This node restarts.
    Restart = 1012, "node restarts", Now;
    /// Nothing was received within the time for a pong, or a message was not complete a minute
    /// after its first byte.
    NoPong = 4000, "no pong", BackOff;
    /// The client does not read what it is sent.
    SlowConsumer = 4001, "slow consumer", BackOff;
    /// The frame or byte rate was exceeded for a minute.
    Rate = 4002, "rate exceeded", BackOff;
    /// A fault above framing: 100 control messages were refused in a row.
    Fault = 4101, "fault", Never;
    /// The session has connected again.
    Replaced = 4102, "replaced by a newer connection", Never;
    /// The session is over: deleted, or 24 hours old.
    SessionOver = 4103, "session over", Never;
    /// A message was larger than its limit.
    TooLarge = 4104, "message too large", Never;
}

impl CloseCode {
    /// The code on the wire.
    pub const fn code(self) -> u16 {
        self as u16
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Clients follow these ranges for codes that they do not know, so the codes that they know
    /// must agree.
    #[test]
    fn the_range_of_a_code_tells_what_to_do() {
        for code in CloseCode::ALL {
            let expected = match code.code() {
                1012 => Reconnect::Now,
                4000..=4099 => Reconnect::BackOff,
                _ => Reconnect::Never,
            };
            assert_eq!(code.reconnect(), expected, "{code:?}");
            assert_eq!(CloseCode::advice(Some(code.code())), expected, "{code:?}");
        }
        assert_eq!(CloseCode::advice(None), Reconnect::BackOff);
        assert_eq!(CloseCode::advice(Some(1006)), Reconnect::BackOff);
        for unknown in [4100, 4150, 4199] {
            assert_eq!(CloseCode::advice(Some(unknown)), Reconnect::Never);
        }
        assert_eq!(CloseCode::advice(Some(4200)), Reconnect::BackOff);
    }
}
