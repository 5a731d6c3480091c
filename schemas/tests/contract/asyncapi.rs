//! `asyncapi.yaml` describes exactly what is said on a WebSocket.

use std::collections::{BTreeMap, BTreeSet};

use schemas::{
    RoomId, Service, SessionId, Side,
    control::{
        Admission, Category, ClientMessage, ClientType, EndReason, ErrorCode, Expectation, Limits, PeerState,
        ServerMessage, ServerType, ServiceState, Strangers,
    },
    criteria::Role,
    limits,
    order::OrderKind,
    outlook::{Outlook, Partners},
};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::document::{DOCUMENT, at, members, names, strings, words};

/// Whether `message` is what the schema of that name describes.
fn fits(name: &str, message: &Value) -> bool {
    let schema = json!({ "$ref": format!("#/components/schemas/{name}"), "components": at("/components") });
    jsonschema::validator_for(&schema).expect("a JSON Schema").is_valid(message)
}

/// The names of the messages that an operation lists.
fn operation(name: &str) -> BTreeSet<String> {
    let listed = at(&format!("/operations/{name}/messages")).as_array().expect("a list").iter();
    let last = |reference: &Value| reference["$ref"].as_str()?.rsplit('/').next().map(str::to_owned);
    listed.map(|reference| last(reference).expect("a reference")).collect()
}

fn every_server_message() -> Vec<ServerMessage> {
    let place =
        Admission { room: RoomId::from_bytes([0xfe; 16]), side: Side::B, ticket: "t".into(), expect: None };
    let accepted =
        Limits { frame_bytes: 1, control_bytes: 2, frame_rate: 0, byte_rate: 4, topic_chars: 5, grace_ms: 6 };
    let token = |ticket| ServerMessage::Token { token: "t".into(), ticket, expires_at: 7, expires_in: 5 };
    vec![
        ServerMessage::Ready {
            session: SessionId::from_random([0xfe; 16]),
            token: "t".into(),
            expires_at: 1,
            expires_in: 600,
            limits: accepted,
            heartbeat_ms: 25_000,
        },
        ServerMessage::Waiting(Outlook::default()),
        ServerMessage::Waiting(Outlook {
            ahead: Some(10),
            partners: Some(Partners::None),
            about_s: Some(30),
        }),
        ServerMessage::Paired(place.clone()),
        ServerMessage::Paired(Admission { expect: Some(Expectation::Credential), ..place.clone() }),
        ServerMessage::Resumed(place),
        ServerMessage::Peer { state: PeerState::Away },
        ServerMessage::Ended { reason: EndReason::Shutdown },
        token(None),
        token(Some("t".into())),
        ServerMessage::Drain { reconnect_in_ms: 0, to: None },
        ServerMessage::Drain { reconnect_in_ms: 0, to: Some("https://g2.chat.example".into()) },
        ServerMessage::Service(ServiceState::default()),
        ServerMessage::Service(ServiceState {
            strangers: Strangers::Paused,
            closed: Some("back at 8".into()),
            notice: Some("hello".into()),
        }),
        ServerMessage::Pong,
        ServerMessage::Error { code: ErrorCode::InviteSpent, message: "m".into() },
    ]
}

#[test]
fn every_reference_leads_somewhere() {
    fn walk(value: &Value, found: &mut usize) {
        match value {
            Value::Object(members) => {
                if let Some(reference) = members.get("$ref").and_then(Value::as_str) {
                    at(reference.strip_prefix('#').expect("into this document"));
                    *found += 1;
                }
                members.values().for_each(|member| walk(member, found));
            }
            Value::Array(items) => items.iter().for_each(|item| walk(item, found)),
            _ => {}
        }
    }
    let mut found = 0;
    walk(&DOCUMENT, &mut found);
    assert!(found > 50, "{found}");
    assert_eq!(at("/asyncapi"), "3.0.0");
}

#[test]
fn every_message_of_a_gateway_is_described_and_nothing_less_passes() {
    let mut said = BTreeSet::new();
    let mut sent = BTreeMap::<_, BTreeSet<_>>::new();
    for message in every_server_message() {
        let json: Value = serde_json::from_str(&message.json()).unwrap();
        let kind = message.kind().word();
        assert_eq!(json["type"], kind);
        assert!(fits(kind, &json), "{json}");
        let is_optional = |member: &str| {
            matches!(
                (kind, member),
                ("waiting", "ahead" | "partners" | "about_s")
                    | ("token", "ticket")
                    | ("drain", "to")
                    | ("paired", "expect")
                    | ("service", "closed" | "notice")
            )
        };
        for member in json.as_object().unwrap().keys().filter(|member| !is_optional(member)) {
            let mut less = json.clone();
            less.as_object_mut().unwrap().remove(member);
            assert!(!fits(kind, &less), "{less}");
            let mut other = json.clone();
            other[member] = json!(null);
            assert!(!fits(kind, &other), "{other}");
        }
        sent.entry(kind).or_default().extend(json.as_object().unwrap().keys().cloned());
        if let Some(limits) = json.get("limits") {
            sent.entry("limits").or_default().extend(limits.as_object().unwrap().keys().cloned());
        }
        said.insert(kind.to_owned());
    }
    assert_eq!(words::<ServerMessage>(json!({ "type": "" })), said, "every variant has a sample here");
    for (kind, fields) in sent {
        let described: BTreeSet<_> = members(kind).into_keys().collect();
        assert_eq!(described, fields, "the fields of {kind}");
    }
}

