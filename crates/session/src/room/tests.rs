use rand::SeedableRng;
use schemas::{
    WantId,
    criteria::{Criteria, MatchBy},
};

use super::{
    inputs::{LINGER, PRESENCE_SILENCE},
    *,
};
use crate::want::OwnWant;

const START: UnixMillis = UnixMillis(1_000_000);
const SECOND: Duration = Duration::from_secs(1);
const GRACE: Duration = Duration::from_secs(60);

/// A room on gateway `g0`, and the time.
struct Story {
    room: Room,
    now: UnixMillis,
    rng: StdRng,
}

fn node(n: u8) -> NodeId {
    format!("g{n}").parse().unwrap()
}

fn session(side: Side) -> SessionId {
    SessionId::from_random([side as u8 + 1; 16])
}

fn attachment(side: Side, stamp: u64, gateway: u8) -> Attachment {
    Attachment { side, stamp: Stamp(stamp), node: node(gateway), owner: session(side).tag() }
}

fn invite() -> Criteria {
    Criteria {
        by: MatchBy::Invite("AAAAAAAAAAAAAAAAAAAAAA".parse().unwrap()),
        role: None,
        language: None,
        channel: schemas::criteria::ChannelVersion::CURRENT,
    }
}

/// What the clients of a room would notice, and what is published.
fn without_timers(mut news: Vec<RoomNews>) -> Vec<RoomNews> {
    news.retain(|news| !matches!(news, RoomNews::DueAt(_)));
    news
}

impl Story {
    fn new() -> Self {
        Self { room: Room::default(), now: START, rng: StdRng::from_seed([7; 32]) }
    }

