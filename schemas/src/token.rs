//! The claims of the two JSON Web Tokens (RFC 7519). Of a session without a connection nothing else
//! remains, and only its owner has them. Times are in whole seconds since the Unix epoch, as in
//! RFC 7519.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};

use crate::{
    RoomId, SessionId, Side, Stamp, Tag, UnixMillis,
    codec::sha256,
    criteria::{Criteria, MatchBy, Role, Topic},
    limits,
};

/// `aud` of a session token.
pub const SESSION_AUDIENCE: &str = "cipher-chat";
/// `aud` of a room ticket.
pub const ROOM_AUDIENCE: &str = "cipher-chat-room";

/// `aud` of a puzzle of admission by work.
pub const PUZZLE_AUDIENCE: &str = "cipher-chat-admission";

/// A session token: authenticates a session to every gateway.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TokenClaims {
    /// The session.
    pub sub: SessionId,
    /// [`SESSION_AUDIENCE`].
    pub aud: String,
    /// Issued at.
    pub iat: u64,
    /// Expires at; never past `start` + [`limits::SESSION_LIFE`].
    pub exp: u64,
    /// A random id of this token (UUID).
    pub jti: String,
    /// When the session began.
    pub start: u64,
    /// The attachment for which it was issued; [`Stamp::NONE`] before the first.
    pub stamp: Stamp,
    /// What the pass allows with which the session was opened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pass: Option<PassGrant>,
    /// The rooms whose people it is not to meet again.
    #[serde(flatten)]
    pub history: RoomHistory,
}

/// What a session token keeps of a helper's pass. A session lasts no longer than its pass.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PassGrant {
    /// The id of the pass, by which it is revoked: 22 characters of base64url.
    pub jti: String,
    /// The part that the helper may take.
    pub role: Role,
    /// For which topics, as [`PassGrant::tag`] tells; without it for all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub topics: Option<Vec<String>>,
    /// When the pass ends.
    pub exp: u64,
}

impl PassGrant {
    /// A topic in 22 characters, so that the longest topics fit into a token: 128 bits of the
    /// SHA-256 of how it is compared.
    pub fn tag(topic: &Topic) -> String {
        URL_SAFE_NO_PAD.encode(&sha256(&[b"topic of a pass\0", topic.folded().as_bytes()])[..16])
    }

    /// Whether it allows what is looked for. An invite is for somebody in particular, whatever the
    /// topics.
    pub fn covers(&self, find: &Criteria) -> bool {
        find.role.is_some_and(|role| match &find.by {
            MatchBy::Random(topic) => self.allows(role, topic.as_ref()),
            MatchBy::Invite(_) => self.role == role,
        })
    }

    /// Whether it allows that part in chats about this topic, or about none.
    pub fn allows(&self, role: Role, topic: Option<&Topic>) -> bool {
        let is_named = |topics: &Vec<String>| topic.is_some_and(|topic| topics.contains(&Self::tag(topic)));
        self.role == role && self.topics.as_ref().is_none_or(is_named)
    }
}

/// A room ticket: together with a token of the same session it allows to resume a room, on any
/// gateway.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TicketClaims {
    /// The session.
    pub sub: SessionId,
    /// [`ROOM_AUDIENCE`].
    pub aud: String,
    /// Issued at.
    pub iat: u64,
    /// Expires at.
    pub exp: u64,
    /// The room.
    pub room: RoomId,
    /// The session's side in it.
    pub side: Side,
    /// The attachment for which it was issued.
    pub stamp: Stamp,
}

/// What a gateway signs of a puzzle, so that any gateway can tell its solution.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PuzzleClaims {
    /// The puzzle: an id as of a session that never lives. Its proof is spent by revoking it, so
    /// that all that holds of revocations holds of spent proofs.
    pub sub: SessionId,
    /// [`PUZZLE_AUDIENCE`].
    pub aud: String,
    /// Issued at.
    pub iat: u64,
    /// Expires at.
    pub exp: u64,
    /// SHA-256 of the key that the solution derives, in base64url without padding.
    pub key: String,
}

/// The rooms that a session remembers, so that it is not matched with the same person at once, or
/// after its report never again. Its owner can read this: it does not tell who was reported.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoomHistory {
    /// The last rooms, each with the time (in seconds) at which it is forgotten; the oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub met: Vec<(Tag, u64)>,
    /// Rooms in which it has reported the other side, for the session's life; the oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reported: Vec<Tag>,
    /// How many silent chats it still pays for.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub silent: u8,
}

impl RoomHistory {
    /// Remembers a chat that has just ended.
    pub fn met(&mut self, room: RoomId, now: UnixMillis) {
        self.met.retain(|(tag, until)| *tag != room.tag() && *until > now.as_secs());
        push_bounded(&mut self.met, (room.tag(), (now + limits::MET_LIFE).as_secs()), limits::MET_TAGS);
    }

    /// Remembers a chat in which it has reported the other side.
    pub fn reported(&mut self, room: RoomId) {
        self.reported.retain(|tag| *tag != room.tag());
        push_bounded(&mut self.reported, room.tag(), limits::REPORTED_TAGS);
    }