#[test]
fn what_a_client_may_say_by_the_description_is_read() {
    let code = "AAAAAAAAAAAAAAAAAAAAAA";
    for message in [
        json!({ "type": "find" }),
        json!({ "type": "find", "topic": " 음악 ", "lang": "zh-Hant-TW", "role": "seek", "later": [] }),
        json!({ "type": "next", "topic": "가".repeat(limits::TOPIC_CHARS) }),
        json!({ "type": "next", "invite": code, "role": "offer" }),
        json!({ "type": "cancel" }),
        json!({ "type": "resume", "ticket": "t" }),
        json!({ "type": "leave" }),
        json!({ "type": "report", "category": "other" }),
        json!({ "type": "ping" }),
    ] {
        assert!(fits(message["type"].as_str().unwrap(), &message), "{message}");
        let parsed = ClientMessage::parse(&message.to_string()).unwrap();
        assert_eq!(parsed.kind().word(), message["type"]);
    }
}

#[test]
fn what_is_refused_is_not_described() {
    let code = "AAAAAAAAAAAAAAAAAAAAAA";
    for message in [
        json!({ "type": "find", "topic": "" }),
        json!({ "type": "find", "topic": " \t" }),
        json!({ "type": "find", "topic": "가".repeat(limits::TOPIC_CHARS + 1) }),
        json!({ "type": "find", "topic": 7 }),
        json!({ "type": "find", "topic": "a", "invite": code }),
        json!({ "type": "find", "invite": "AAAAAAAAAAAAAAAAAAAAAB" }),
        json!({ "type": "find", "role": "both" }),
        json!({ "type": "next", "lang": "ko_KR" }),
        json!({ "type": "next", "lang": format!("ko{}", "-abcd".repeat(7)) }),
        json!({ "type": "resume" }),
        json!({ "type": "report" }),
        json!({ "type": "report", "category": "rude" }),
    ] {
        assert!(!fits(message["type"].as_str().unwrap(), &message), "{message}");
        assert!(ClientMessage::parse(&message.to_string()).is_err(), "{message}");
    }
}

#[test]
fn the_types_of_both_directions_are_all_there_are() {
    let with_frames = |types: BTreeSet<&str>| -> BTreeSet<String> {
        types.into_iter().chain(["frame"]).map(str::to_owned).collect()
    };
    let said = with_frames(ClientType::ALL.iter().map(|kind| kind.word()).collect());
    let heard = with_frames(ServerType::ALL.iter().map(|kind| kind.word()).collect());
    assert_eq!(operation("say"), said);
    assert_eq!(operation("hear"), heard);
    let both: BTreeSet<_> = said.union(&heard).map(String::as_str).collect();
    assert_eq!(names("/channels/chat/messages"), both);
}

#[test]
fn every_message_is_summed_up_as_in_the_code() {
    let client = ClientType::ALL.iter().map(|kind| (kind.word(), kind.meaning()));
    let server = ServerType::ALL.iter().map(|kind| (kind.word(), kind.meaning()));
    for (word, meaning) in client.chain(server) {
        assert_eq!(at(&format!("/components/messages/{word}/summary")), meaning, "{word}");
    }
}

#[test]
fn every_word_is_listed() {
    fn listed<T: DeserializeOwned>(path: &str, all: impl IntoIterator<Item = &'static str>) {
        let described = strings(&format!("/components/schemas/{path}/enum"));
        assert_eq!(described, words::<T>(json!("?")), "{path}");
        assert_eq!(described, all.into_iter().map(str::to_owned).collect(), "{path}");
    }
    listed::<ErrorCode>("errorCode", ErrorCode::ALL.iter().map(|code| code.word()));
    listed::<Category>("report/properties/category", Category::ALL.iter().map(|why| why.word()));
    listed::<PeerState>("peer/properties/state", PeerState::ALL.iter().map(|state| state.word()));
    listed::<EndReason>("ended/properties/reason", EndReason::ALL.iter().map(|why| why.word()));
    listed::<Strangers>("service/properties/strangers", Strangers::ALL.iter().map(|word| word.word()));
    let kinds: BTreeSet<_> = OrderKind::ALL.iter().map(|kind| kind.word().to_owned()).collect();
    assert_eq!(strings("/components/parameters/kind/enum"), kinds);
    listed::<Partners>("waiting/properties/partners", Partners::ALL.iter().map(|word| word.word()));
    listed::<Role>("wanted/properties/role", ["seek", "offer"]);
    listed::<Side>("place/properties/side", ["a", "b"]);
    let roles = Service::ALL.map(|role| role.word().to_owned());
    assert_eq!(strings("/components/parameters/speaker/enum"), roles.into());
}

#[test]
fn limits_are_those_of_the_code() {
    let chat = json!({ "frame-bytes": limits::FRAME_BYTES, "control-bytes": limits::CONTROL_BYTES });
    assert_eq!(*at("/channels/chat/x-limits"), chat);
    assert_eq!(*at("/channels/chat/x-subprotocol"), limits::SUBPROTOCOL);
    let bus = json!({ "bus-frames-bytes": limits::BUS_FRAMES_BYTES });
    assert_eq!(*at("/components/messages/frames/x-limits"), bus);
    let wanted = "/components/schemas/wanted/properties";
    assert_eq!(*at(&format!("{wanted}/topic/maxLength")), json!(limits::TOPIC_CHARS));
    assert_eq!(*at(&format!("{wanted}/lang/maxLength")), json!(limits::LANGUAGE_CHARS));
    for text in [include_str!("../../asyncapi.yaml"), include_str!("../../events.cddl")] {
        assert!(text.contains(&limits::EVENT_BYTES.to_string()));
    }
}
