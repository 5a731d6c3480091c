//! Identifiers. Each has one text form (JSON, subjects) and one binary form (CBOR). `Debug` shows
//! only a short prefix, so that a whole id cannot get into a log by accident, and there is no
//! `Display`.

use std::{fmt, str::FromStr, sync::Arc};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use uuid::Uuid;

use crate::{UnixMillis, codec::sha256, limits};

/// A text that is not an identifier of the expected form. Contains only the kind, never the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a {0}")]
pub struct IdError(pub &'static str);

/// Shows the first characters of an id: enough to tell two apart in a log, too few to use it.
fn short(f: &mut fmt::Formatter<'_>, kind: &str, text: &str) -> fmt::Result {
    write!(f, "{kind}({}…)", text.get(..4).unwrap_or(text))
}

/// Serialises as text in human-readable formats, and as a byte string in others.
macro_rules! serde_by_format {
    ($type:ty, $kind:literal, $bytes:expr, $from_bytes:expr) => {
        impl Serialize for $type {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                if serializer.is_human_readable() {
                    serializer.serialize_str(&self.text())
                } else {
                    serializer.serialize_bytes(&$bytes(self))
                }
            }
        }

        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                if deserializer.is_human_readable() {
                    let text = String::deserialize(deserializer)?;
                    text.parse().map_err(de::Error::custom)
                } else {
                    let bytes = serde_bytes::ByteBuf::deserialize(deserializer)?;
                    let fixed = bytes.as_slice().try_into().map_err(|_| de::Error::custom(IdError($kind)))?;
                    $from_bytes(fixed).ok_or_else(|| de::Error::custom(IdError($kind)))
                }
            }
        }

        impl fmt::Debug for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                short(f, stringify!($type), &self.text())
            }
        }
    };
}

