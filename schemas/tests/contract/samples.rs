//! Every message and answer that there is, with arbitrary content.

mod parts;

use std::collections::{BTreeMap, BTreeSet};

use ciborium::Value;
use proptest::{option, prelude::*, sample::select, strategy::ValueTree, test_runner::TestRunner};
use schemas::{
    KeyId, NodeId, Service,
    announcement::Announcement,
    event::*,
    message::{Answer, Message},
    order::{Order, OrderKind, OrderMark, Outcome, Receipt, SignedOrder},
    origin_keys::{Asking, OriginEvent, OriginKeyId, SealedKeys},
    outlook::{Age, Class, ClassState, QueueStates},
    trace::TraceContext,
};
use serde_bytes::ByteBuf;
use serde_json::json;

use self::parts::{
    announcement, attachment, boot, channel, duration, end_reason, language, node, origin, proof, queue,
    role, room, service, session, side, stamp, state, tag, time, want_id,
};
use crate::document::words;

/// Any message that its speaker may say, on either of its subjects.
pub(crate) fn message() -> impl Strategy<Value = Message> {
    (unnamed(), any::<bool>()).prop_map(|(message, is_own)| match message.own() {
        Some(own) if is_own => own,
        _ => message,
    })
}

fn unnamed() -> impl Strategy<Value = Message> {
    let key = |(from, key): (NodeId, Announcement)| Message::Key {
        key: key.id(),
        speaker: Service::Gateway,
        from,
        event: KeyEvent::Announced(key.into()),
    };
    let forgotten = |(from, key)| Message::Key {
        key: KeyId::from_bytes(key),
        speaker: Service::Janitor,
        from,
        event: KeyEvent::Expired,
    };
    prop_oneof![
        (room(), node(), peer_event()).prop_map(|(room, to, event)| Message::Peer { room, to, event }),
        (room(), broadcast()).prop_map(|(room, (speaker, event))| Message::Room { room, speaker, event }),
        (node(), presence()).prop_map(|(to, presence)| Message::Presence { to, presence }),
        (node(), want_event()).prop_map(|(from, event)| Message::Want { from, event }),
        (node(), report()).prop_map(|(from, report)| Message::Report { from, report }),
        (node(), origin_event()).prop_map(|(from, event)| Message::Origin { from, event }),
        (node(), match_event()).prop_map(|(to, event)| Message::Match { to, event }),
        (node(), queue_states()).prop_map(|(to, states)| Message::Queue { to, states }),
        (session(), session_event())
            .prop_map(|(session, (speaker, event))| { Message::Session { session, speaker, event } }),
        session().prop_map(|session| Message::Ask { session }),
        (node(), announcement()).prop_map(key),
        (node(), any::<[u8; 32]>()).prop_map(forgotten),
        (node(), lease()).prop_map(|(from, lease)| Message::Lease { from, lease }),
        node().prop_map(|from| Message::Sync { from }),
        (service(), node(), heartbeat())
            .prop_map(|(service, from, heartbeat)| { Message::Heartbeat { service, from, heartbeat } }),
        signed_order().prop_map(|order| Message::Order(order.into())),
        Just(Message::OrdersAsk),
    ]
}

/// The same with another role in its subject; `None` if its subject names none.
pub(crate) fn said_by(message: &Message, role: Service) -> Option<Message> {
    let mut other = message.clone();
    match &mut other {
        Message::Room { speaker, .. } | Message::Session { speaker, .. } | Message::Key { speaker, .. } => {
            *speaker = role;
        }
        Message::Heartbeat { service, .. } => *service = role,
        Message::Own { .. }
        | Message::Peer { .. }
        | Message::Presence { .. }
        | Message::Want { .. }
        | Message::Report { .. }
        | Message::Origin { .. }
        | Message::Match { .. }
        | Message::Queue { .. }
        | Message::Ask { .. }
        | Message::Lease { .. }
        | Message::Sync { .. }
        | Message::Order(_)
        | Message::OrdersAsk => return None,
    }
    Some(other)
}

