//! WebSocket close codes. A code says what a client should do next: one table here, the same in `docs/protocol.md`.

/// Why a connection is closed (RFC 6455, section 7.4; 4000–4999 are private use).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u16)]
pub enum CloseCode {
    /// 1000: the client said goodbye; the server only answers it.
    Normal = 1000,
    /// 1002: the client broke the framing rules.
    Protocol = 1002,
    /// 1007: text that is not UTF-8.
    InvalidText = 1007,
    /// 1012: this node restarts; reconnect and resume.
    Restart = 1012,
    /// 4000: nothing was heard within the time for a pong, or a message was not whole a minute after its first byte.
    NoPong = 4000,
    /// 4001: the client does not read what it is sent.
    SlowConsumer = 4001,
    /// 4002: the frame or byte rate was exceeded for a minute.
    Rate = 4002,
    /// 4101: a fault above framing, such as a flood of refused control messages.
    Fault = 4101,
    /// 4102: the session has connected again.
    Replaced = 4102,
    /// 4103: the session is over: deleted, or past its life.
    SessionOver = 4103,
    /// 4104: a message beyond the limit.
    TooLarge = 4104,
}

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

impl CloseCode {
    /// Every code that this server sends.
    pub const ALL: [Self; 11] = [
        Self::Normal,
        Self::Protocol,
        Self::InvalidText,
        Self::Restart,
        Self::NoPong,
        Self::SlowConsumer,
        Self::Rate,
        Self::Fault,
        Self::Replaced,
        Self::SessionOver,
        Self::TooLarge,
    ];

    /// The code on the wire.
    pub const fn code(self) -> u16 {
        self as u16
    }

    /// The reason text sent with it, and the label in metrics.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Normal => "bye",
            Self::Protocol => "protocol error",
            Self::InvalidText => "text is not UTF-8",
            Self::Restart => "node restarts",
            Self::NoPong => "no pong",
            Self::SlowConsumer => "slow consumer",
            Self::Rate => "rate exceeded",
            Self::Fault => "fault",
            Self::Replaced => "replaced by a newer connection",
            Self::SessionOver => "session over",
            Self::TooLarge => "message too large",
        }
    }

    /// What a client should do after it has been closed with `code`; `None` is a connection that broke without a close frame.
    pub const fn advice(code: Option<u16>) -> Reconnect {
        match code {
            Some(1012) => Reconnect::Now,
            Some(1000 | 1002 | 1007 | 4100..=4199) => Reconnect::Never,
            _ => Reconnect::BackOff,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_range_of_a_code_tells_what_to_do() {
        for code in CloseCode::ALL {
            let expected = match code.code() {
                1012 => Reconnect::Now,
                4000..=4099 => Reconnect::BackOff,
                _ => Reconnect::Never,
            };
            assert_eq!(CloseCode::advice(Some(code.code())), expected, "{code:?}");
        }
        assert_eq!(CloseCode::advice(None), Reconnect::BackOff);
        assert_eq!(CloseCode::advice(Some(1006)), Reconnect::BackOff);
    }
}
