//! A seat: one side of a room that is held here, from its match or its resume to its end.
//!
//! The seat knows how far its client is and what the client knows of its peer. Of the peer it
//! learns from its room.

use std::time::Duration;

use rand::{Rng, rngs::StdRng};
use schemas::{NodeId, SessionId, Stamp, UnixMillis, control::PeerState, criteria::Queue};

use crate::want::OwnWant;

/// How long a side waits for the other half of a match: six repetitions of `Joined`.
const JOIN_PATIENCE: Duration = Duration::from_secs(3);
/// `Joined` of a match is repeated this often until the peer is heard.
pub(crate) const JOIN_REPEAT: Duration = Duration::from_millis(500);
/// A resume waits this long for the peer before it goes on alone.
const RESUME_PATIENCE: Duration = Duration::from_secs(1);
/// `Joined` of a resume is repeated after these pauses, and then after [`SLOW_REPEAT`] without end,
/// until the peer is heard.
const RESUME_REPEATS: [Duration; 4] =
    [Duration::from_millis(500), Duration::from_millis(500), Duration::from_secs(1), Duration::from_secs(2)];
/// `Joined` is published this often, to everybody, while the peer is away: the two may have lost
/// sight of each other because both have moved, and neither is to rely on the other's word alone.
const SLOW_REPEAT: Duration = Duration::from_secs(10);
/// The first of the slow repetitions is spread over this time: a gateway that dies leaves many
/// people alone at once.
const SPREAD_MS: u64 = 5_000;

/// A side that is held here.
pub(crate) struct Seat {
    session: SessionId,
    phase: Phase,
    /// What the client knows of the peer.
    told: PeerState,
    /// The peer's attachment to which the client's frames go.
    routed: Option<(NodeId, Stamp)>,
    heard: PeerHeard,
    /// When the peer, if it is on another gateway, was last heard of.
    last_sign: UnixMillis,
    /// When `Joined` is published next, unless the peer is known to know.
    repeat_at: UnixMillis,
    repeats: u8,
}

/// How far a side is.
#[derive(Debug, PartialEq)]
pub(crate) enum Phase {
    /// Matched; the other half has not been heard. The client still waits.
    Joining(Box<Joining>),
    /// Came back with a ticket; the peer has not been heard.
    Resuming {
        /// Then it goes on alone.
        until: UnixMillis,
    },
    /// The client knows that it is in the room.
    In,
    /// The connection was lost.
    Away,
}

/// A match whose other half has not been heard.
#[derive(Debug, PartialEq)]
pub(crate) struct Joining {
    until: UnixMillis,
    /// The gateway that holds the other half.
    pub(crate) peer: NodeId,
    /// What the session waits for, to wait on if the match comes to nothing.
    pub(crate) want: Box<OwnWant>,
}

/// Whether the peer has been heard since this side took its seat.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum PeerHeard {
    Yes,
    NotYet,
}

/// What is new for the client of a seat.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SeatNews {
    /// It is in the room: the other half of the match, of this queue, is there.
    Paired(Queue),
    /// It is back in the room, where its peer is online or away.
    Resumed(PeerState),
    /// Its peer is online again, or away.
    Peer(PeerState),
}

/// Who is to receive an event of a room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Audience {
    /// The gateway of the peer.
    Gateway(NodeId),
    /// All gateways: where the peer is, is not known for sure.
    Everybody,
}

impl Seat {
    /// A half of a match; the other is at `peer`, which may be this gateway.
    pub(crate) fn joining(now: UnixMillis, session: SessionId, peer: NodeId, want: Box<OwnWant>) -> Self {
        let joining = Joining { until: now + JOIN_PATIENCE, peer, want };
        Self::new(now, session, Phase::Joining(Box::new(joining)))
    }

    /// A session that came back with a ticket.
    pub(crate) fn resuming(now: UnixMillis, session: SessionId) -> Self {
        Self::new(now, session, Phase::Resuming { until: now + RESUME_PATIENCE })
    }

    fn new(now: UnixMillis, session: SessionId, phase: Phase) -> Self {
        Self {
            session,
            phase,
            told: PeerState::Online,
            routed: None,
            heard: PeerHeard::NotYet,
            last_sign: now,
            repeat_at: now,
            repeats: 0,
        }
    }

