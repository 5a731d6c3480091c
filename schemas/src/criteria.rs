//! By what two people are matched: a topic or an invite code, a role, a language.

mod aliases;
mod fold;

use std::{fmt, num::NonZeroU8, str::FromStr};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};

use self::{
    aliases::canonical,
    fold::{fold, without_unseen},
};
use crate::{Tag, channel, codec::sha256, limits};

/// Whom a client wants to meet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Criteria {
    /// A topic (or none), or an invite code.
    pub by: MatchBy,
    /// The part that the client takes.
    pub role: Option<Role>,
    /// The language it speaks.
    pub language: Option<Language>,
    /// The version of the end-to-end channel that it speaks.
    pub channel: ChannelVersion,
}

/// A version of the end-to-end channel. Clients of different versions never meet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ChannelVersion(NonZeroU8);

impl ChannelVersion {
    /// What a client that names none speaks.
    pub const FIRST: Self = Self(NonZeroU8::MIN);
    /// What the clients of this source speak.
    pub const CURRENT: Self = match NonZeroU8::new(channel::VERSION as u8) {
        Some(version) => Self(version),
        None => panic!("versions begin with 1"),
    };

    /// Whether it is the one that need not be named.
    pub fn is_first(&self) -> bool {
        *self == Self::FIRST
    }

    /// The number.
    pub const fn get(self) -> u8 {
        self.0.get()
    }
}

impl Default for ChannelVersion {
    fn default() -> Self {
        Self::FIRST
    }
}

/// The two ways to meet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MatchBy {
    /// Anybody with the same topic, or likewise with none.
    Random(Option<Topic>),
    /// Whoever brings the same code.
    Invite(InviteCode),
}

impl Criteria {
    /// The queue in which this client waits.
    pub fn queue(&self) -> Queue {
        match &self.by {
            MatchBy::Random(topic) => Queue::of_topic(topic.as_ref()),
            MatchBy::Invite(code) => Queue::of_invite(code),
        }
    }
}

/// A topic as people compare it: NFKC, case-folded, without what cannot be seen. Shown to nobody
/// and never logged.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Topic(String);

/// Why a text is not a topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TopicError {
    /// Nothing that can be seen.
    #[error("a topic is not empty")]
    Empty,
    /// More than [`limits::TOPIC_CHARS`].
    #[error("a topic has at most {} characters", limits::TOPIC_CHARS)]
    TooLong,
}

impl Topic {
    /// The form in which topics are compared.
    pub fn folded(&self) -> &str {
        &self.0
    }
}

impl FromStr for Topic {
    type Err = TopicError;

    fn from_str(text: &str) -> Result<Self, TopicError> {
        // What cannot be seen does not count.
        if without_unseen(text).chars().count() > limits::TOPIC_CHARS {
            return Err(TopicError::TooLong);
        }
        let folded = fold(text);
        if folded.is_empty() { Err(TopicError::Empty) } else { Ok(Self(folded)) }
    }
}

impl fmt::Debug for Topic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Topic(…)")
    }
}

/// What two people who want to meet each other both send: 128 bits as 22 characters of base64url.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct InviteCode([u8; 16]);

/// A text that is not an invite code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an invite code is 22 characters of base64url (128 bits)")]
pub struct InviteError;

impl FromStr for InviteCode {
    type Err = InviteError;

    fn from_str(text: &str) -> Result<Self, InviteError> {
        let mut bytes = [0; 16];
        match URL_SAFE_NO_PAD.decode_slice(text, &mut bytes) {
            Ok(16) => Ok(Self(bytes)),
            _ => Err(InviteError),
        }
    }
}

impl InviteCode {
    /// The unpadded base64url text form, 22 characters.
    pub fn text(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.0)
    }
}

impl fmt::Debug for InviteCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("InviteCode(…)")
    }
}

