//! Control messages: the JSON text messages between a client and its gateway. Binary messages are
//! the peer's and pass unseen.

mod vocabulary;

use std::fmt;

use serde::{Deserialize, Serialize};

pub use self::vocabulary::{
    Category, ClientType, EndReason, ErrorCode, Expectation, PeerState, Remedy, ServerType, Strangers,
};
use crate::{
    RoomId, SessionId, Side,
    criteria::{ChannelVersion, Criteria, MatchBy, Role},
    outlook::Outlook,
};

/// What a client may ask. Its `Debug` shows neither a ticket nor whom it wants to meet.
#[derive(Clone, PartialEq)]
pub enum ClientMessage {
    /// Wait for a match.
    Find(Criteria),
    /// Stop waiting.
    Cancel,
    /// Back into my room after a lost connection; holds the room ticket.
    Resume(String),
    /// End the chat.
    Leave,
    /// End the chat, if there is one, and wait for another person.
    Next(Criteria),
    /// End the chat and never meet this person again.
    Report(Category),
    /// Answered with `pong`.
    Ping,
}

/// A control message that was refused; the connection stays.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}: {message}", code.word())]
pub struct ControlError {
    /// For programs.
    pub code: ErrorCode,
    /// For people; names the fault, and is never logged, for it may quote the client.
    pub message: String,
}

impl ControlError {
    /// An error with an explanation.
    pub fn new(code: ErrorCode, message: impl ToString) -> Self {
        Self { code, message: message.to_string() }
    }
}

#[derive(Deserialize)]
struct Typed {
    r#type: String,
}

#[derive(Deserialize)]
struct CriteriaFields {
    topic: Option<String>,
    lang: Option<String>,
    role: Option<Role>,
    invite: Option<String>,
    #[serde(default)]
    channel: ChannelVersion,
}

#[derive(Deserialize)]
struct ResumeFields {
    ticket: String,
}

#[derive(Deserialize)]
struct ReportFields {
    category: Category,
}

impl ClientMessage {
    /// Reads one text message.
    ///
    /// # Errors
    /// With the fault's code and a sentence that names it. Unknown fields are ignored.
    pub fn parse(text: &str) -> Result<Self, ControlError> {
        let Typed { r#type: word } = fields(text)?;
        let Some(kind) = ClientType::ALL.iter().find(|kind| kind.word() == word) else {
            let known: Vec<_> = ClientType::ALL.iter().map(|kind| kind.word()).collect();
            let fault = format!("type is one of {}", known.join(", "));
            return Err(ControlError::new(ErrorCode::UnknownType, fault));
        };
        match kind {
            ClientType::Find => criteria(text).map(Self::Find),
            ClientType::Cancel => Ok(Self::Cancel),
            ClientType::Resume => fields(text).map(|f: ResumeFields| Self::Resume(f.ticket)),
            ClientType::Leave => Ok(Self::Leave),
            ClientType::Next => criteria(text).map(Self::Next),
            ClientType::Report => fields(text).map(|f: ReportFields| Self::Report(f.category)),
            ClientType::Ping => Ok(Self::Ping),
        }
    }

    /// Its type.
    pub const fn kind(&self) -> ClientType {
        match self {
            Self::Find(_) => ClientType::Find,
            Self::Cancel => ClientType::Cancel,
            Self::Resume(_) => ClientType::Resume,
            Self::Leave => ClientType::Leave,
            Self::Next(_) => ClientType::Next,
            Self::Report(_) => ClientType::Report,
            Self::Ping => ClientType::Ping,
        }
    }
}

fn fields<'a, T: Deserialize<'a>>(text: &'a str) -> Result<T, ControlError> {
    serde_json::from_str(text).map_err(|fault| ControlError::new(ErrorCode::BadMessage, fault))
}

fn criteria(text: &str) -> Result<Criteria, ControlError> {
    let wanted: CriteriaFields = fields(text)?;
    let by = match (wanted.topic, wanted.invite) {
        (Some(_), Some(_)) => {
            return Err(ControlError::new(ErrorCode::BadMessage, "a topic and an invite exclude each other"));
        }
        (None, Some(code)) => {
            MatchBy::Invite(code.parse().map_err(|fault| ControlError::new(ErrorCode::BadInvite, fault))?)
        }
        (topic, None) => {
            let topic = topic.map(|topic| topic.parse()).transpose();
            MatchBy::Random(topic.map_err(|fault| ControlError::new(ErrorCode::BadTopic, fault))?)
        }
    };
    let language = wanted.lang.map(|lang| lang.parse()).transpose();
    let language = language.map_err(|fault| ControlError::new(ErrorCode::BadLanguage, fault))?;
    Ok(Criteria { by, role: wanted.role, language, channel: wanted.channel })
}

/// What a gateway says. Its `Debug` shows no token.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub enum ServerMessage {
    /// The first message on every connection.
    Ready {
        /// Who the client is.
        session: SessionId,
        /// A fresh session token.
        token: String,
        /// When that token ends, in seconds since the Unix epoch.
        expires_at: u64,
        /// In how many seconds: what a client goes by, whatever its own clock shows.
        expires_in: u64,
        /// What this gateway accepts.
        limits: Limits,
        /// How often the server pings, in milliseconds.
        heartbeat_ms: u64,
    },
    /// The want has been published. Said again when the outlook changes.
    Waiting(Outlook),
    /// Two people are in a room.
    Paired(Admission),
    /// Back in the room.
    Resumed(Admission),
    /// The other side lost or regained its connection.
    Peer {
        /// Which of the two.
        state: PeerState,
    },
    /// The room is over, for good.
    Ended {
        /// Why.
        reason: EndReason,
    },
    /// Renewed in time.
    Token {
        /// A fresh session token.
        token: String,
        /// A fresh ticket, in a room.
        #[serde(skip_serializing_if = "Option::is_none")]
        ticket: Option<String>,
        /// When they end, in seconds since the Unix epoch.
        expires_at: u64,
        /// In how many seconds.
        expires_in: u64,
    },
    /// This node goes away.
    Drain {
        /// Come back elsewhere after this time.
        reconnect_in_ms: u64,
        /// Where to go: one of the addresses of this service that the client knows. It ignores any
        /// other.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        to: Option<String>,
    },
    /// What the operator has ordered.
    Service(ServiceState),
    /// The answer to `ping`.
    Pong,
    /// A control message was refused.
    Error {
        /// For programs.
        code: ErrorCode,
        /// For people.
        message: String,
    },
}