/// Any answer, with a question that it fits.
pub(crate) fn answer() -> impl Strategy<Value = (Message, Answer)> {
    prop_oneof![
        (session(), session_answer())
            .prop_map(|(session, answer)| (Message::Ask { session }, Answer::Session(answer))),
        (node(), sync_answer()).prop_map(|(from, answer)| (Message::Sync { from }, Answer::Sync(answer))),
        (signed_order(), receipt())
            .prop_map(|(order, receipt)| (Message::Order(order.into()), Answer::Receipt(receipt))),
        prop::collection::vec(signed_order(), 0..4)
            .prop_map(|orders| (Message::OrdersAsk, Answer::Orders(OrdersAnswer { orders }))),
    ]
}

#[test]
fn every_variant_of_every_event_has_a_sample() {
    let mut said = BTreeMap::<_, BTreeSet<String>>::new();
    let mut runner = TestRunner::deterministic();
    for _ in 0..3000 {
        let message = message().new_tree(&mut runner).unwrap().current();
        let bare = if let Message::Own { message, .. } = &message { message } else { &message };
        let event = match bare {
            Message::Own { .. } => panic!("named twice"),
            Message::Peer { .. } | Message::Room { .. } => "room",
            Message::Want { .. } => "want",
            Message::Origin { .. } => "origin",
            Message::Match { .. } => "match",
            Message::Session { .. } => "session",
            Message::Key { .. } => "key",
            Message::Presence { .. }
            | Message::Queue { .. }
            | Message::Lease { .. }
            | Message::Report { .. }
            | Message::Heartbeat { .. }
            | Message::Ask { .. }
            | Message::Sync { .. }
            | Message::OrdersAsk => continue,
            Message::Order(order) => {
                said.entry("order").or_default().insert(order.kind().word().to_owned());
                continue;
            }
        };
        let variant = match ciborium::from_reader(message.encode().unwrap().as_slice()).unwrap() {
            Value::Text(name) => name,
            Value::Map(members) => members[0].0.as_text().unwrap().to_owned(),
            other => panic!("{other:?} is no variant"),
        };
        said.entry(event).or_default().insert(variant);
    }
    let all = [
        ("room", words::<RoomEvent>(json!("?"))),
        ("want", words::<WantEvent>(json!("?"))),
        ("origin", words::<OriginEvent>(json!("?"))),
        ("match", words::<MatchEvent>(json!("?"))),
        ("session", words::<SessionEvent>(json!("?"))),
        ("key", words::<KeyEvent>(json!("?"))),
        ("order", words::<Order>(json!("?"))),
    ];
    assert_eq!(said, all.into());
}

fn peer_event() -> impl Strategy<Value = RoomEvent> {
    prop_oneof![
        attachment().prop_map(RoomEvent::Joined),
        attachment().prop_map(RoomEvent::Present),
        attachment().prop_map(RoomEvent::Detached),
        attachment().prop_map(RoomEvent::NotHere),
        Just(RoomEvent::Declined),
        end_reason().prop_map(RoomEvent::Ended),
        reported_by().prop_map(RoomEvent::Reported),
    ]
}

fn broadcast() -> impl Strategy<Value = (Service, RoomEvent)> {
    prop_oneof![
        attachment().prop_map(|at| (Service::Gateway, RoomEvent::Joined(at))),
        (select(vec![Service::Gateway, Service::Janitor]), end_reason())
            .prop_map(|(speaker, reason)| (speaker, RoomEvent::Ended(reason))),
        reported_by().prop_map(|by| (Service::Gateway, RoomEvent::Reported(by))),
        Just((Service::Janitor, RoomEvent::Expired)),
    ]
}

fn want_event() -> impl Strategy<Value = WantEvent> {
    prop_oneof![
        prop::collection::vec(want(), 0..4).prop_map(WantEvent::Waiting),
        prop::collection::vec(want_id(), 0..4).prop_map(WantEvent::Withdrawn),
        queue().prop_map(WantEvent::Met),
        prop::collection::vec(queue(), 0..4).prop_map(WantEvent::Asked),
    ]
}