    /// What its room knows of the peer: the seat changes with it. Returns what the client is to
    /// know.
    pub(crate) fn update(
        &mut self,
        now: UnixMillis,
        peer: Option<PeerState>,
        rng: &mut StdRng,
    ) -> Option<SeatNews> {
        match (&self.phase, peer?) {
            (Phase::Joining(joining), PeerState::Online) => {
                let queue = joining.want.queue;
                self.phase = Phase::In;
                Some(SeatNews::Paired(queue))
            }
            (Phase::Resuming { .. }, state) if self.heard == PeerHeard::Yes => {
                Some(self.finish_resume(state))
            }
            (Phase::In, state) if state != self.told => {
                self.told = state;
                self.repeat_at = now + SLOW_REPEAT + Duration::from_millis(rng.random_range(0..SPREAD_MS));
                Some(SeatNews::Peer(state))
            }
            _ => None,
        }
    }

    /// The peer has been heard, or was not for too long.
    pub(crate) fn finish_resume(&mut self, peer: PeerState) -> SeatNews {
        (self.phase, self.told) = (Phase::In, peer);
        SeatNews::Resumed(peer)
    }

    /// The client's frames are to go to this attachment of the peer, or nowhere. Returns whether
    /// that is new; until the client is in the room it never is.
    pub(crate) fn reroute(&mut self, wanted: &Option<(NodeId, Stamp)>) -> bool {
        let is_new = self.phase == Phase::In && *wanted != self.routed;
        if is_new {
            self.routed.clone_from(wanted);
        }
        is_new
    }

    /// The connection was lost. Returns whether there was one.
    pub(crate) fn lose_connection(&mut self) -> bool {
        let had_one = self.phase != Phase::Away;
        (self.phase, self.routed) = (Phase::Away, None);
        had_one
    }

    /// `Joined` is published now: sets when it is published again. Returns to whom.
    pub(crate) fn publish_joined(&mut self, now: UnixMillis) -> Audience {
        let repeated = usize::from(self.repeats);
        self.repeats = self.repeats.saturating_add(1);
        if let Phase::Joining(joining) = &self.phase {
            self.repeat_at = now + JOIN_REPEAT;
            return Audience::Gateway(joining.peer.clone());
        }
        self.repeat_at = now + RESUME_REPEATS.get(repeated).copied().unwrap_or(SLOW_REPEAT);
        Audience::Everybody
    }

    /// When `Joined` is published next, unless the peer is known to know.
    pub(crate) fn repeat_at(&self) -> UnixMillis {
        self.repeat_at
    }

    /// When its client, which waits for the peer, has waited for too long.
    pub(crate) fn deadline(&self) -> Option<UnixMillis> {
        match &self.phase {
            Phase::Joining(joining) => Some(joining.until),
            Phase::Resuming { until } => Some(*until),
            Phase::In | Phase::Away => None,
        }
    }

    /// The peer is on this gateway, too.
    pub(crate) fn peer_is_here(&mut self) {
        self.heard = PeerHeard::Yes;
    }

    /// The gateway of the peer has published something of its newest attachment.
    pub(crate) fn hear_peer(&mut self, now: UnixMillis) {
        (self.heard, self.last_sign) = (PeerHeard::Yes, now);
    }

    /// For how long nothing has been heard of the peer.
    pub(crate) fn silence(&self, now: UnixMillis) -> Duration {
        now.since(self.last_sign)
    }

    /// Nothing could be heard for this time: it does not count as silence.
    pub(crate) fn excuse_silence(&mut self, now: UnixMillis, pause: Duration) {
        self.last_sign = (self.last_sign + pause).min(now);
    }

    /// Signs of the peer may have been missed until now: its silence begins again.
    pub(crate) fn restart_silence(&mut self, now: UnixMillis) {
        self.last_sign = now;
    }

    /// Whose seat it is.
    pub(crate) fn session(&self) -> SessionId {
        self.session
    }

    pub(crate) fn into_phase(self) -> Phase {
        self.phase
    }

    /// Whether the client has been told of the room, or is on its way back into it.
    pub(crate) fn is_in_room(&self) -> bool {
        matches!(self.phase, Phase::In | Phase::Resuming { .. })
    }

    pub(crate) fn is_joining(&self) -> bool {
        matches!(self.phase, Phase::Joining(_))
    }

    /// Whether it is a half of a match whose other half is expected there.
    pub(crate) fn expects(&self, node: &NodeId) -> bool {
        matches!(&self.phase, Phase::Joining(joining) if joining.peer == *node)
    }

    /// Whether its session is connected here.
    pub(crate) fn is_attached(&self) -> bool {
        self.phase != Phase::Away
    }