/// The service as the operator wants it to be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceState {
    /// Whether people meet who do not know each other.
    pub strangers: Strangers,
    /// There are no new sessions, for this reason. It may be empty.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closed: Option<String>,
    /// What clients show. It is the operator's, not a stranger's; still, it is shown as text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notice: Option<String>,
}

/// As it is most of the time.
impl Default for ServiceState {
    fn default() -> Self {
        Self { strangers: Strangers::Meet, closed: None, notice: None }
    }
}

/// What a client is given when it is in a room. Its `Debug` shows no ticket.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct Admission {
    /// The room.
    pub room: RoomId,
    /// The client's side in it.
    pub side: Side,
    /// With it and a token of the same session the client resumes on any gateway.
    pub ticket: String,
    /// What the other side is to show first. Only in `paired`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expect: Option<Expectation>,
}

/// What a gateway accepts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Largest binary message, in bytes.
    pub frame_bytes: u64,
    /// Largest control message, in bytes.
    pub control_bytes: u64,
    /// Sustained WebSocket frames per second; 0 is no limit.
    pub frame_rate: u64,
    /// Sustained bytes per second; 0 is no limit.
    pub byte_rate: u64,
    /// Longest topic, in characters.
    pub topic_chars: u64,
    /// How long a side may stay away before its room ends, in milliseconds.
    pub grace_ms: u64,
}

impl fmt::Debug for ClientMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Find(_) => "Find(…)",
            Self::Cancel => "Cancel",
            Self::Resume(_) => "Resume(…)",
            Self::Leave => "Leave",
            Self::Next(_) => "Next(…)",
            Self::Report(_) => "Report(…)",
            Self::Ping => "Ping",
        })
    }
}

impl fmt::Debug for Admission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Admission({:?}, {:?})", self.room, self.side)
    }
}

impl fmt::Debug for ServerMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ready { session, .. } => write!(f, "Ready({session:?})"),
            Self::Waiting(_) => f.write_str("Waiting"),
            Self::Paired(place) => write!(f, "Paired({place:?})"),
            Self::Resumed(place) => write!(f, "Resumed({place:?})"),
            Self::Peer { state } => write!(f, "Peer({state:?})"),
            Self::Ended { reason } => write!(f, "Ended({reason:?})"),
            Self::Token { .. } => f.write_str("Token(…)"),
            Self::Drain { reconnect_in_ms, .. } => write!(f, "Drain({reconnect_in_ms} ms)"),
            Self::Service(state) => write!(f, "Service({})", state.strangers.word()),
            Self::Pong => f.write_str("Pong"),
            Self::Error { code, .. } => write!(f, "Error({})", code.word()),
        }
    }
}

impl ServerMessage {
    /// Its type.
    pub const fn kind(&self) -> ServerType {
        match self {
            Self::Ready { .. } => ServerType::Ready,
            Self::Waiting(_) => ServerType::Waiting,
            Self::Paired(_) => ServerType::Paired,
            Self::Resumed(_) => ServerType::Resumed,
            Self::Peer { .. } => ServerType::Peer,
            Self::Ended { .. } => ServerType::Ended,
            Self::Token { .. } => ServerType::Token,
            Self::Drain { .. } => ServerType::Drain,
            Self::Service(_) => ServerType::Service,
            Self::Pong => ServerType::Pong,
            Self::Error { .. } => ServerType::Error,
        }
    }

    /// The JSON text on the wire.
    pub fn json(&self) -> String {
        // Cannot fail: no map with keys other than strings, no fallible Serialize among the fields.
        serde_json::to_string(self).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests;
