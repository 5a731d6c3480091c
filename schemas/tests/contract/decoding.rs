//! Bytes from the bus: what was published is decoded, and nothing else is accepted.

use proptest::prelude::*;
use schemas::{
    KeyId, NodeId, RoomId, Service, SessionId, Side, Stamp,
    codec::DecodeError,
    control::EndReason,
    event::{Attachment, Presence, RoomEvent, SessionEvent},
    limits,
    message::{Answer, Message, MessageError},
    subject::Subject,
};

use crate::samples;

/// One subject for each kind of body.
fn subjects() -> Vec<Subject> {
    let (room, session) = (RoomId::from_bytes([1; 16]), SessionId::from_random([2; 16]));
    let node = || -> NodeId { "n1".parse().unwrap() };
    vec![
        Subject::Peer(room, node()),
        Subject::Room(room, Service::Gateway),
        Subject::Presence(node()),
        Subject::Want(node()),
        Subject::Match(node()),
        Subject::Queue(node()),
        Subject::Session(session, Service::Gateway),
        Subject::OwnPeer(room, node(), node()),
        Subject::OwnRoom(room, node()),
        Subject::OwnPresence(node(), node()),
        Subject::OwnSession(session, node()),
        Subject::Key(KeyId::from_bytes([3; 32]), Service::Gateway, node()),
        Subject::Lease(node()),
        Subject::Node(Service::Gateway, node()),
    ]
}

fn questions() -> [Message; 2] {
    [Message::Ask { session: SessionId::from_random([2; 16]) }, Message::Sync { from: "n1".parse().unwrap() }]
}

fn refused_by_all(body: &[u8], why: DecodeError) {
    for subject in subjects() {
        let decoded = Message::decode(subject.clone(), body);
        assert_eq!(decoded, Err(MessageError::Body(why)), "{subject:?}");
    }
    for question in questions() {
        assert_eq!(Answer::decode(&question, body), Err(MessageError::Body(why)), "{question:?}");
    }
}

/// Every stamp that a message names, found in its bytes and not by its type.
fn stamps_of(message: &Message) -> Vec<u64> {
    fn collect(value: &ciborium::Value, found: &mut Vec<u64>) {
        match value {
            ciborium::Value::Map(members) => {
                for (name, member) in members {
                    match (name.as_text(), member.as_integer()) {
                        (Some("stamp" | "peer"), Some(stamp)) => found.push(u64::try_from(stamp).unwrap()),
                        _ => collect(member, found),
                    }
                }
            }
            ciborium::Value::Array(entries) => entries.iter().for_each(|entry| collect(entry, found)),
            _ => {}
        }
    }
    let mut found = Vec::new();
    let body = message.encode().unwrap();
    if !body.is_empty() {
        collect(&ciborium::from_reader(body.as_slice()).unwrap(), &mut found);
    }
    found
}

