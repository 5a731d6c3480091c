//! The words of control messages. These tables are the source: `asyncapi.yaml`, `docs/protocol.md`
//! and the page's lists are derived from them.

use crate::words::words;

words! {
    /// The types of message that a client may send.
    pub enum ClientType {
        /// Wait for a match.
        Find = "find",
        /// Stop waiting.
        Cancel = "cancel",
        /// Come back into a room after a lost connection.
        Resume = "resume",
        /// End the chat.
        Leave = "leave",
        /// End the chat, if there is one, and wait for another person.
        Next = "next",
        /// End the chat and never meet this person again.
        Report = "report",
        /// Answered with `pong`.
        Ping = "ping",
    }
}

words! {
    /// The types of message that a gateway may send.
    pub enum ServerType {
        /// The first message on every connection.
        Ready = "ready",
        /// The want has been published; said again when what may be expected has
        /// changed.
        Waiting = "waiting",
        /// Two people are in a room.
        Paired = "paired",
        /// Back in the room.
        Resumed = "resumed",
        /// The peer lost or regained its connection.
        Peer = "peer",
        /// The room is over, for good.
        Ended = "ended",
        /// A fresh token, and in a room a fresh ticket.
        Token = "token",
        /// This node goes away.
        Drain = "drain",
        /// What the operator has ordered for the service as a whole.
        Service = "service",
        /// The answer to `ping`.
        Pong = "pong",
        /// A control message was refused.
        Error = "error",
    }
}

words! {
    /// Whether people meet who do not know each other.
    pub enum Strangers {
        /// As usual.
        Meet = "meet",
        /// Nobody is matched for a while; who waits keeps the place.
        Paused = "paused",
        /// It is not offered: nobody waits for strangers.
        NotOffered = "not-offered",
    }
}

words! {
    /// Why a chat is reported. The report carries no content: it is counted, and the two never meet
    /// again.
    pub enum Category {
        /// Insults, threats, harassment.
        Abuse = "abuse",
        /// Advertising, bots.
        Spam = "spam",
        /// One of the two seems to be a child.
        Minor = "minor",
        /// Anything else.
        Other = "other",
    }
}

words! {
    /// Whether the other side has a connection.
    pub enum PeerState {
        /// It has.
        Online = "online",
        /// It has lost its connection and may come back.
        Away = "away",
    }
}

words! {
    /// What a client may expect of the other side of a chat that begins.
    pub enum Expectation {
        /// It said `offer`, and its session has a pass for that: its first message is a
        /// credential.
        Credential = "credential",
    }
}

words! {
    /// Why a room is over.
    pub enum EndReason {
        /// Somebody left, or deleted the session.
        Left = "left",
        /// Somebody stayed away too long, or a session came to its end.
        Expired = "expired",
        /// The client has reported the chat. The other side is told `left`.
        Reported = "reported",
        /// The only node goes away.
        Shutdown = "shutdown",
    }
}

words! {
    /// What went wrong with a control message.
    pub enum ErrorCode {
        /// Not JSON, not an object, or a field that is missing or of the wrong type.
        BadMessage = "bad-message",
        /// A `type` that does not exist.
        UnknownType = "unknown-type",
        /// A topic that is empty or too long.
        BadTopic = "bad-topic",
        /// A language that is not a BCP 47 tag.
        BadLanguage = "bad-language",
        /// An invite code of the wrong form.
        BadInvite = "bad-invite",
        /// This operator does not offer this topic.
        TopicNotOffered = "topic-not-offered",
        /// This operator does not offer this way to meet.
        MatchingNotOffered = "matching-not-offered",
        /// Who offers this to strangers needs a pass here, and this session has none for it.
        PassRequired = "pass-required",
        /// The two people of this invite code have met. Also sent while waiting; the client waits
        /// no longer then.
        InviteSpent = "invite-spent",
        /// Those with whom this client would be matched speak another version of the end-to-end
        /// channel. Sent after 10 s of waiting; the client waits no longer then.
        OtherVersion = "other-version",
        /// A ticket that is forged, expired, or somebody else's.
        BadTicket = "bad-ticket",
        /// Not while in a room: `find`, and `resume` of another room.
        InRoom = "in-room",
        /// Only in a room: `leave`, and `report` (or within 60 s of its end).
        NoRoom = "no-room",
        /// The bus is down or the node goes away.
        Unavailable = "unavailable",
        /// More than `--find-rate` of `find`, `next`, `resume`, `cancel`, `leave`, `report`; or too
        /// many wait at this address.
        Rate = "rate",
    }
}

/// What a client should do about a refused message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Remedy {
    /// Send it again after a pause.
    Repeat,
    /// Give it up: it will be refused again.
    GiveUp,
    /// It is about the room that the client is in, or is not in: what to do depends on what the
    /// client was doing.
    Room,
}

impl Remedy {
    /// The word in descriptions for machines.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Repeat => "repeat",
            Self::GiveUp => "give-up",
            Self::Room => "room",
        }
    }
}

impl ErrorCode {
    /// What a client should do about it.
    pub const fn remedy(self) -> Remedy {
        match self {
            Self::Unavailable | Self::Rate => Remedy::Repeat,
            Self::BadMessage
            | Self::UnknownType
            | Self::BadTopic
            | Self::BadLanguage
            | Self::BadInvite
            | Self::TopicNotOffered
            | Self::MatchingNotOffered
            | Self::PassRequired
            | Self::InviteSpent
            | Self::OtherVersion => Remedy::GiveUp,
            Self::BadTicket | Self::InRoom | Self::NoRoom => Remedy::Room,
        }
    }
}