/// The primary language of a BCP 47 tag, in lower case, in the code that CLDR prefers: `iw` and
/// `he` are one. Only the language keeps two people apart, not the region or script.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Language(Box<str>);

/// A text that is not a BCP 47 language tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a language is a BCP 47 tag of at most {} characters, such as \"ko\" or \"pt-BR\"",
    limits::LANGUAGE_CHARS
)]
pub struct LanguageError;

impl FromStr for Language {
    type Err = LanguageError;

    fn from_str(text: &str) -> Result<Self, LanguageError> {
        if text.len() > limits::LANGUAGE_CHARS {
            return Err(LanguageError);
        }
        let mut subtags = text.split('-');
        let primary = subtags.next().unwrap_or_default();
        let primary_form =
            (2..=8).contains(&primary.len()) && primary.bytes().all(|b| b.is_ascii_alphabetic());
        let subtag_form =
            |s: &str| (1..=8).contains(&s.len()) && s.bytes().all(|b| b.is_ascii_alphanumeric());
        if primary_form && subtags.all(subtag_form) {
            Ok(Self(canonical(&primary.to_ascii_lowercase()).into()))
        } else {
            Err(LanguageError)
        }
    }
}

impl TryFrom<String> for Language {
    type Error = LanguageError;

    fn try_from(text: String) -> Result<Self, LanguageError> {
        text.parse()
    }
}

impl From<Language> for String {
    fn from(language: Language) -> Self {
        language.0.into()
    }
}

impl fmt::Debug for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Language({})", self.0)
    }
}

/// A person's role in a chat that has two: `seek` is matched only with `offer`, and no role only
/// with no role.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Wants help or an answer; or has opened an invite link.
    Seek,
    /// Gives it; or has made the invite link.
    Offer,
}

impl Role {
    /// The role with which this one is matched.
    pub fn counterpart(self) -> Self {
        match self {
            Self::Seek => Self::Offer,
            Self::Offer => Self::Seek,
        }
    }
}

/// Where a want is queued. Topics and codes are sent as hashes. That keeps them out of events and
/// logs, but a topic can still be guessed.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Queue {
    /// People who named no topic.
    Anyone,
    /// People who named the same topic: the first half of its SHA-256.
    Topic(#[serde(with = "serde_bytes")] [u8; 16]),
    /// People with the same invite code: the first half of its SHA-256.
    Invite(#[serde(with = "serde_bytes")] [u8; 16]),
}

impl Queue {
    /// The queue of a topic, or of none.
    pub fn of_topic(topic: Option<&Topic>) -> Self {
        topic.map_or(Self::Anyone, |topic| Self::Topic(half(&[b"topic\0", topic.0.as_bytes()])))
    }

    /// The queue of an invite code.
    pub fn of_invite(code: &InviteCode) -> Self {
        Self::Invite(half(&[b"invite\0", &code.0]))
    }

    /// The tag of a queue in which two people can meet only once; `None` for any other queue.
    pub fn invite_tag(self) -> Option<Tag> {
        match self {
            Self::Invite([tag @ .., _, _, _, _, _, _, _, _]) => Some(Tag::from_bytes(tag)),
            Self::Anyone | Self::Topic(_) => None,
        }
    }
}

impl fmt::Debug for Queue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Anyone => "Anyone",
            Self::Topic(_) => "Topic(…)",
            Self::Invite(_) => "Invite(…)",
        })
    }
}

fn half(parts: &[&[u8]]) -> [u8; 16] {
    let mut half = [0; 16];
    half.copy_from_slice(&sha256(parts)[..16]);
    half
}

#[cfg(test)]
mod tests {
    use super::*;

    fn topic(text: &str) -> String {
        text.parse::<Topic>().unwrap().folded().to_owned()
    }

