//! `asyncapi.yaml` describes every subject of the bus, and who publishes on it.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use schemas::{
    KeyId, NodeId, RoomId, Service, SessionId,
    message::{Message, MessageError},
    order::OrderKind,
    subject::{PREFIX, Subject},
};
use serde_json::json;

use crate::{
    document::{at, names},
    samples,
};

/// The channel of a subject, and its body; a new subject must find its place here, and so in the
/// description.
fn channel(subject: &Subject) -> (&'static str, &'static str) {
    match subject {
        Subject::Frames(..) => ("roomFrames", "frames"),
        Subject::Peer(..) => ("roomPeer", "roomEvent"),
        Subject::Room(..) => ("roomEvent", "roomEvent"),
        Subject::Presence(_) => ("presence", "presence"),
        Subject::Want(_) => ("want", "wantEvent"),
        Subject::Report(_) => ("report", "reportOf"),
        Subject::Origin(_) => ("origin", "originEvent"),
        Subject::Match(_) => ("match", "matchEvent"),
        Subject::Queue(_) => ("queue", "queueStates"),
        Subject::Session(..) => ("sessionEvent", "sessionEvent"),
        Subject::OwnPeer(..) => ("roomOwn", "roomEvent"),
        Subject::OwnRoom(..) => ("joined", "roomEvent"),
        Subject::OwnPresence(..) => ("present", "presence"),
        Subject::OwnSession(..) => ("attached", "sessionEvent"),
        Subject::Ask(_) => ("sessionAsk", "question"),
        Subject::Key(..) => ("key", "keyEvent"),
        Subject::Lease(_) => ("lease", "lease"),
        Subject::Sync(_) => ("sync", "question"),
        Subject::Node(..) => ("node", "heartbeat"),
        Subject::Order(_) => ("order", "signedOrder"),
        Subject::OrdersAsk => ("ordersAsk", "question"),
    }
}

#[test]
fn every_subject_is_a_channel_and_every_channel_a_subject() {
    let (room, session, key) =
        (RoomId::from_bytes([1; 16]), SessionId::from_random([2; 16]), KeyId::from_bytes([3; 32]));
    let [node, own]: [NodeId; 2] = ["node-1", "own-1"].map(|name| name.parse().unwrap());
    let mut described: BTreeMap<_, _> = BTreeMap::new();
    for subject in [
        Subject::Frames(room, node.clone()),
        Subject::Peer(room, node.clone()),
        Subject::Room(room, Service::Janitor),
        Subject::Presence(node.clone()),
        Subject::Want(node.clone()),
        Subject::Report(node.clone()),
        Subject::Origin(node.clone()),
        Subject::Match(node.clone()),
        Subject::Queue(node.clone()),
        Subject::Session(session, Service::Janitor),
        Subject::OwnPeer(room, own.clone(), node.clone()),
        Subject::OwnRoom(room, own.clone()),
        Subject::OwnPresence(own.clone(), node.clone()),
        Subject::OwnSession(session, own.clone()),
        Subject::Ask(session),
        Subject::Key(key, Service::Janitor, node.clone()),
        Subject::Lease(node.clone()),
        Subject::Sync(node.clone()),
        Subject::Node(Service::Janitor, node.clone()),
        Subject::Order(OrderKind::InvitesOnly),
        Subject::OrdersAsk,
    ] {
        let (name, message) = channel(&subject);
        let address = at(&format!("/channels/{name}/address")).as_str().expect("an address");
        let filled = [
            ("{room}", room.text()),
            ("{session}", session.text()),
            ("{key}", key.text()),
            ("{node}", node.as_str().to_owned()),
            ("{own}", own.as_str().to_owned()),
            ("{speaker}", "janitor".to_owned()),
            ("{role}", "janitor".to_owned()),
            ("{kind}", "invites-only".to_owned()),
        ];
        let text = filled.iter().fold(address.to_owned(), |text, (hole, id)| text.replace(hole, id));
        assert_eq!(text, subject.text());
        let holes = address.split(['{', '}']).skip(1).step_by(2).collect();
        assert_eq!(names(&format!("/channels/{name}/parameters")), holes, "{name}");
        assert_eq!(names(&format!("/channels/{name}/messages")), [message].into(), "{name}");
        let publishers: Vec<_> = subject.publishers().iter().map(|role| role.word()).collect();
        assert_eq!(*at(&format!("/channels/{name}/x-publishers")), json!(publishers), "{name}");
        described.insert(name, address);
    }
    let channels = at("/channels").as_object().unwrap();
    let addressed = channels.iter().filter(|(_, channel)| {
        channel["address"].as_str().is_some_and(|address| address.starts_with(PREFIX))
    });
    assert_eq!(
        addressed.map(|(name, _)| name.as_str()).collect::<Vec<_>>(),
        described.into_keys().collect::<Vec<_>>()
    );
}

#[test]
fn every_event_names_a_rule_of_the_cddl() {
    let rules = cddl_cat::flatten::flatten_from_str(include_str!("../../events.cddl")).unwrap();
    let messages = at("/components/messages").as_object().unwrap();
    let events = messages.values().filter(|message| message["contentType"] == "application/cbor");
    let named: BTreeSet<_> = events.map(|event| event["payload"]["schema"].as_str().unwrap()).collect();
    named.iter().for_each(|rule| assert!(rules.contains_key(*rule), "{rule}"));
    let expected = [
        "heartbeat",
        "key-event",
        "lease",
        "match-event",
        "orders-answer",
        "origin-event",
        "presence",
        "queue-states",
        "receipt",
        "report",
        "room-event",
        "session-answer",
        "session-event",
        "signed-order",
        "sync-answer",
        "want-event",
    ];
    assert_eq!(named, expected.into());
}

proptest! {
    /// What a role may publish lies within the list of its subject, and a subject that names
    /// another role is refused.
    #[test]
    fn a_message_is_believed_of_its_publishers_alone(message in samples::message()) {
        let of_subject = message.subject().publishers();
        prop_assert!(message.publishers().iter().all(|role| of_subject.contains(role)), "{message:?}");
        let is_operators = matches!(message, Message::Order(_));
        let somebodys = Service::ALL.into_iter().any(|role| message.may_be_published_by(role));
        prop_assert_eq!(somebodys, !is_operators, "{:?}", message);
        for speaker in Service::ALL {
            let Some(message) = samples::said_by(&message, speaker) else { continue };
            let decoded = Message::decode(message.subject(), &message.encode().unwrap());
            let may = message.publishers().contains(&speaker);
            prop_assert_eq!(message.may_be_published_by(speaker), may);
            prop_assert_eq!(decoded, if may { Ok(message) } else { Err(MessageError::Speaker) });
        }
    }

    #[test]
    fn an_answer_is_given_by_those_that_its_inbox_lists((_, answer) in samples::answer()) {
        let channel = match answer {
            schemas::message::Answer::Session(_) => "sessionAnswer",
            schemas::message::Answer::Sync(_) => "syncAnswer",
            schemas::message::Answer::Receipt(_) => "receipt",
            schemas::message::Answer::Orders(_) => "ordersAnswer",
        };
        let publishers: Vec<_> = answer.publishers().iter().map(|role| role.word()).collect();
        prop_assert_eq!(at(&format!("/channels/{channel}/x-publishers")), &json!(publishers));
    }
}
