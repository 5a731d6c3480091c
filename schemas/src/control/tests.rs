use super::*;
use crate::outlook::Partners;

fn code(text: &str) -> ErrorCode {
    ClientMessage::parse(text).expect_err(text).code
}

#[test]
fn every_message_of_the_protocol_is_read() {
    let parse = |text: &str| ClientMessage::parse(text).unwrap();
    let all = r#"{"type":"find","topic":" Music","lang":"ko","role":"seek","later":{"x":[1]}}"#;
    let ClientMessage::Find(find) = parse(all) else { panic!("a find") };
    assert_eq!(find.by, MatchBy::Random(Some("music".parse().unwrap())));
    assert_eq!((find.role, find.language), (Some(Role::Seek), Some("ko".parse().unwrap())));
    let channel = ChannelVersion::FIRST;
    let nobody = Criteria { by: MatchBy::Random(None), role: None, language: None, channel };
    let second = Criteria { channel: ChannelVersion::CURRENT, ..nobody.clone() };
    assert_eq!(parse(r#"{"type":"find","channel":2}"#), ClientMessage::Find(second));
    assert_eq!(parse(r#"{"type":"find","topic":null}"#), ClientMessage::Find(nobody.clone()));
    assert_eq!(parse(r#"{"type":"next"}"#), ClientMessage::Next(nobody));
    let by_code = parse(r#"{"invite":"AAAAAAAAAAAAAAAAAAAAAA","role":"offer","type":"find"}"#);
    assert!(matches!(
        by_code,
        ClientMessage::Find(Criteria { by: MatchBy::Invite(_), role: Some(Role::Offer), .. })
    ));
    assert_eq!(parse(r#"{"type":"resume","ticket":"t"}"#), ClientMessage::Resume("t".into()));
    assert_eq!(parse(r#"{"type":"report","category":"minor"}"#), ClientMessage::Report(Category::Minor));
    assert_eq!(parse(r#"{"type":"cancel"}"#), ClientMessage::Cancel);
    assert_eq!(parse(r#"{"type":"leave"}"#), ClientMessage::Leave);
    assert_eq!(parse(r#"{"type":"ping"}"#), ClientMessage::Ping);
}

#[test]
fn every_fault_is_named() {
    for not_a_message in
        ["", "x", "[]", "7", "null", "{}", r#"{"type":7}"#, r#"{"type":"leave"} x"#, "{\"type\":\"leave\""]
    {
        assert_eq!(code(not_a_message), ErrorCode::BadMessage, "{not_a_message}");
    }
    for wrong_shape in [
        r#"{"type":"find","topic":7}"#,
        r#"{"type":"find","role":"both"}"#,
        r#"{"type":"find","topic":"a","invite":"AAAAAAAAAAAAAAAAAAAAAA"}"#,
        r#"{"type":"find","channel":0}"#,
        r#"{"type":"find","channel":256}"#,
        r#"{"type":"find","channel":"2"}"#,
        r#"{"type":"find","channel":null}"#,
        r#"{"type":"resume"}"#,
        r#"{"type":"report","category":"rude"}"#,
        r#"{"type":"find","type":"find"}"#,
    ] {
        assert_eq!(code(wrong_shape), ErrorCode::BadMessage, "{wrong_shape}");
    }
    assert_eq!(code(r#"{"type":"Find"}"#), ErrorCode::UnknownType);
    assert_eq!(code(r#"{"type":"find","topic":" "}"#), ErrorCode::BadTopic);
    assert_eq!(code(r#"{"type":"find","lang":"ko_KR"}"#), ErrorCode::BadLanguage);
    assert_eq!(code(r#"{"type":"find","invite":"short"}"#), ErrorCode::BadInvite);
    let deep = format!(r#"{{"type":"find","x":{}}}"#, "[".repeat(3000));
    assert_eq!(code(&deep), ErrorCode::BadMessage);
}

#[test]
fn messages_look_as_the_protocol_says() {
    let json = |message: ServerMessage| message.json();
    assert_eq!(json(ServerMessage::Waiting(Outlook::default())), r#"{"type":"waiting"}"#);
    let outlook = Outlook { ahead: Some(2), partners: Some(Partners::Few), about_s: Some(300) };
    let waiting = r#"{"type":"waiting","ahead":2,"partners":"few","about_s":300}"#;
    assert_eq!(json(ServerMessage::Waiting(outlook)), waiting);
    assert_eq!(json(ServerMessage::Peer { state: PeerState::Away }), r#"{"type":"peer","state":"away"}"#);
    assert_eq!(json(ServerMessage::Ended { reason: EndReason::Left }), r#"{"type":"ended","reason":"left"}"#);
    let place =
        Admission { room: RoomId::from_bytes([0; 16]), side: Side::A, ticket: "t".into(), expect: None };
    let paired = r#"{"type":"paired","room":"AAAAAAAAAAAAAAAAAAAAAA","side":"a","ticket":"t"}"#;
    assert_eq!(json(ServerMessage::Paired(place.clone())), paired);
    let helper = Admission { expect: Some(Expectation::Credential), ..place };
    let expecting = paired.replace('}', r#","expect":"credential"}"#);
    assert_eq!(json(ServerMessage::Paired(helper)), expecting);
    let token = ServerMessage::Token { token: "t".into(), ticket: None, expires_at: 7, expires_in: 5 };
    assert_eq!(json(token), r#"{"type":"token","token":"t","expires_at":7,"expires_in":5}"#);
    let spent = ServerMessage::Error { code: ErrorCode::InviteSpent, message: "m".into() };
    assert_eq!(json(spent), r#"{"type":"error","code":"invite-spent","message":"m"}"#);
}

#[test]
fn debug_shows_no_secret() {
    let place =
        Admission { room: RoomId::from_bytes([0; 16]), side: Side::A, ticket: "secret".into(), expect: None };
    let token = || "secret".to_owned();
    let session = SessionId::from_random([7; 16]);
    let limits =
        Limits { frame_bytes: 1, control_bytes: 1, frame_rate: 1, byte_rate: 1, topic_chars: 1, grace_ms: 1 };
    let ready = ServerMessage::Ready {
        session,
        token: token(),
        expires_at: 1,
        expires_in: 1,
        limits,
        heartbeat_ms: 1,
    };
    let renewed =
        ServerMessage::Token { token: token(), ticket: Some(token()), expires_at: 1, expires_in: 1 };
    let shown = format!(
        "{ready:?}{renewed:?}{:?}{:?}",
        ServerMessage::Paired(place.clone()),
        ServerMessage::Resumed(place)
    );
    assert!(!shown.contains("secret"), "{shown}");
    let find = ClientMessage::parse(r#"{"type":"find","topic":"secret"}"#).unwrap();
    assert!(!format!("{find:?}{:?}", ClientMessage::Resume(token())).contains("secret"));
}

#[test]
fn the_word_of_a_code_is_its_json() {
    for code in ErrorCode::ALL {
        assert_eq!(serde_json::to_string(code).unwrap(), format!("{:?}", code.word()));
    }
}

/// Takes what serde asks for when it reads a struct: the names of its fields.
struct Asked<'a>(&'a mut &'static [&'static str]);

impl<'de> serde::Deserializer<'de> for Asked<'_> {
    type Error = serde::de::value::Error;

    fn deserialize_any<V: serde::de::Visitor<'de>>(self, _: V) -> Result<V::Value, Self::Error> {
        Err(serde::de::Error::custom("not a struct"))
    }

    fn deserialize_struct<V: serde::de::Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        _: V,
    ) -> Result<V::Value, Self::Error> {
        *self.0 = fields;
        Err(serde::de::Error::custom("only the names"))
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct newtype_struct
        seq tuple tuple_struct map enum identifier ignored_any
    }
}

fn fields_of<'de, T: Deserialize<'de>>() -> Vec<&'static str> {
    let mut fields: &[_] = &[];
    let _ = T::deserialize(Asked(&mut fields));
    fields.to_vec()
}

#[test]
fn the_fields_that_are_read_are_those_that_are_described() {
    let document: serde_json::Value =
        serde_saphyr::from_str(include_str!("../../asyncapi.yaml")).expect("YAML");
    for kind in ClientType::ALL {
        let (schema, mut read) = match kind {
            ClientType::Find | ClientType::Next => ("wanted", fields_of::<CriteriaFields>()),
            ClientType::Resume => ("resume", fields_of::<ResumeFields>()),
            ClientType::Report => ("report", fields_of::<ReportFields>()),
            ClientType::Cancel | ClientType::Leave | ClientType::Ping => (kind.word(), Vec::new()),
        };
        let properties = document["components"]["schemas"][schema]["properties"].as_object().unwrap();
        let described: Vec<_> = properties.keys().filter(|name| *name != "type").collect();
        read.sort_unstable();
        assert_eq!(described, read, "{}", kind.word());
    }
}