proptest! {
    #[test]
    fn a_message_is_ahead_if_any_of_its_stamps_is(message in samples::message(), now: u32) {
        let last = u64::from(now) + limits::STAMP_AHEAD.as_millis() as u64;
        let is_ahead = stamps_of(&message).into_iter().any(|stamp| stamp > last);
        prop_assert_eq!(message.is_ahead_of(schemas::UnixMillis(now.into())), is_ahead);
    }

    #[test]
    fn every_message_is_decoded_as_it_was_published(message in samples::message()) {
        let subject = Subject::parse(&message.subject().text()).unwrap();
        prop_assert_eq!(Message::decode(subject, &message.encode().unwrap()), Ok(message));
    }

    #[test]
    fn every_answer_is_decoded_as_it_was_given((question, answer) in samples::answer()) {
        prop_assert_eq!(Answer::decode(&question, &answer.encode().unwrap()), Ok(answer));
    }

    #[test]
    fn a_body_is_neither_cut_short_nor_followed_by_anything(message in samples::message(), more: u8) {
        let mut body = message.encode().unwrap();
        prop_assume!(!body.is_empty());
        let cut = Message::decode(message.subject(), &body[..body.len() - 1]);
        prop_assert_eq!(cut, Err(MessageError::Body(DecodeError::Shape)));
        body.push(more);
        let longer = Message::decode(message.subject(), &body);
        prop_assert_eq!(longer, Err(MessageError::Body(DecodeError::Trailing)));
    }

    #[test]
    fn a_flipped_byte_gives_an_event_or_an_error(message in samples::message(), at: prop::sample::Index, bits: u8) {
        let mut body = message.encode().unwrap();
        prop_assume!(!body.is_empty());
        let at = at.index(body.len());
        body[at] ^= bits;
        // What is still an event can be encoded again.
        if let Ok(event) = Message::decode(message.subject(), &body) {
            prop_assert_eq!(Message::decode(event.subject(), &event.encode().unwrap()), Ok(event));
        }
    }

    #[test]
    fn arbitrary_bytes_are_an_event_or_an_error(body in prop::collection::vec(any::<u8>(), 0..200)) {
        for subject in subjects() {
            let _ = Message::decode(subject, &body);
        }
        for question in questions() {
            let _ = Answer::decode(&question, &body);
        }
    }
}

#[test]
fn nesting_of_any_kind_is_refused_long_before_the_stack_ends() {
    const DEPTH: usize = 60_000;
    let nested = |opening: &[u8]| [opening.repeat(DEPTH / opening.len()), vec![0]].concat();
    let key = |name: &str| [&[0x60 + name.len() as u8], name.as_bytes()].concat();
    for opening in [
        vec![0x81],                             // arrays
        vec![0x9f],                             // arrays of unknown length
        vec![0xa1, 0x60],                       // maps
        vec![0xbf, 0x60],                       // maps of unknown length
        vec![0xc1],                             // tags
        vec![0x5f],                             // byte strings in pieces
        vec![0x7f],                             // texts in pieces
        [vec![0xa1], key("joined")].concat(),   // the way into an event
        [vec![0xa1], key("surprise")].concat(), // the way past it
        [vec![0xa1], key("waiting"), vec![0x81]].concat(),
        [vec![0xa1], key("sessions"), vec![0x81]].concat(),
    ] {
        refused_by_all(&nested(&opening), DecodeError::Shape);
    }
}

#[test]
fn too_many_bytes_are_refused_unread() {
    refused_by_all(&vec![0; limits::EVENT_BYTES + 1], DecodeError::Oversize);
}

#[test]
fn frames_and_what_is_no_question_have_no_event() {
    let node: NodeId = "n1".parse().unwrap();
    let frames = Subject::Frames(RoomId::from_bytes([1; 16]), node.clone());
    assert_eq!(Message::decode(frames, &[]), Err(MessageError::Subject));
    let presence = Subject::Presence(node.clone());
    let lease = Message::Lease {
        from: node,
        lease: schemas::event::Lease { boot: schemas::BootId(1), sessions: vec![] },
    };
    assert_eq!(Answer::decode(&lease, &[0xa0]), Err(MessageError::Subject));
    assert!(Message::decode(presence, &lease.encode().unwrap()).is_err(), "one event is not another");
}