/// Declares an id of fixed length whose text form is unpadded base64url (RFC 4648, section 5).
macro_rules! base64url_id {
    ($(#[$doc:meta])* $type:ident, $kind:literal, $bytes:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $type([u8; $bytes]);

        impl $type {
            /// Wraps raw bytes.
            pub const fn from_bytes(bytes: [u8; $bytes]) -> Self {
                Self(bytes)
            }

            /// The raw bytes.
            pub const fn as_bytes(&self) -> &[u8; $bytes] {
                &self.0
            }

            /// The unpadded base64url text form.
            pub fn text(&self) -> String {
                URL_SAFE_NO_PAD.encode(self.0)
            }
        }

        impl FromStr for $type {
            type Err = IdError;

            fn from_str(text: &str) -> Result<Self, IdError> {
                let mut bytes = [0; $bytes];
                match URL_SAFE_NO_PAD.decode_slice(text, &mut bytes) {
                    Ok($bytes) => Ok(Self(bytes)),
                    _ => Err(IdError($kind)),
                }
            }
        }

        serde_by_format!($type, $kind, |id: &$type| id.0, |bytes: [u8; $bytes]| Some($type(bytes)));
    };
}

base64url_id!(
    /// One chat of two people, derived from the two wants that were matched (16 bytes; 22
    /// characters).
    RoomId, "room id", 16
);
base64url_id!(
    /// One request to be matched, made at random for each `find` (16 bytes; 22 characters).
    WantId, "want id", 16
);
base64url_id!(
    /// A signing key: the SHA-256 thumbprint of its public half as in RFC 7638 (32 bytes;
    /// 43 characters).
    KeyId, "key id", 32
);
base64url_id!(
    /// Eight bytes of the SHA-256 of an id, used where the id itself is not needed. Sessions
    /// remember rooms by it, and the two gateways of a room name each other's session by it (8
    /// bytes; 11 characters).
    Tag, "tag", 8
);

base64url_id!(
    /// Where a client comes from, as far as nodes are to know: the id of a key that only gateways
    /// have (4 bytes), then 8 bytes of the HMAC of its address, or of its /48 in IPv6. Nobody
    /// without the key can tell which address it is, and the key is wiped after two hours (12
    /// bytes; 16 characters).
    Origin, "origin", 12
);

impl RoomId {
    /// The room and the side of the *first* want, from SHA-256 over the two sorted want ids. So
    /// every replica that matches them, in whatever order, proposes the same room and the same
    /// sides.
    pub fn of_match(first: WantId, second: WantId) -> (Self, Side) {
        let (low, high) = if first < second { (first, second) } else { (second, first) };
        let digest = sha256(&[low.as_bytes(), high.as_bytes()]);
        let mut room = [0; 16];
        room.copy_from_slice(&digest[..16]);
        let low_side = if digest[16] & 1 == 0 { Side::A } else { Side::B };
        (Self(room), if first == low { low_side } else { low_side.other() })
    }

    /// The tag by which its two sessions remember the room.
    pub fn tag(&self) -> Tag {
        Tag::of(&self.0)
    }
}

impl KeyId {
    /// The JWK thumbprint of an Ed25519 public key (RFC 7638, with the members that RFC 8037
    /// requires).
    pub fn of_public(public: &[u8; 32]) -> Self {
        let jwk = format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{}"}}"#, URL_SAFE_NO_PAD.encode(public));
        Self(sha256(&[jwk.as_bytes()]))
    }
}

impl Tag {
    fn of(bytes: &[u8]) -> Self {
        let digest = sha256(&[bytes]);
        let mut tag = [0; 8];
        tag.copy_from_slice(&digest[..8]);
        Self(tag)
    }
}

/// A session: a random UUID (version 4, RFC 9562), all that the server knows of a person.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionId(Uuid);

impl SessionId {
    /// Makes a session id from 16 random bytes; the version and variant bits replace some of them.
    pub fn from_random(bytes: [u8; 16]) -> Self {
        Self(uuid::Builder::from_random_bytes(bytes).into_uuid())
    }

    fn from_bytes(bytes: [u8; 16]) -> Option<Self> {
        let id = Uuid::from_bytes(bytes);
        (id.get_version_num() == 4).then_some(Self(id))
    }

    /// The raw bytes.
    pub fn as_bytes(&self) -> &[u8; 16] {
        self.0.as_bytes()
    }

    /// The hyphenated lower-case text form, 36 characters.
    pub fn text(&self) -> String {
        self.0.hyphenated().to_string()
    }

    /// The tag by which the gateway of the other side knows the session.
    pub fn tag(&self) -> Tag {
        Tag::of(self.as_bytes())
    }
}

impl FromStr for SessionId {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        // Only one text form: the uuid crate would also accept braces, URNs, upper case and missing
        // hyphens.
        let id = Uuid::try_parse(text).ok().map(|id| *id.as_bytes()).and_then(Self::from_bytes);
        id.filter(|id| id.text() == text).ok_or(IdError("session id"))
    }
}

serde_by_format!(SessionId, "session id", |id: &SessionId| *id.as_bytes(), SessionId::from_bytes);

/// The id of one process on the bus: 1 to 64 of `A-Z a-z 0-9 _ -`. In a cluster it is the name in
/// the node's certificate. Not secret. A copy takes one word, because a gateway holds several per
/// room.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(Arc<Box<str>>);

impl NodeId {
    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for NodeId {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        let form = text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
        let length = (1..=limits::NODE_ID_CHARS).contains(&text.len());
        // A node with the name of a role would share the subjects on which that role publishes.
        let reserved = Service::ALL.iter().any(|service| service.word() == text);
        if form && length && !reserved { Ok(Self(Arc::new(text.into()))) } else { Err(IdError("node id")) }
    }
}

impl fmt::Debug for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for NodeId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for NodeId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

/// A random number for each start of a node: a new one means that all it held is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct BootId(pub u64);

/// Orders the attachments of one session. Whatever is published of an attachment names its stamp,
/// and what names a lower stamp than the highest known is ignored. At least the milliseconds since
/// the Unix epoch; ties are broken by node id.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Stamp(pub u64);

