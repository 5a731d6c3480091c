//! `events.cddl` describes exactly what is published.

use std::sync::LazyLock;

use cddl_cat::{cbor::validate_cbor, context::BasicContext, flatten::flatten_from_str};
use ciborium::{Value, cbor};
use proptest::prelude::*;
use schemas::message::{Answer, Message};

use crate::samples;

static CDDL: LazyLock<BasicContext> = LazyLock::new(|| {
    let rules = flatten_from_str(include_str!("../../events.cddl")).expect("events.cddl is CDDL");
    BasicContext::new(rules)
});

fn fits(rule: &str, value: &Value) -> bool {
    validate_cbor(CDDL.rules.get(rule).expect("a rule of events.cddl"), value, &*CDDL).is_ok()
}

/// The rule for the body of a message; a question has none.
fn rule(message: &Message) -> Option<&'static str> {
    match message {
        Message::Peer { .. } | Message::Room { .. } => Some("room-event"),
        Message::Own { message, .. } => rule(message),
        Message::Presence { .. } => Some("presence"),
        Message::Want { .. } => Some("want-event"),
        Message::Report { .. } => Some("report"),
        Message::Origin { .. } => Some("origin-event"),
        Message::Match { .. } => Some("match-event"),
        Message::Queue { .. } => Some("queue-states"),
        Message::Session { .. } => Some("session-event"),
        Message::Key { .. } => Some("key-event"),
        Message::Lease { .. } => Some("lease"),
        Message::Heartbeat { .. } => Some("heartbeat"),
        Message::Order(_) => Some("signed-order"),
        Message::Ask { .. } | Message::Sync { .. } | Message::OrdersAsk => None,
    }
}

/// Certificates, their signatures and sealed content are of any length.
fn is_of_any_length(name: &Value) -> bool {
    name.as_text().is_some_and(|name| ["chain", "signature", "content"].contains(&name))
}

/// Variants of `value`: each map with one member removed, one at a time, and each with a member too
/// many.
fn spoiled(value: &Value) -> Vec<Value> {
    let mut all = Vec::new();
    match value {
        Value::Map(members) => {
            let mut more = members.clone();
            more.push((Value::from("surprise"), Value::from(1)));
            all.push(Value::Map(more));
            let exact = members.iter().enumerate().filter(|(_, (name, _))| !is_of_any_length(name));
            for (i, (_, member)) in exact {
                for wrong in spoiled(member) {
                    let mut other = members.clone();
                    other[i].1 = wrong;
                    all.push(Value::Map(other));
                }
            }
        }
        Value::Array(items) => {
            for (i, item) in items.iter().enumerate() {
                for wrong in spoiled(item) {
                    let mut other = items.clone();
                    other[i] = wrong;
                    all.push(Value::Array(other));
                }
            }
        }
        Value::Bytes(bytes) => {
            all.push(Value::Bytes([bytes.as_slice(), &[0]].concat()));
            all.push(Value::Text("text".into()));
        }
        Value::Integer(_) => all.extend([Value::from(-1), Value::from(1.5), Value::Null]),
        Value::Bool(_) => all.extend([Value::from(1), Value::Null]),
        Value::Text(_) => all.extend([Value::from(1), Value::Null]),
        _ => {}
    }
    all
}

proptest! {
    #[test]
    fn every_event_is_as_it_is_described(message in samples::message()) {
        let body = message.encode().unwrap();
        match rule(&message) {
            None => prop_assert!(body.is_empty(), "a question has no body"),
            Some(rule) => {
                let value: Value = ciborium::from_reader(body.as_slice()).unwrap();
                prop_assert!(fits(rule, &value), "{:?} is not a {}", value, rule);
                for wrong in spoiled(&value) {
                    prop_assert!(!fits(rule, &wrong), "{:?} is taken for a {}", wrong, rule);
                }
            }
        }
    }

    #[test]
    fn every_answer_is_as_it_is_described((_, answer) in samples::answer()) {
        let rule = match answer {
            Answer::Session(_) => "session-answer",
            Answer::Sync(_) => "sync-answer",
            Answer::Receipt(_) => "receipt",
            Answer::Orders(_) => "orders-answer",
        };
        let value: Value = ciborium::from_reader(answer.encode().unwrap().as_slice()).unwrap();
        prop_assert!(fits(rule, &value), "{:?} is not a {}", value, rule);
        for wrong in spoiled(&value) {
            prop_assert!(!fits(rule, &wrong), "{:?} is taken for a {}", wrong, rule);
        }
    }
}

#[test]
fn other_shapes_are_not_described() {
    let room = || Value::Bytes(vec![0; 16]);
    for (rule, wrong) in [
        ("room-event", cbor!("joined")),
        ("room-event", cbor!({ "ended" => "bored" })),
        ("room-event", cbor!({ "ended" => "left", "declined" => null })),
        ("want-event", cbor!({ "waiting" => {} })),
        ("want-event", cbor!({ "met" => { "topic" => "music" } })),
        ("match-event", cbor!({ "pair" => [] })),
        ("session-event", cbor!({ "attached" => { "stamp" => 1 } })),
        ("session-event", cbor!({ "left" => [0] })),
        ("key-event", cbor!({ "announced" => { "not_after" => 1 } })),
        ("proof", cbor!({ "chain" => ["text"], "scheme" => 1, "signature" => "text" })),
        ("lease", cbor!({ "boot" => 1 })),
        ("sync-answer", cbor!({})),
        ("sync-answer", cbor!({ "revoked" => [], "last" => true })),
        ("heartbeat", cbor!([])),
        ("heartbeat", cbor!({ "orders" => [] })),
        ("order", cbor!("close")),
        ("order", cbor!({ "pause" => null })),
        ("order", cbor!({ "admission" => -1 })),
        ("order", cbor!({ "drain" => { "node" => "g1" } })),
        ("receipt", cbor!({ "node" => "g1", "outcome" => "lost" })),
    ] {
        assert!(!fits(rule, &wrong.unwrap()), "{rule}");
    }
    let half_an_entry = Value::Array(vec![Value::Array(vec![room()])]);
    let presence = Value::Map(vec![("node".into(), "g1".into()), ("rooms".into(), half_an_entry)]);
    assert!(!fits("presence", &presence));
}
