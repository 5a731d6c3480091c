//! What silence in chats costs: who never says anything is offered to others later.
//!
//! The server cannot read frames, so this is an estimate by their number and order. A side answers
//! what it receives with at most one frame each, which may be an acknowledgement. Whatever it sends
//! beyond that, it has said by itself. A side that has said nothing by itself, in a chat of some
//! length in which the other side went on, was silent. So acknowledgements, and the handshake, are
//! no speech, and a few words are enough not to be silent.

use std::time::Duration;

use schemas::{Origin, SessionId, Tag, UnixMillis};

use crate::expiring::Expiring;

/// A chat in which both were online for less than this is never a silent one.
const SHORT: Duration = Duration::from_secs(20);
/// Frames that each side receives during a handshake, at least.
pub const HANDSHAKE_FRAMES: u16 = 2;
/// What the other side has sent beyond its handshake in a silent chat, at least.
const UNANSWERED: u16 = 3;

/// So much later than others a session is offered after none, one, two or more silent chats.
const SESSION_DELAYS: [Duration; 4] =
    [Duration::ZERO, Duration::from_secs(5), Duration::from_secs(20), Duration::from_secs(60)];

/// An origin pays nothing for fewer chats than these, or for those of fewer sessions, or if not
/// most of them were silent: a few people are no reason to let an office wait.
const ORIGIN_CHATS: u32 = 8;
/// See [`ORIGIN_CHATS`].
const ORIGIN_SESSIONS: usize = 4;
/// So much later than others all sessions of an origin are offered after so many silent chats.
const ORIGIN_DELAYS: [(u32, Duration); 3] =
    [(32, Duration::from_secs(60)), (16, Duration::from_secs(20)), (1, Duration::from_secs(5))];
/// How long the chats of an origin are counted: its key is not in use for longer.
const ORIGIN_WINDOW: Duration = Duration::from_secs(60 * 60);
/// Origins of which chats are counted: 6 MB.
const ORIGINS: usize = 50_000;

/// The frames of one side of a chat, as its gateway counts them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// What it has received.
    pub received: u16,
    /// What it has sent by itself, and not in answer to something.
    pub unasked: u16,
}

/// What one side of a chat has done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Conduct {
    /// Of connections that are over.
    before: Traffic,
    /// Of the present one.
    traffic: Traffic,
    online: Duration,
    /// Since when both are online.
    online_since: Option<UnixMillis>,
}

/// How a side of a chat was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It said nothing, although it could have.
    Silent,
    /// It said something.
    Spoke,
    /// The chat was too short for either.
    Unknown,
}

impl Conduct {
    /// A chat begins, with both online.
    pub(crate) fn begin(now: UnixMillis) -> Self {
        let nothing = Traffic::default();
        Self { before: nothing, traffic: nothing, online: Duration::ZERO, online_since: Some(now) }
    }

    /// Both are online, from now on.
    pub(crate) fn go_on(&mut self, now: UnixMillis) {
        self.online_since.get_or_insert(now);
    }

    /// One of the two is away, from now on, or the chat is over.
    pub(crate) fn pause(&mut self, now: UnixMillis) {
        if let Some(since) = self.online_since.take() {
            self.online += now.since(since);
        }
    }

    /// What its present connection has counted.
    pub(crate) fn count(&mut self, traffic: Traffic) {
        self.traffic = traffic;
    }

    /// Its connection is over; another one begins to count anew.
    pub(crate) fn connection_over(&mut self) {
        self.before = self.total();
        self.traffic = Traffic::default();
    }

    fn total(&self) -> Traffic {
        Traffic {
            received: self.before.received.saturating_add(self.traffic.received),
            unasked: self.before.unasked.saturating_add(self.traffic.unasked),
        }
    }

    /// How it was, once the chat is over.
    pub(crate) fn verdict(&self) -> Verdict {
        let Traffic { received, unasked } = self.total();
        if unasked > 0 {
            Verdict::Spoke
        } else if self.online >= SHORT && received >= HANDSHAKE_FRAMES + UNANSWERED {
            Verdict::Silent
        } else {
            Verdict::Unknown
        }
    }
}

/// How many silent chats a session still pays for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Fine(u8);

impl Fine {
    /// For so many chats; more than there are delays for count as that many.
    pub(crate) fn of(chats: u8) -> Self {
        Self(chats.min(SESSION_DELAYS.len() as u8 - 1))
    }

    /// For how many chats.
    pub(crate) fn chats(self) -> u8 {
        self.0
    }

    /// A chat is over. Who speaks pays for one less.
    pub(crate) fn after(self, verdict: Verdict) -> Self {
        match verdict {
            Verdict::Silent => Self::of(self.0 + 1),
            Verdict::Spoke => Self(self.0.saturating_sub(1)),
            Verdict::Unknown => self,
        }
    }

    /// So much later it is offered.
    pub(crate) fn delay(self) -> Duration {
        SESSION_DELAYS[usize::from(self.0)]
    }
}

/// The chats of the last hour by origin, as far as they were on this gateway.
pub(crate) struct SilentOrigins(Expiring<Origin, Counted>);

#[derive(Clone, Debug, Default)]
struct Counted {
    chats: u32,
    silent: u32,
    /// The first sessions that had them.
    sessions: Vec<Tag>,
    until: UnixMillis,
}

impl Default for SilentOrigins {
    fn default() -> Self {
        Self(Expiring::new(ORIGINS))
    }
}