    /// Adds the rooms that are remembered elsewhere: an older token gains nothing. Of silent chats,
    /// which may become fewer, only the caller knows which number is the newer one.
    pub fn unite(&mut self, newer: &Self) {
        for (tag, until) in &newer.met {
            match self.met.iter_mut().find(|(known, _)| known == tag) {
                Some((_, known)) => *known = (*known).max(*until),
                None => self.met.push((*tag, *until)),
            }
        }
        self.met.sort_by_key(|(_, until)| *until);
        self.met.drain(..self.met.len().saturating_sub(limits::MET_TAGS));
        self.reported.retain(|tag| !newer.reported.contains(tag));
        self.reported.extend(&newer.reported);
        self.reported.drain(..self.reported.len().saturating_sub(limits::REPORTED_TAGS));
    }

    /// The tags that keep two wants apart now.
    pub fn live_tags(&self, now: UnixMillis) -> Vec<Tag> {
        let met = self.met.iter().filter(|(_, until)| *until > now.as_secs()).map(|(tag, _)| *tag);
        met.chain(self.reported.iter().copied()).collect()
    }
}

fn is_zero(number: &u8) -> bool {
    *number == 0
}

fn push_bounded<T>(list: &mut Vec<T>, item: T, most: usize) {
    if list.len() >= most {
        list.drain(..=list.len() - most);
    }
    list.push(item);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::criteria::ChannelVersion;

    fn room(n: u8) -> RoomId {
        RoomId::from_bytes([n; 16])
    }

    #[test]
    fn the_last_eight_rooms_are_remembered_for_five_minutes() {
        let mut history = RoomHistory::default();
        let now = UnixMillis::from_secs(1000);
        (0..10).for_each(|n| history.met(room(n), now));
        assert_eq!(history.live_tags(now), (2..10).map(|n| room(n).tag()).collect::<Vec<_>>());
        let later = now + limits::MET_LIFE;
        assert!(history.live_tags(later).is_empty());
        history.met(room(3), later);
        assert_eq!(history.met.len(), 1, "what is past is forgotten");
    }

    #[test]
    fn a_report_is_remembered_for_good() {
        let mut history = RoomHistory::default();
        (0..20).for_each(|n| history.reported(room(n)));
        assert_eq!(
            history.live_tags(UnixMillis(u64::MAX)),
            (4..20).map(|n| room(n).tag()).collect::<Vec<_>>()
        );
    }

    #[test]
    fn two_histories_of_a_session_are_united() {
        let (mut older, now) = (RoomHistory::default(), UnixMillis::from_secs(1000));
        older.met(room(1), now);
        older.reported(room(1));
        let mut newer = older.clone();
        (2..9).for_each(|n| newer.met(room(n), now + std::time::Duration::from_secs(n.into())));
        (2..18).for_each(|n| newer.reported(room(n)));
        let mut united = older.clone();
        united.unite(&newer);
        assert_eq!(united, newer);
        let mut once_more = newer.clone();
        once_more.unite(&older);
        assert_eq!(once_more.met, newer.met);
        assert_eq!(once_more.reported.len(), limits::REPORTED_TAGS);
        assert!(once_more.reported.contains(&room(1).tag()) && once_more.reported.contains(&room(17).tag()));
    }

    #[test]
    fn a_grant_allows_its_role_and_its_topics_alone() {
        let topic = |text: &str| text.parse::<Topic>().unwrap();
        let topics = Some(vec![PassGrant::tag(&topic("grief"))]);
        let one = PassGrant { jti: String::new(), role: Role::Offer, topics, exp: 0 };
        let all = PassGrant { topics: None, ..one.clone() };
        assert!(all.allows(Role::Offer, None) && all.allows(Role::Offer, Some(&topic("debt"))));
        assert!(one.allows(Role::Offer, Some(&topic("Grief"))));
        assert!(!one.allows(Role::Offer, Some(&topic("debt"))) && !one.allows(Role::Offer, None));
        assert!(!all.allows(Role::Seek, None));
        let find = |role, by| Criteria { by, role, language: None, channel: ChannelVersion::CURRENT };
        let invite = || MatchBy::Invite("AAAAAAAAAAAAAAAAAAAAAA".parse().unwrap());
        let by_topic = |text| MatchBy::Random(Some(topic(text)));
        for (role, by, covered) in [
            (Some(Role::Offer), by_topic("grief"), true),
            (Some(Role::Offer), by_topic("debt"), false),
            (Some(Role::Offer), MatchBy::Random(None), false),
            (Some(Role::Offer), invite(), true),
            (Some(Role::Seek), invite(), false),
            (None, by_topic("grief"), false),
        ] {
            assert_eq!(one.covers(&find(role, by.clone())), covered, "{role:?} {by:?}");
        }
    }

    #[test]
    fn a_history_survives_json_and_an_empty_one_takes_no_room() {
        let mut history = RoomHistory::default();
        assert_eq!(serde_json::to_string(&history).unwrap(), "{}");
        history.met(room(1), UnixMillis(0));
        history.reported(room(2));
        let json = serde_json::to_string(&history).unwrap();
        assert_eq!(serde_json::from_str::<RoomHistory>(&json).unwrap(), history);
    }
}