    #[test]
    fn topics_compare_as_a_person_would() {
        for (one, two) in [
            ("Music", "  mUSIC\t"),
            ("Straße", "STRASSE"),
            ("ﬁnance", "FINANCE"),
            ("Ａｒｔ", "art"),
            ("한국", "\u{1112}\u{1161}\u{11ab}\u{1100}\u{116e}\u{11a8}"),
            ("e\u{301}t\u{e9}", "\u{c9}T\u{c9}"),
        ] {
            assert_eq!(topic(one), topic(two), "{one} {two}");
        }
        assert_ne!(topic("art"), topic("arts"));
    }

    /// The cases of `schemas/vectors/criteria.json`.
    fn vectors() -> serde_json::Value {
        serde_json::from_str(include_str!("../vectors/criteria.json")).unwrap()
    }

    fn words(list: &serde_json::Value) -> Vec<&str> {
        list.as_array().unwrap().iter().map(|word| word.as_str().unwrap()).collect()
    }

    #[test]
    fn topics_that_look_alike_meet_and_others_do_not() {
        let vectors = vectors();
        let groups = vectors["topics"].as_array().unwrap();
        let folded: Vec<_> = groups
            .iter()
            .map(|group| {
                let all: Vec<_> = words(group).into_iter().map(topic).collect();
                assert!(all.iter().all(|one| *one == all[0]), "{group}: {all:?}");
                all[0].clone()
            })
            .collect();
        for (at, one) in folded.iter().enumerate() {
            assert!(folded[at + 1..].iter().all(|other| other != one), "{one:?} is in two groups");
        }
        for wrong in words(&vectors["refused_topics"]) {
            assert!(wrong.parse::<Topic>().is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn codes_of_one_language_meet_and_others_do_not() {
        let vectors = vectors();
        let groups = vectors["languages"].as_array().unwrap();
        let read = |tag: &str| tag.parse::<Language>().unwrap();
        let all: Vec<_> = groups.iter().map(words).collect();
        for group in &all {
            assert!(group.iter().all(|tag| read(tag) == read(group[0])), "{group:?}");
        }
        let firsts: std::collections::BTreeSet<_> = all.iter().map(|group| read(group[0])).collect();
        assert_eq!(firsts.len(), all.len());
    }

    #[test]
    fn a_topic_has_one_to_64_characters() {
        assert_eq!("  ".parse::<Topic>(), Err(TopicError::Empty));
        assert!(format!(" {} ", "가".repeat(64)).parse::<Topic>().is_ok());
        assert_eq!("가".repeat(65).parse::<Topic>(), Err(TopicError::TooLong));
    }

    #[test]
    fn a_code_is_128_bits_spelled_in_one_way() {
        assert!("000000000000000000042A".parse::<InviteCode>().is_ok());
        for wrong in [
            "",
            "A",
            "000000000000000000042B",
            "000000000000000000042A=",
            "00000000000000000004+A",
            &"A".repeat(23),
        ] {
            assert_eq!(wrong.parse::<InviteCode>(), Err(InviteError), "{wrong}");
        }
    }

    #[test]
    fn only_the_primary_language_counts() {
        assert_eq!("pt-BR".parse::<Language>(), "PT".parse());
        assert_ne!("pt".parse::<Language>(), "ko".parse());
        for wrong in
            ["", "k", "ko_KR", "ko-", "ko.KR", "k1", "abcdefghi", &format!("ko{}", "-abcd".repeat(7))]
        {
            assert_eq!(wrong.parse::<Language>(), Err(LanguageError), "{wrong}");
        }
    }

    #[test]
    fn a_topic_and_a_code_never_share_a_queue() {
        let code: InviteCode = "AAAAAAAAAAAAAAAAAAAAAA".parse().unwrap();
        let topic: Topic = "AAAAAAAAAAAAAAAAAAAAAA".parse().unwrap();
        assert_ne!(Queue::of_invite(&code), Queue::of_topic(Some(&topic)));
        assert_eq!(Queue::of_topic(None), Queue::Anyone);
    }
}
