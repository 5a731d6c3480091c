use super::*;

/// The ids in [`every_subject`].
pub(crate) fn room() -> RoomId {
    RoomId::from_bytes([0xfe; 16])
}

/// Of the longest names.
pub(crate) fn node() -> NodeId {
    "x".repeat(64).parse().unwrap()
}

/// The gateway that names itself.
pub(crate) fn own() -> NodeId {
    "y".repeat(64).parse().unwrap()
}

pub(crate) fn session() -> SessionId {
    SessionId::from_random([9; 16])
}

pub(crate) fn key() -> KeyId {
    KeyId::from_bytes([1; 32])
}

pub(crate) fn every_subject() -> Vec<Subject> {
    let (room, session, key) = (room(), session(), key());
    vec![
        Subject::Frames(room, node()),
        Subject::Peer(room, node()),
        Subject::Room(room, Service::Gateway),
        Subject::Presence(node()),
        Subject::Want(node()),
        Subject::Report(node()),
        Subject::Origin(node()),
        Subject::Match(node()),
        Subject::Queue(node()),
        Subject::Session(session, Service::Janitor),
        Subject::OwnPeer(room, own(), node()),
        Subject::OwnRoom(room, own()),
        Subject::OwnPresence(own(), node()),
        Subject::OwnSession(session, own()),
        Subject::Ask(session),
        Subject::Key(key, Service::Gateway, node()),
        Subject::Lease(node()),
        Subject::Sync(node()),
        Subject::Node(Service::Pairing, node()),
        Subject::Order(OrderKind::InvitesOnly),
        Subject::OrdersAsk,
    ]
}

pub(crate) fn every_interest() -> Vec<Interest> {
    let other = || "other".parse::<NodeId>().unwrap();
    let mut all = vec![
        Interest::RoomTraffic(node()),
        Interest::RoomTraffic(other()),
        Interest::PeerEvents,
        Interest::RoomEvents,
        Interest::Presence(node()),
        Interest::Presence(other()),
        Interest::Wants,
        Interest::Reports,
        Interest::Origins,
        Interest::Matches(node()),
        Interest::Matches(other()),
        Interest::Queues(node()),
        Interest::Queues(other()),
        Interest::SessionEvents,
        Interest::OwnRooms,
        Interest::OwnPresences(node()),
        Interest::OwnPresences(other()),
        Interest::OwnSessions,
        Interest::Asks,
        Interest::Keys,
        Interest::Leases,
        Interest::Syncs,
        Interest::Orders,
        Interest::OrdersAsks,
    ];
    all.extend(Service::ALL.map(Interest::Heartbeats));
    all
}

#[test]
fn every_subject_is_read_back_and_is_short() {
    for subject in every_subject() {
        let text = subject.text();
        assert!(text.len() <= 170, "{text}");
        assert_eq!(Subject::parse(&text), Some(subject));
        assert_eq!(Subject::parse(&format!("{text}.more")), None);
        assert_eq!(Subject::parse(&text[..text.len() - text.rsplit('.').next().unwrap().len() - 1]), None);
    }
}

#[test]
fn who_names_itself_is_seen_in_a_subject_and_in_a_wildcard() {
    for subject in every_subject() {
        let is_own =
            matches!(subject.kind(), Kind::OwnPeer | Kind::OwnRoom | Kind::OwnPresence | Kind::OwnSession);
        assert_eq!(super::is_own(&subject.text()), is_own, "{subject:?}");
    }
    for interest in every_interest() {
        let is_own =
            matches!(interest, Interest::OwnRooms | Interest::OwnPresences(_) | Interest::OwnSessions);
        assert_eq!(super::is_own(&interest.text()), is_own, "{interest:?}");
    }
    assert!(!super::is_own("cc.v1") && !super::is_own("joined.g1.x"));
}

#[test]
fn the_room_of_frames_is_read_the_short_way_too() {
    for subject in every_subject() {
        let expected = if let Subject::Frames(room, _) = subject { Some(room) } else { None };
        assert_eq!(room_of_frames(&subject.text()), expected);
    }
    assert_eq!(room_of_frames("cc.v1.room.AAAAAAAAAAAAAAAAAAAAAB.frame.n"), None);
}

#[test]
fn only_ids_of_the_right_form_are_read() {
    for wrong in [
        "cc.v1.room.*.peer.n",
        "cc.v1.room.AAAAAAAAAAAAAAAAAAAAAB.peer.n",
        "cc.v1.room.AAAAAAAAAAAAAAAAAAAAAA.event.nobody",
        "cc.v1.room.AAAAAAAAAAAAAAAAAAAAAA.at-.n",
        "cc.v1.room.AAAAAAAAAAAAAAAAAAAAAA.at-gateway.n",
        "cc.v1.room.AAAAAAAAAAAAAAAAAAAAAA.at-n.*",
        "cc.v1.room.AAAAAAAAAAAAAAAAAAAAAA.n.n",
        "cc.v1.joined.n",
        "cc.v1.session.x.ask",
        "cc.v1.want.",
        "cc.v2.want.n",
        "cc.v1",
        "",
    ] {
        assert_eq!(Subject::parse(wrong), None, "{wrong}");
    }
}

/// NATS's own rule for `*` and `>`, with which `covers` is compared.
pub(crate) fn wildcard_matches(wildcard: &str, subject: &str) -> bool {
    let (mut wild, mut tokens) = (wildcard.split('.'), subject.split('.'));
    loop {
        match (wild.next(), tokens.next()) {
            (None, None) | (Some(">"), Some(_)) => return true,
            (Some("*"), Some(_)) => {}
            (Some(w), Some(t)) if w == t => {}
            _ => return false,
        }
    }
}

#[test]
fn an_interest_covers_exactly_what_its_wildcard_matches() {
    for interest in every_interest() {
        for subject in every_subject() {
            let expected = wildcard_matches(&interest.text(), &subject.text());
            assert_eq!(interest.covers(&subject), expected, "{interest:?} {subject:?}");
        }
    }
}

#[test]
fn whatever_is_published_some_role_hears() {
    let node = node();
    for subject in every_subject() {
        let of_roles = Service::ALL.into_iter().flat_map(|role| Interest::of(role, &node));
        let mut heard = of_roles.chain(Interest::of_orders());
        assert!(heard.any(|interest| interest.covers(&subject)), "{subject:?}");
    }
    for role in Service::ALL {
        let heard = Interest::of(role, &node);
        let hears_frames = heard.iter().any(|it| it.covers(&every_subject()[0]));
        assert_eq!(hears_frames, role == Service::Gateway, "{role:?} and frames");
        let overlaps = every_subject().iter().any(|it| heard.iter().filter(|i| i.covers(it)).count() > 1);
        assert!(!overlaps, "{role:?} would hear something twice");
    }
}