impl Stamp {
    /// Lower than that of any attachment.
    pub const NONE: Self = Self(0);

    /// The next stamp above this one. Saturates: a forged maximum cannot wrap to the lowest.
    pub fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }

    /// Whether no gateway can have made it by now, but for one that lies or whose clock is far from
    /// right: further than [`limits::STAMP_AHEAD`] ahead of the clock.
    pub fn is_ahead_of(self, now: UnixMillis) -> bool {
        self.0 > (now + limits::STAMP_AHEAD).0
    }
}

/// The role of a node. On a subject that several roles share it names the publisher.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Service {
    /// Clients connect to it.
    Gateway,
    /// Matches wants.
    Pairing,
    /// Expires what nobody renews.
    Janitor,
}

impl Service {
    /// Every role.
    pub const ALL: [Self; 3] = [Self::Gateway, Self::Pairing, Self::Janitor];

    /// The word in subjects and on the command line.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Gateway => "gateway",
            Self::Pairing => "pairing",
            Self::Janitor => "janitor",
        }
    }

    /// Reads the word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|service| service.word() == word)
    }
}

/// One of the two halves of a room. Side `a` begins the end-to-end handshake.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Side {
    /// The initiator of the handshake.
    A,
    /// The responder.
    B,
}

impl Side {
    /// The other side.
    pub fn other(self) -> Self {
        match self {
            Self::A => Self::B,
            Self::B => Self::A,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_id_has_exactly_one_text_form() {
        let session = SessionId::from_random([0xab; 16]);
        assert_eq!(session.text().parse(), Ok(session));
        for wrong in [
            session.text().to_uppercase(),
            session.text().replace('-', ""),
            format!("{{{}}}", session.text()),
            format!("{} ", session.text()),
            "6ba7b810-9dad-11d1-80b4-00c04fd430c8".into(), // version 1
        ] {
            assert_eq!(wrong.parse::<SessionId>(), Err(IdError("session id")), "{wrong}");
        }
        let room = RoomId::from_bytes([0xfb; 16]);
        assert_eq!(room.text().parse(), Ok(room));
        let text = room.text();
        // The last of 22 characters carries only two bits: other low bits would be a second
        // spelling of the same id.
        for wrong in [
            format!("{text}="),
            text[..21].into(),
            format!("{text}A"),
            format!("{}B", &text[..21]),
            text.replace('-', "+"),
        ] {
            assert!(wrong.parse::<RoomId>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn nothing_that_could_break_a_subject_is_a_node_id() {
        for wrong in ["", "a.b", "a b", "*", ">", "a\r\nPUB", "ä", "\0", "gateway", &"x".repeat(65)] {
            assert_eq!(wrong.parse::<NodeId>(), Err(IdError("node id")), "{wrong}");
        }
        assert!("gateway-1_b".parse::<NodeId>().is_ok());
    }

    #[test]
    fn both_orders_of_a_match_give_one_room_and_opposite_sides() {
        for n in 0..32u8 {
            let (one, two) = (WantId::from_bytes([n; 16]), WantId::from_bytes([n ^ 0x5a; 16]));
            let ((room, side), (same, other)) = (RoomId::of_match(one, two), RoomId::of_match(two, one));
            assert_eq!((room, side), (same, other.other()));
        }
    }

    #[test]
    fn a_key_id_is_the_thumbprint_of_rfc_8037() {
        // RFC 8037, appendix A.3.
        let public = URL_SAFE_NO_PAD.decode("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo").unwrap();
        let id = KeyId::of_public(&public.try_into().unwrap());
        assert_eq!(id.text(), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
    }

    #[test]
    fn debug_shows_a_prefix_only() {
        let room = RoomId::from_bytes([1; 16]);
        let session = SessionId::from_random([1; 16]);
        assert!(!format!("{room:?}{session:?}").contains(&room.text()[5..]));
        assert!(!format!("{room:?}{session:?}").contains(&session.text()[5..]));
    }
}