fn want() -> impl Strategy<Value = Want> {
    let met = (tag(), duration()).prop_map(|(tag, remaining)| RememberedRoom(tag, remaining));
    let tags = (prop::collection::vec(met, 0..=24), prop::collection::vec(tag(), 0..=16));
    let tags = (tags, option::of(origin()), any::<bool>(), duration(), channel(), option::of(trace()));
    let parts = (want_id(), session(), stamp(), duration(), queue(), option::of(role()), language(), tags);
    parts.prop_map(
        |(id, session, stamp, age, queue, role, language, (tags, origin, pass, delay, channel, trace))| {
            Want {
                id,
                session,
                stamp,
                age,
                queue,
                role,
                language,
                channel,
                met: tags.0,
                reported: tags.1,
                origin,
                pass,
                delay,
                trace,
            }
        },
    )
}

fn trace() -> impl Strategy<Value = TraceContext> {
    any::<([u8; 16], [u8; 8])>().prop_map(|(trace, span)| TraceContext::new(trace, span))
}

fn report() -> impl Strategy<Value = Report> {
    let parts = (tag(), tag(), option::of(origin()), option::of(origin()), any::<u32>());
    parts.prop_map(|(room, session, origin, reporter, chats)| Report {
        room,
        session,
        origin,
        reporter,
        chats,
    })
}

fn reported_by() -> impl Strategy<Value = ReportedBy> {
    (side(), option::of(origin())).prop_map(|(side, region)| ReportedBy { side, region })
}

fn origin_event() -> impl Strategy<Value = OriginEvent> {
    let key = any::<[u8; 4]>().prop_map(OriginKeyId);
    prop_oneof![
        asking().prop_map(|asking| OriginEvent::Asked(asking.into())),
        prop::collection::vec(key, 0..4).prop_map(OriginEvent::Offered),
        sealed_keys().prop_map(|keys| OriginEvent::Sealed(keys.into())),
    ]
}

fn asking() -> impl Strategy<Value = Asking> {
    let parts = (option::of(node()), any::<[u8; 32]>(), option::of(proof()));
    parts.prop_map(|(of, recipient, proof)| Asking { of, recipient, proof })
}

fn sealed_keys() -> impl Strategy<Value = SealedKeys> {
    let content = prop::collection::vec(any::<u8>(), 0..99).prop_map(ByteBuf::from);
    let parts = (any::<[u8; 32]>(), any::<[u8; 32]>(), content, option::of(proof()));
    parts.prop_map(|(recipient, ephemeral, content, proof)| SealedKeys {
        recipient,
        ephemeral,
        content,
        proof,
    })
}

fn match_event() -> impl Strategy<Value = MatchEvent> {
    let half = || (want_id(), node(), any::<bool>());
    let half = || half().prop_map(|(want, node, pass)| Half { want, node, pass });
    prop_oneof![
        (half(), half()).prop_map(|(one, two)| MatchEvent::Pair([one, two])),
        want_id().prop_map(MatchEvent::Spent),
    ]
}

fn queue_states() -> impl Strategy<Value = QueueStates> {
    prop::collection::vec(class_state(), 0..4).prop_map(|classes| QueueStates { classes })
}

fn class_state() -> impl Strategy<Value = ClassState> {
    let class = (queue(), option::of(role()), channel());
    let class = class.prop_map(|(queue, role, channel)| Class { queue, role, channel });
    let oldest = prop::collection::vec(duration().prop_map(Age), 0..=4);
    let counts = (any::<u32>(), any::<u32>(), option::of(any::<u32>()));
    (class, counts, option::of(duration()), oldest).prop_map(
        |(class, (waiting, partners, on_duty), wait, oldest)| ClassState {
            class,
            waiting,
            partners,
            on_duty,
            wait,
            oldest,
        },
    )
}

fn session_event() -> impl Strategy<Value = (Service, SessionEvent)> {
    let said = prop_oneof![
        (stamp(), node()).prop_map(|(stamp, node)| SessionEvent::Attached { stamp, node }),
        duration().prop_map(|remaining| SessionEvent::Revoked { remaining }),
        room().prop_map(SessionEvent::Left),
        stamp().prop_map(|stamp| SessionEvent::StartedOver { stamp }),
    ];
    prop_oneof![
        3 => said.prop_map(|event| (Service::Gateway, event)),
        1 => Just((Service::Janitor, SessionEvent::Expired)),
        1 => Just((Service::Janitor, SessionEvent::HeldTwice)),
        1 => duration().prop_map(|remaining| (Service::Janitor, SessionEvent::Revoked { remaining })),
    ]
}

