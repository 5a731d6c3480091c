//! Whom a listener does not serve, and why: for whoever counts it, and tells the operator.

use std::{sync::Arc, time::Duration};

use parking_lot::Mutex;
use tokio::time::Instant;

/// Why a connection or a request was refused before anybody else heard of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The process has as many connections as it may have.
    Full,
    /// This address has as many connections as it may have.
    Address,
    /// Only proxies may connect here, and this is none.
    Stranger,
    /// A proxy did not say whose connection it is, as it has to here.
    Unnamed,
    /// The TLS handshake failed, or did not end in time.
    Tls,
    /// What came is not HTTP/1.1 without a doubt: 400.
    Malformed,
    /// The head of a request did not come in time: 408.
    Late,
    /// The head of a request was too large: 431.
    TooLarge,
    /// An answer was not read.
    Unread,
}

/// Is told of each refusal.
pub type Refused = Arc<dyn Fn(Refusal) + Send + Sync>;

impl Refusal {
    /// Every cause.
    pub const ALL: &[Self] = &[
        Self::Full,
        Self::Address,
        Self::Stranger,
        Self::Unnamed,
        Self::Tls,
        Self::Malformed,
        Self::Late,
        Self::TooLarge,
        Self::Unread,
    ];

    /// Its word, for metrics.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Address => "connections",
            Self::Stranger => "stranger",
            Self::Unnamed => "proxy-header",
            Self::Tls => "tls",
            Self::Malformed => "bad-request",
            Self::Late => "timeout",
            Self::TooLarge => "head-too-large",
            Self::Unread => "unread",
        }
    }
}

/// How often the same thing is said at most, however often it happens.
const SELDOM: Duration = Duration::from_secs(10);

/// Says the same thing every ten seconds at most, and how often it has happened since.
#[derive(Debug, Default)]
pub struct Seldom(Mutex<Times>);

#[derive(Debug, Default)]
struct Times {
    said: Option<Instant>,
    since: u64,
}

impl Seldom {
    /// One that has said nothing yet.
    pub const fn new() -> Self {
        Self(Mutex::new(Times { said: None, since: 0 }))
    }

    /// It has happened once more: `say` is called with how often since it was last said, if that is
    /// long enough ago.
    pub fn say(&self, say: impl FnOnce(u64)) {
        let now = Instant::now();
        let count = {
            let mut times = self.0.lock();
            times.since += 1;
            if times.said.is_some_and(|said| now.duration_since(said) < SELDOM) {
                return;
            }
            times.said = Some(now);
            std::mem::take(&mut times.since)
        };
        say(count);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_same_thing_is_said_every_ten_seconds_with_how_often_it_happened() {
        let (seldom, mut said) = (Seldom::new(), Vec::new());
        for _ in 0..25 {
            for _ in 0..3 {
                seldom.say(|times| said.push(times));
            }
            tokio::time::advance(Duration::from_secs(1)).await;
        }
        assert_eq!(said, [1, 30, 30], "at once, and at 10 and 20 s");
    }

    #[test]
    fn every_cause_has_a_word_of_its_own() {
        let words: std::collections::BTreeSet<_> = Refusal::ALL.iter().map(|cause| cause.word()).collect();
        assert_eq!(words.len(), Refusal::ALL.len());
    }
}