    fn input(&mut self, input: impl FnOnce(&mut Room, &mut Moment<'_>) -> Vec<RoomNews>) -> Vec<RoomNews> {
        let mut at = Moment { now: self.now, grace_now: self.now, grace: GRACE, rng: &mut self.rng };
        input(&mut self.room, &mut at)
    }

    fn settle(&mut self) -> Vec<RoomNews> {
        without_timers(self.input(Room::settle))
    }

    fn run_due(&mut self) -> Vec<RoomNews> {
        self.input(Room::run_due)
    }

    fn apply(&mut self, event: RoomEvent, of: &Attachment) -> Vec<RoomNews> {
        without_timers(self.input(|room, at| room.apply(at, &event, of, None)))
    }

    fn hear_joined(&mut self, of: &Attachment) -> Vec<RoomNews> {
        self.apply(RoomEvent::Joined(of.clone()), of)
    }

    /// Half of a match takes its seat; the other is expected from this gateway.
    fn join(&mut self, side: Side, stamp: u64, peer: u8) -> Vec<RoomNews> {
        let want = OwnWant::new(self.now, WantId::from_bytes([side as u8; 16]), invite(), false, None);
        let seat = Seat::joining(self.now, session(side), node(peer), Box::new(want));
        let now = self.now;
        without_timers(self.input(|room, _| room.take_seat(now, attachment(side, stamp, 0), seat)))
    }

    fn resume(&mut self, side: Side, stamp: u64) -> Vec<RoomNews> {
        let (now, seat) = (self.now, Seat::resuming(self.now, session(side)));
        without_timers(self.input(|room, _| room.take_seat(now, attachment(side, stamp, 0), seat)))
    }

    /// A chat of one person here and one on gateway `g1`.
    fn shared() -> Self {
        let mut story = Self::new();
        story.join(Side::A, 1, 1);
        story.hear_joined(&attachment(Side::B, 2, 1));
        story
    }

    /// A chat of two people here.
    fn local() -> Self {
        let mut story = Self::new();
        story.join(Side::A, 1, 0);
        story.join(Side::B, 2, 0);
        story.settle();
        story
    }
}

fn published(audience: Audience, event: RoomEvent) -> RoomNews {
    RoomNews::Publish(audience, event)
}

fn to(gateway: u8) -> Audience {
    Audience::Gateway(node(gateway))
}

#[test]
fn a_half_asks_for_the_other_and_is_paired_when_that_is_heard() {
    let mut story = Story::new();
    let (own, other) = (attachment(Side::A, 1, 0), attachment(Side::B, 2, 1));
    assert_eq!(story.join(Side::A, 1, 1), [published(to(1), RoomEvent::Joined(own.clone()))]);
    assert_eq!(story.settle(), [], "nobody is there yet");
    let there = FramesTo::Gateway { stamp: Stamp(1), node: node(1), fence: Stamp(2) };
    assert_eq!(
        story.hear_joined(&other),
        [
            published(to(1), RoomEvent::Present(own)),
            RoomNews::Paired(session(Side::A), invite().queue()),
            RoomNews::Routed(session(Side::A), Side::A, there),
        ]
    );
    assert_eq!(story.hear_joined(&other).len(), 1, "the answer is repeated, nothing else is new");
}

#[test]
fn of_two_people_here_both_are_paired_before_the_frames_of_either_are_routed() {
    let mut story = Story::new();
    story.join(Side::A, 1, 0);
    story.join(Side::B, 2, 0);
    let (a, b) = (session(Side::A), session(Side::B));
    assert_eq!(
        story.settle(),
        [
            RoomNews::Paired(a, invite().queue()),
            RoomNews::Paired(b, invite().queue()),
            RoomNews::Routed(a, Side::A, FramesTo::Session(b)),
            RoomNews::Routed(b, Side::B, FramesTo::Session(a)),
        ]
    );
    assert_eq!(story.settle(), []);
    assert_eq!(story.room.people(), 2);
}

#[test]
fn the_peer_of_a_lost_connection_is_told_before_its_frames_stop() {
    let mut story = Story::local();
    let news = story.input(|room, at| room.lose_connection(at, Side::A));
    assert_eq!(
        without_timers(news),
        [
            // To this very gateway, which the caller leaves out.
            published(to(0), RoomEvent::Detached(attachment(Side::A, 1, 0))),
            RoomNews::Peer(session(Side::B), PeerState::Away),
            RoomNews::Routed(session(Side::B), Side::B, FramesTo::Nobody),
        ]
    );
    assert_eq!(story.input(|room, at| room.lose_connection(at, Side::A)), [], "it was lost already");
}

#[test]
fn who_is_back_is_routed_and_so_is_the_peer_before_that_learns_of_it() {
    let mut story = Story::local();
    story.input(|room, at| room.lose_connection(at, Side::A));
    assert_eq!(story.resume(Side::A, 3), [], "the peer is here and needs no telling");
    let (a, b) = (session(Side::A), session(Side::B));
    assert_eq!(
        story.settle(),
        [
            RoomNews::Resumed(a, PeerState::Online),
            RoomNews::Routed(a, Side::A, FramesTo::Session(b)),
            RoomNews::Routed(b, Side::B, FramesTo::Session(a)),
            RoomNews::Peer(b, PeerState::Online),
        ]
    );
}

#[test]
fn a_new_attachment_of_the_peer_moves_the_fence() {
    let mut story = Story::shared();
    let news = story.hear_joined(&attachment(Side::B, 5, 2));
    let there = FramesTo::Gateway { stamp: Stamp(1), node: node(2), fence: Stamp(5) };
    assert_eq!(news.last(), Some(&RoomNews::Routed(session(Side::A), Side::A, there)));
    assert_eq!(story.hear_joined(&attachment(Side::B, 2, 1)).len(), 1, "answered, and otherwise ignored");
}

#[test]
fn a_resume_that_hears_nothing_goes_on_alone() {
    let mut story = Story::new();
    let own = attachment(Side::A, 1, 0);
    assert_eq!(story.resume(Side::A, 1), [published(Audience::Everybody, RoomEvent::Joined(own))]);
    assert_eq!(story.settle(), []);
    story.now += SECOND;
    let news = without_timers(story.run_due());
    assert_eq!(news[0], RoomNews::Resumed(session(Side::A), PeerState::Away));
    assert!(matches!(news[1..], [RoomNews::Publish(Audience::Everybody, RoomEvent::Joined(_))]), "{news:?}");
}

#[test]
fn a_match_whose_other_half_does_not_come_is_dissolved() {
    let mut story = Story::new();
    story.join(Side::A, 1, 1);
    story.now += SECOND;
    assert!(!story.run_due().contains(&RoomNews::Dissolved));
    story.now += SECOND * 2;
    assert_eq!(story.run_due(), [RoomNews::Dissolved]);
}

#[test]
fn a_match_whose_other_half_goes_is_dissolved() {
    let mut story = Story::new();
    story.join(Side::A, 1, 1);
    let other = attachment(Side::B, 2, 1);
    assert_eq!(story.apply(RoomEvent::Detached(other.clone()), &other), [RoomNews::Dissolved]);
    let mut story = Story::new();
    story.join(Side::A, 1, 1);
    assert_eq!(story.input(|room, at| room.lose_gateway(at, &node(2))), []);
    assert_eq!(story.input(|room, at| room.lose_gateway(at, &node(1))), [RoomNews::Dissolved]);
}

#[test]
fn a_gateway_that_is_gone_makes_its_side_away() {
    let mut story = Story::shared();
    let news = story.input(|room, at| room.lose_gateway(at, &node(1)));
    assert_eq!(
        without_timers(news),
        [
            RoomNews::Peer(session(Side::A), PeerState::Away),
            RoomNews::Routed(session(Side::A), Side::A, FramesTo::Nobody),
        ]
    );
}

#[test]
fn silence_makes_a_side_away_and_a_sign_of_it_online() {
    let mut story = Story::shared();
    story.now += PRESENCE_SILENCE - SECOND;
    assert_eq!(story.input(Room::check_silence), []);
    story.room.excuse_silence(story.now, SECOND * 10);
    story.now += SECOND * 10;
    assert_eq!(story.input(Room::check_silence), [], "nobody listened for ten seconds of it");
    story.now += SECOND;
    let news = without_timers(story.input(Room::check_silence));
    assert_eq!(news[0], RoomNews::Peer(session(Side::A), PeerState::Away));
    let other = attachment(Side::B, 2, 1);
    let news = story.apply(RoomEvent::Present(other.clone()), &other);
    assert_eq!(news.last(), Some(&RoomNews::Peer(session(Side::A), PeerState::Online)));
}

#[test]
fn the_gateway_that_holds_the_other_side_sees_a_grace_end_and_the_owner_only_forgets() {
    let mut story = Story::local();
    story.input(|room, at| room.lose_connection(at, Side::A));
    story.now += GRACE - SECOND;
    assert!(!story.run_due().contains(&RoomNews::Expired));
    story.now += SECOND;
    assert_eq!(story.run_due(), [RoomNews::Expired]);

    let mut story = Story::shared();
    story.input(|room, at| room.lose_connection(at, Side::A));
    story.now += GRACE;
    let due = story.run_due();
    assert_eq!(due, [RoomNews::DueAt(story.now + LINGER)]);
    story.now += LINGER;
    assert_eq!(story.run_due(), [RoomNews::Abandoned(Side::A)]);
}

#[test]
fn a_grace_stands_still_as_long_as_its_clock_did() {
    let mut story = Story::local();
    story.input(|room, at| room.lose_connection(at, Side::A));
    story.now += GRACE;
    story.room.prolong_graces(story.now, SECOND);
    assert!(!story.run_due().contains(&RoomNews::Expired));
    story.now += SECOND;
    assert_eq!(story.run_due(), [RoomNews::Expired]);
}

#[test]
fn of_two_who_claim_a_side_the_higher_stamp_is_right_and_of_equal_ones_the_higher_gateway() {
    let mut story = Story::shared();
    let judge = |room: &Room, stamp, gateway| room.judge(&node(1), &attachment(Side::A, stamp, gateway));
    assert_eq!(judge(&story.room, 2, 0), Claim::Higher(session(Side::A)));
    assert_eq!(judge(&story.room, 1, 2), Claim::Higher(session(Side::A)));
    assert_eq!(judge(&story.room, 1, 0), Claim::Lower(session(Side::A), Stamp(1)));
    assert_eq!(story.room.judge(&node(0), &attachment(Side::B, 9, 1)), Claim::Unopposed);
    story.room.vacate(Side::A);
    assert!(story.room.is_empty());
    assert_eq!(judge(&story.room, 1, 0), Claim::Unopposed);
}

#[test]
fn an_end_is_for_the_gateway_of_the_other_side_if_it_is_known_to_be_there() {
    let mut story = Story::shared();
    assert_eq!(story.room.end_audience(), Some(to(1)));
    story.input(|room, at| room.lose_gateway(at, &node(1)));
    assert_eq!(story.room.end_audience(), Some(Audience::Everybody));
    assert_eq!(Story::local().room.end_audience(), None);
}

#[test]
fn presence_names_both_attachments_while_the_own_side_is_connected() {
    let mut story = Story::shared();
    let owner = session(Side::A).tag();
    let own = Attached { peer: Stamp(2), side: Side::A, stamp: Stamp(1), owner };
    assert_eq!(story.room.presence(), Some((node(1), own.clone())));
    story.input(|room, at| room.lose_gateway(at, &node(1)));
    assert_eq!(
        story.room.presence(),
        Some((node(1), Attached { peer: Stamp::NONE, ..own })),
        "the peer is taken for away"
    );
    story.input(|room, at| room.lose_connection(at, Side::A));
    assert_eq!(story.room.presence(), None);
    assert_eq!(Story::local().room.presence(), None);
}

#[test]
fn a_room_takes_two_pointers_and_two_times_more_than_its_fold() {
    // Held for each chat, so that a word more is felt.
    assert!(size_of::<Room>() <= size_of::<room::Room>() + 2 * 8 + 2 * 16, "{}", size_of::<Room>());
    assert!(size_of::<Seat>() <= 80, "{}", size_of::<Seat>());
}