    /// What a session waits for whose match has not become a room yet.
    pub(crate) fn want(&self) -> Option<&OwnWant> {
        match &self.phase {
            Phase::Joining(joining) => Some(&joining.want),
            _ => None,
        }
    }

    /// What a client that is in the room knows of its peer.
    pub(crate) fn told(&self) -> Option<PeerState> {
        (self.phase == Phase::In).then_some(self.told)
    }

    /// Whether the peer has been heard since this side took its seat.
    pub(crate) fn has_heard_peer(&self) -> bool {
        self.heard == PeerHeard::Yes
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use schemas::{
        WantId,
        criteria::{Criteria, MatchBy},
    };

    use super::*;

    const START: UnixMillis = UnixMillis(1_000_000);

    fn rng() -> StdRng {
        StdRng::from_seed([3; 32])
    }

    fn session() -> SessionId {
        SessionId::from_random([1; 16])
    }

    fn peer() -> NodeId {
        "g1".parse().unwrap()
    }

    fn joining() -> Seat {
        let find = Criteria {
            by: MatchBy::Random(None),
            role: None,
            language: None,
            channel: schemas::criteria::ChannelVersion::CURRENT,
        };
        let want = OwnWant::new(START, WantId::from_bytes([1; 16]), find, false, None);
        Seat::joining(START, session(), peer(), Box::new(want))
    }

    #[test]
    fn a_half_of_a_match_asks_every_half_second_and_is_in_the_room_once_its_peer_is_online() {
        let mut seat = joining();
        for n in 0..3 {
            let now = START + JOIN_REPEAT * n;
            assert_eq!(seat.publish_joined(now), Audience::Gateway(peer()));
            assert_eq!(seat.repeat_at(), now + JOIN_REPEAT);
        }
        assert_eq!(seat.deadline(), Some(START + JOIN_PATIENCE));
        assert_eq!(seat.update(START, Some(PeerState::Away), &mut rng()), None);
        assert!(!seat.is_in_room() && seat.want().is_some());
        let paired = SeatNews::Paired(Queue::of_topic(None));
        assert_eq!(seat.update(START, Some(PeerState::Online), &mut rng()), Some(paired));
        assert!(seat.is_in_room() && seat.want().is_none());
        assert_eq!((seat.deadline(), seat.told()), (None, Some(PeerState::Online)));
    }

    #[test]
    fn a_resume_waits_for_a_sign_of_the_peer_and_asks_ever_more_slowly() {
        let mut seat = Seat::resuming(START, session());
        assert_eq!(seat.update(START, Some(PeerState::Away), &mut rng()), None, "that is old news");
        let mut now = START;
        let pauses = [500, 500, 1_000, 2_000, 10_000, 10_000];
        for pause in pauses.map(Duration::from_millis) {
            assert_eq!(seat.publish_joined(now), Audience::Everybody);
            now += pause;
            assert_eq!(seat.repeat_at(), now);
        }
        seat.hear_peer(now);
        let resumed = SeatNews::Resumed(PeerState::Away);
        assert_eq!(seat.update(now, Some(PeerState::Away), &mut rng()), Some(resumed));
        assert_eq!(seat.told(), Some(PeerState::Away));
    }

    #[test]
    fn each_change_of_the_peer_is_news_once_and_delays_the_next_question() {
        let mut seat = joining();
        seat.update(START, Some(PeerState::Online), &mut rng());
        assert_eq!(seat.update(START, Some(PeerState::Online), &mut rng()), None);
        let away = Some(SeatNews::Peer(PeerState::Away));
        assert_eq!(seat.update(START, Some(PeerState::Away), &mut rng()), away);
        let spread = SLOW_REPEAT..SLOW_REPEAT + Duration::from_millis(SPREAD_MS);
        assert!(spread.contains(&seat.repeat_at().since(START)));
        assert_eq!(seat.update(START, Some(PeerState::Away), &mut rng()), None);
    }

    #[test]
    fn frames_are_routed_once_and_only_while_the_client_is_in_the_room() {
        let mut seat = joining();
        let there = Some((peer(), Stamp(7)));
        assert!(!seat.reroute(&there), "the client has not been told of the room");
        seat.update(START, Some(PeerState::Online), &mut rng());
        assert!(seat.reroute(&there) && !seat.reroute(&there));
        assert!(seat.reroute(&None) && seat.reroute(&there));
        assert!(seat.lose_connection() && !seat.lose_connection());
        assert!(!seat.reroute(&None), "there is no connection to be routed");
        assert!(!seat.is_attached());
    }
}