#[test]
fn on_a_subject_that_names_a_gateway_it_is_believed_of_its_own_attachments_alone() {
    let [own, other]: [NodeId; 2] = ["g1", "g2"].map(|name| name.parse().unwrap());
    let (room, session) = (RoomId::from_bytes([1; 16]), SessionId::from_random([2; 16]));
    let speaker = Service::Gateway;
    let of_room = |event| Message::Room { room, speaker, event }.encode().unwrap();
    let of_session = |event| Message::Session { session, speaker, event }.encode().unwrap();
    let at = |node: &NodeId| Attachment {
        side: Side::A,
        stamp: Stamp(1),
        node: node.clone(),
        owner: session.tag(),
    };
    let shared = |node: &NodeId| {
        let presence = Presence { node: node.clone(), rooms: Vec::new() };
        Message::Presence { to: other.clone(), presence }.encode().unwrap()
    };
    let attached = |node: &NodeId| SessionEvent::Attached { stamp: Stamp(1), node: node.clone() };
    let peer = || Subject::OwnPeer(room, own.clone(), other.clone());
    let joined = || Subject::OwnRoom(room, own.clone());
    let present = || Subject::OwnPresence(own.clone(), other.clone());
    let session = || Subject::OwnSession(session, own.clone());
    for (subject, body) in [
        (peer(), of_room(RoomEvent::Joined(at(&own)))),
        (peer(), of_room(RoomEvent::Present(at(&own)))),
        (peer(), of_room(RoomEvent::Detached(at(&own)))),
        (peer(), of_room(RoomEvent::NotHere(at(&own)))),
        (joined(), of_room(RoomEvent::Joined(at(&own)))),
        (present(), shared(&own)),
        (session(), of_session(attached(&own))),
    ] {
        let message = Message::decode(subject.clone(), &body).unwrap();
        assert_eq!((message.subject(), message.encode().unwrap()), (subject, body));
    }
    for (subject, body) in [
        (peer(), of_room(RoomEvent::Joined(at(&other)))),
        (peer(), of_room(RoomEvent::Present(at(&other)))),
        (peer(), of_room(RoomEvent::Detached(at(&other)))),
        (peer(), of_room(RoomEvent::NotHere(at(&other)))),
        (peer(), of_room(RoomEvent::Ended(EndReason::Left))),
        (joined(), of_room(RoomEvent::Joined(at(&other)))),
        // That is said to one gateway alone.
        (joined(), of_room(RoomEvent::Present(at(&own)))),
        (present(), shared(&other)),
        (session(), of_session(attached(&other))),
        (session(), of_session(SessionEvent::Left(room))),
    ] {
        assert_eq!(Message::decode(subject.clone(), &body), Err(MessageError::Speaker), "{subject:?}");
    }
}

#[test]
fn what_a_session_does_is_believed_of_gateways_alone_and_that_it_is_forgotten_of_janitors() {
    let decoded = |speaker, event: &SessionEvent| {
        let session = SessionId::from_random([2; 16]);
        let message = Message::Session { session, speaker, event: event.clone() };
        let decoded = Message::decode(message.subject(), &message.encode().unwrap());
        decoded.map(|back| assert_eq!(back, message))
    };
    let attached = SessionEvent::Attached { stamp: Stamp(1), node: "n1".parse().unwrap() };
    let revoked = SessionEvent::Revoked { remaining: limits::LEEWAY };
    for (event, by_gateway, by_janitor) in [
        (attached, true, false),
        (SessionEvent::Left(RoomId::from_bytes([1; 16])), true, false),
        (revoked, true, true),
        (SessionEvent::Expired, false, true),
        (SessionEvent::HeldTwice, false, true),
    ] {
        for (speaker, may) in
            [(Service::Gateway, by_gateway), (Service::Janitor, by_janitor), (Service::Pairing, false)]
        {
            let expected = if may { Ok(()) } else { Err(MessageError::Speaker) };
            assert_eq!(decoded(speaker, &event), expected, "{speaker:?} {event:?}");
        }
    }
}

#[test]
fn an_event_without_publishers_is_refused() {
    // A janitor forgets a room on the subject for all, never on that of one gateway.
    let (room, to) = (RoomId::from_bytes([1; 16]), "n1".parse().unwrap());
    let message = Message::Peer { room, to, event: RoomEvent::Expired };
    assert_eq!(message.publishers(), []);
    let decoded = Message::decode(message.subject(), &message.encode().unwrap());
    assert_eq!(decoded, Err(MessageError::Speaker));
}