fn session_answer() -> impl Strategy<Value = SessionAnswer> {
    (state(), any::<bool>(), stamp(), option::of(room()))
        .prop_map(|(state, connected, stamp, room)| SessionAnswer { state, connected, stamp, room })
}

fn sync_answer() -> impl Strategy<Value = SyncAnswer> {
    let keys = prop::collection::vec(announcement(), 0..3);
    let revoked = prop::collection::vec((session(), any::<u64>()), 0..3);
    let ended = prop::collection::vec((room(), end_reason(), any::<u64>()), 0..3);
    (keys, revoked, ended, any::<bool>()).prop_map(|(keys, revoked, ended, last)| SyncAnswer {
        keys,
        revoked,
        ended,
        last,
    })
}

fn lease() -> impl Strategy<Value = Lease> {
    let parts = (session(), stamp(), state(), any::<bool>(), option::of(room()), time());
    let held = parts.prop_map(|(session, stamp, state, connected, room, ends)| SessionLease {
        session,
        stamp,
        state,
        connected,
        room,
        ends,
    });
    (boot(), prop::collection::vec(held, 0..4)).prop_map(|(boot, sessions)| Lease { boot, sessions })
}

fn presence() -> impl Strategy<Value = Presence> {
    let attached = (stamp(), side(), stamp(), tag());
    let attached = attached.prop_map(|(peer, side, stamp, owner)| Attached { peer, side, stamp, owner });
    (node(), prop::collection::vec((room(), attached), 0..4))
        .prop_map(|(node, rooms)| Presence { node, rooms })
}

fn heartbeat() -> impl Strategy<Value = Heartbeat> {
    let load = any::<(u32, u32, u32)>();
    let load = load.prop_map(|(connections, waiting, chatting)| Load { connections, waiting, chatting });
    let told = (option::of(time()), option::of("[a-z]{1,20}"), any::<bool>());
    let kinds = select(OrderKind::ALL.to_vec());
    let mark = (kinds, time(), time()).prop_map(|(kind, number, expires)| OrderMark(kind, number, expires));
    let orders = prop::collection::vec(mark, 0..3);
    let heartbeat = (boot(), ".{0,20}", load, any::<bool>(), told, orders, option::of(counts()));
    heartbeat.prop_map(|(boot, version, load, draining, (time, url, names_itself), orders, counts)| {
        Heartbeat { boot, version, load, draining, time, url, orders, counts, names_itself }
    })
}

fn counts() -> impl Strategy<Value = ServiceCounts> {
    let reports = any::<(u64, u64, u64, u64)>();
    let reports = reports.prop_map(|(abuse, spam, minor, other)| ReportCounts { abuse, spam, minor, other });
    (time(), any::<(u64, u64, u64)>(), reports).prop_map(|(since, (sessions, chats, orders), reports)| {
        ServiceCounts { since, sessions, chats, reports, orders }
    })
}

fn signed_order() -> impl Strategy<Value = SignedOrder> {
    let order = prop_oneof![
        Just(Order::Pause),
        Just(Order::InvitesOnly),
        ".{0,20}".prop_map(Order::Close),
        any::<u32>().prop_map(Order::Admission),
        ".{0,20}".prop_map(Order::Notice),
        (node(), boot()).prop_map(|(node, boot)| Order::Drain { node, boot }),
        "[a-z.]{1,20}".prop_map(Order::RevokePasses),
        Just(Order::Resume),
    ];
    (time(), time(), order, any::<[u8; 64]>()).prop_map(|(number, expires, order, signature)| SignedOrder {
        number,
        expires,
        order,
        signature,
    })
}

fn receipt() -> impl Strategy<Value = Receipt> {
    (node(), select(Outcome::ALL.to_vec())).prop_map(|(node, outcome)| Receipt { node, outcome })
}
