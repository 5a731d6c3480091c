//! `asyncapi.yaml` describes exactly what is said on a WebSocket, and every subject of the bus.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::LazyLock,
};

use schemas::{
    CloseCode, KeyId, NodeId, RoomId, Service, SessionId, Side,
    close::Reconnect,
    control::{
        Category, ClientMessage, EndReason, ErrorCode, FindBy, Limits, PeerState, Place, ServerMessage,
    },
    criteria::Role,
    limits,
    subject::{PREFIX, Subject},
};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

static DOCUMENT: LazyLock<Value> =
    LazyLock::new(|| serde_saphyr::from_str(include_str!("../../asyncapi.yaml")).expect("YAML"));

fn at(pointer: &str) -> &'static Value {
    DOCUMENT.pointer(pointer).unwrap_or_else(|| panic!("no {pointer}"))
}

fn names(pointer: &str) -> BTreeSet<&'static str> {
    at(pointer).as_object().expect("an object").keys().map(String::as_str).collect()
}

fn strings(pointer: &str) -> BTreeSet<String> {
    let list = at(pointer).as_array().expect("a list").iter();
    list.map(|word| word.as_str().expect("a word").to_owned()).collect()
}

/// The words of an enumeration, which serde names where it is given another one.
fn words<T: DeserializeOwned>(other: Value) -> BTreeSet<String> {
    let fault = serde_json::from_value::<T>(other).err().expect("not one of them").to_string();
    let expected = fault.split_once("expected ").expect("a list of words").1;
    expected.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

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
    let place = Place { room: RoomId::from_bytes([0xfe; 16]), side: Side::B, ticket: "t".into() };
    let accepted = Limits { frame_bytes: 1, control_bytes: 2, frame_rate: 0, byte_rate: 4, topic_chars: 5 };
    let token = |ticket| ServerMessage::Token { token: "t".into(), ticket, expires_at: 7 };
    vec![
        ServerMessage::Ready {
            session: SessionId::from_random([0xfe; 16]),
            token: "t".into(),
            expires_at: 1,
            limits: accepted,
            heartbeat_ms: 25_000,
        },
        ServerMessage::Waiting,
        ServerMessage::Paired(place.clone()),
        ServerMessage::Resumed(place),
        ServerMessage::Peer { state: PeerState::Away },
        ServerMessage::Ended { reason: EndReason::Shutdown },
        token(None),
        token(Some("t".into())),
        ServerMessage::Drain { reconnect_in_ms: 0 },
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
    let mut said = BTreeSet::from(["frame".to_owned()]);
    for message in every_server_message() {
        let json: Value = serde_json::from_str(&message.json()).unwrap();
        let kind = json["type"].as_str().unwrap();
        assert!(fits(kind, &json), "{json}");
        for member in json.as_object().unwrap().keys().filter(|member| *member != "ticket" || kind != "token")
        {
            let mut less = json.clone();
            less.as_object_mut().unwrap().remove(member);
            assert!(!fits(kind, &less), "{less}");
            let mut other = json.clone();
            other[member] = json!(null);
            assert!(!fits(kind, &other), "{other}");
        }
        said.insert(kind.to_owned());
    }
    assert_eq!(operation("hear"), said);
    let mut known = words::<ServerMessage>(json!({ "type": "" }));
    known.insert("frame".into());
    assert_eq!(known, said, "every variant has a sample here");
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
        assert_eq!(name(&parsed), message["type"]);
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

/// The `type` of a message; a new variant must find its place here, and so in the description.
fn name(message: &ClientMessage) -> &'static str {
    match message {
        ClientMessage::Find(find) => match find.by {
            FindBy::Random(_) | FindBy::Invite(_) => "find",
        },
        ClientMessage::Cancel => "cancel",
        ClientMessage::Resume(_) => "resume",
        ClientMessage::Leave => "leave",
        ClientMessage::Next(_) => "next",
        ClientMessage::Report(_) => "report",
        ClientMessage::Ping => "ping",
    }
}

#[test]
fn the_types_of_both_directions_are_all_there_are() {
    let unknown = ClientMessage::parse(r#"{"type":"?"}"#).unwrap_err();
    assert_eq!(unknown.code, ErrorCode::UnknownType);
    let (_, listed) = unknown.message.split_once("one of ").unwrap();
    let mut known: BTreeSet<_> = listed.split(", ").map(str::to_owned).collect();
    known.insert("frame".into());
    assert_eq!(operation("say"), known);
    let both: BTreeSet<_> = operation("say").union(&operation("hear")).cloned().collect();
    assert_eq!(names("/channels/chat/messages"), both.iter().map(String::as_str).collect());
}

#[test]
fn every_word_is_listed() {
    let word = json!("?");
    let schemas = "/components/schemas";
    let codes = words::<ErrorCode>(word.clone());
    assert_eq!(strings(&format!("{schemas}/errorCode/enum")), codes);
    let told = at(&format!("{schemas}/errorCode/description")).as_str().unwrap();
    codes.iter().for_each(|code| assert!(told.contains(&format!("`{code}`")), "{code} is not explained"));
    for code in &codes {
        let code: ErrorCode = serde_json::from_value(json!(code)).unwrap();
        assert_eq!(json!(code.word()), json!(code), "the word of a code is its JSON");
    }
    let listed = |path: &str| strings(&format!("{schemas}/{path}/enum"));
    assert_eq!(listed("report/properties/category"), words::<Category>(word.clone()));
    assert_eq!(listed("wanted/properties/role"), words::<Role>(word.clone()));
    assert_eq!(listed("place/properties/side"), words::<Side>(word.clone()));
    assert_eq!(listed("peer/properties/state"), words::<PeerState>(word.clone()));
    assert_eq!(listed("ended/properties/reason"), words::<EndReason>(word));
    let roles = Service::ALL.map(|role| role.word().to_owned());
    assert_eq!(strings("/components/parameters/speaker/enum"), roles.into());
}

#[test]
fn every_close_code_is_listed_with_its_reason_and_advice() {
    let expected: Vec<_> = CloseCode::ALL
        .iter()
        .map(|code| {
            let reconnect = match CloseCode::advice(Some(code.code())) {
                Reconnect::Now => "now",
                Reconnect::BackOff => "back-off",
                Reconnect::Never => "never",
            };
            json!({ "code": code.code(), "reason": code.reason(), "reconnect": reconnect })
        })
        .collect();
    assert_eq!(*at("/channels/chat/x-close-codes"), json!(expected));
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

/// The channel of a subject, and its body; a new subject must find its place here, and so in the description.
fn channel(subject: &Subject) -> (&'static str, &'static str) {
    match subject {
        Subject::Frames(..) => ("roomFrames", "frames"),
        Subject::Peer(..) => ("roomPeer", "roomEvent"),
        Subject::Room(..) => ("roomEvent", "roomEvent"),
        Subject::Presence(_) => ("presence", "presence"),
        Subject::Want(_) => ("want", "wantEvent"),
        Subject::Match(_) => ("match", "matchEvent"),
        Subject::Session(..) => ("sessionEvent", "sessionEvent"),
        Subject::Ask(_) => ("sessionAsk", "question"),
        Subject::Key(..) => ("key", "keyEvent"),
        Subject::Lease(_) => ("lease", "lease"),
        Subject::Sync(_) => ("sync", "question"),
        Subject::Node(..) => ("node", "heartbeat"),
    }
}

#[test]
fn every_subject_is_a_channel_and_every_channel_a_subject() {
    let (room, session, key) =
        (RoomId::from_bytes([1; 16]), SessionId::from_random([2; 16]), KeyId::from_bytes([3; 32]));
    let node: NodeId = "node-1".parse().unwrap();
    let mut described: BTreeMap<_, _> = BTreeMap::new();
    for subject in [
        Subject::Frames(room, node.clone()),
        Subject::Peer(room, node.clone()),
        Subject::Room(room, Service::Janitor),
        Subject::Presence(node.clone()),
        Subject::Want(node.clone()),
        Subject::Match(node.clone()),
        Subject::Session(session, Service::Janitor),
        Subject::Ask(session),
        Subject::Key(key, Service::Janitor),
        Subject::Lease(node.clone()),
        Subject::Sync(node.clone()),
        Subject::Node(Service::Janitor, node.clone()),
    ] {
        let (name, message) = channel(&subject);
        let address = at(&format!("/channels/{name}/address")).as_str().expect("an address");
        let filled = [
            ("{room}", room.text()),
            ("{session}", session.text()),
            ("{key}", key.text()),
            ("{node}", node.as_str().to_owned()),
            ("{speaker}", "janitor".to_owned()),
            ("{role}", "janitor".to_owned()),
        ];
        let text = filled.iter().fold(address.to_owned(), |text, (hole, id)| text.replace(hole, id));
        assert_eq!(text, subject.text());
        let holes = address.split(['{', '}']).skip(1).step_by(2).collect();
        assert_eq!(names(&format!("/channels/{name}/parameters")), holes, "{name}");
        assert_eq!(names(&format!("/channels/{name}/messages")), [message].into(), "{name}");
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
        "presence",
        "room-event",
        "session-answer",
        "session-event",
        "sync-answer",
        "want-event",
    ];
    assert_eq!(named, expected.into());
}