impl SilentOrigins {
    /// A chat of a session of this origin is over.
    pub(crate) fn add(&mut self, now: UnixMillis, origin: Origin, session: SessionId, verdict: Verdict) {
        let mut counted = self
            .0
            .take(now, &origin)
            .unwrap_or_else(|| Counted { until: now + ORIGIN_WINDOW, ..Counted::default() });
        counted.chats += 1;
        counted.silent += u32::from(verdict == Verdict::Silent);
        let session = session.tag();
        if counted.sessions.len() < ORIGIN_SESSIONS && !counted.sessions.contains(&session) {
            counted.sessions.push(session);
        }
        let until = counted.until;
        self.0.remember(origin, counted, until);
    }

    /// How many chats of this origin there were.
    pub(crate) fn chats(&self, now: UnixMillis, origin: Origin) -> u32 {
        self.0.get(now, &origin).map_or(0, |counted| counted.chats)
    }

    /// So much later all sessions of an origin are offered.
    pub(crate) fn delay(&self, now: UnixMillis, origin: Origin) -> Duration {
        let Some(Counted { chats, silent, sessions, .. }) = self.0.get(now, &origin) else {
            return Duration::ZERO;
        };
        let pays = *chats >= ORIGIN_CHATS && sessions.len() >= ORIGIN_SESSIONS && *silent * 2 > *chats;
        let delay = ORIGIN_DELAYS.iter().find(|(least, _)| silent >= least);
        delay.filter(|_| pays).map_or(Duration::ZERO, |(_, delay)| *delay)
    }

    /// Forgets what is over.
    pub(crate) fn expire(&mut self, now: UnixMillis) {
        self.0.expire(now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixMillis = UnixMillis(1_700_000_000_000);

    fn verdict(secs: u64, received: u16, unasked: u16) -> Verdict {
        let mut conduct = Conduct::begin(NOW);
        conduct.count(Traffic { received, unasked });
        conduct.pause(NOW + Duration::from_secs(secs));
        conduct.verdict()
    }

    #[test]
    fn who_says_nothing_for_twenty_seconds_while_the_other_goes_on_was_silent() {
        assert_eq!(verdict(20, 5, 0), Verdict::Silent);
        assert_eq!(verdict(19, 5, 0), Verdict::Unknown);
        assert_eq!(verdict(20, 4, 0), Verdict::Unknown, "nobody said anything");
        assert_eq!(verdict(600, 900, 1), Verdict::Spoke);
        assert_eq!(verdict(1, 0, 1), Verdict::Spoke);
    }

    #[test]
    fn time_in_which_one_is_away_does_not_count_and_all_connections_do() {
        let mut conduct = Conduct::begin(NOW);
        let at = |secs| NOW + Duration::from_secs(secs);
        conduct.count(Traffic { received: 3, unasked: 0 });
        conduct.pause(at(15));
        conduct.connection_over();
        conduct.go_on(at(100));
        conduct.go_on(at(102));
        conduct.count(Traffic { received: 2, unasked: 0 });
        let mut short = conduct.clone();
        short.pause(at(104));
        assert_eq!(short.verdict(), Verdict::Unknown);
        conduct.pause(at(105));
        conduct.pause(at(900));
        assert_eq!(conduct.verdict(), Verdict::Silent);
    }

    #[test]
    fn a_session_pays_more_for_each_silent_chat_and_less_once_it_speaks() {
        let mut fine = Fine::default();
        let mut delays = Vec::new();
        for verdict in [Verdict::Silent; 5] {
            fine = fine.after(verdict);
            delays.push(fine.delay().as_secs());
        }
        assert_eq!(delays, [5, 20, 60, 60, 60]);
        assert_eq!(fine.after(Verdict::Unknown).delay().as_secs(), 60);
        assert_eq!(Fine::of(u8::MAX), fine);
        (0..3).for_each(|_| fine = fine.after(Verdict::Spoke));
        assert_eq!(fine.delay(), Duration::ZERO);
    }

    /// The delay of an origin with chats of so many sessions.
    fn of_origin(silent: u32, spoke: u32, sessions: u8) -> u64 {
        let (mut origins, origin) = (SilentOrigins::default(), Origin::from_bytes([1; 12]));
        let verdicts = [Verdict::Silent].repeat(silent as usize);
        for (n, verdict) in verdicts.into_iter().chain([Verdict::Spoke].repeat(spoke as usize)).enumerate() {
            let session = SessionId::from_random([n as u8 % sessions; 16]);
            origins.add(NOW + Duration::from_secs(n as u64), origin, session, verdict);
        }
        assert_eq!(origins.delay(NOW + ORIGIN_WINDOW, origin), Duration::ZERO, "it counts for an hour");
        origins.delay(NOW + Duration::from_secs(999), origin).as_secs()
    }

    #[test]
    fn an_origin_pays_only_for_many_silent_chats_of_several_sessions() {
        assert_eq!(of_origin(7, 0, 4), 0);
        assert_eq!(of_origin(8, 0, 3), 0);
        assert_eq!(of_origin(8, 0, 4), 5);
        assert_eq!(of_origin(16, 0, 9), 20);
        assert_eq!(of_origin(60, 0, 60), 60);
        assert_eq!(of_origin(8, 8, 9), 0, "an office with a few silent people");
        assert_eq!(of_origin(100, 100, 99), 0);
    }
}
