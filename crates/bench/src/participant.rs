//! One person of a pair, over either layer of the client library.

use std::time::Duration;

use client::{
    Chat, ChatCriteria, Closed, Connection, RestError, Server, Session, channel::SendError, chat,
    connection::Event, invite::Invite,
};
use schemas::{
    control::ErrorCode,
    criteria::{Criteria, MatchBy, Role},
};
use tokio::time::timeout;

use super::{ledger::Stamp, plan::Content};

/// How long leaving may take: the end-to-end channel takes at most 3 s for its last message.
pub(crate) const GOODBYE_TIMEOUT: Duration = Duration::from_secs(5);

/// A person who chats.
pub(crate) enum Participant {
    /// Sends plain frames.
    Opaque(Connection),
    /// Sends end-to-end encrypted texts.
    E2e(Box<Chat>),
}

/// The events that matter to a pair.
#[derive(Debug, PartialEq)]
pub(crate) enum ParticipantEvent {
    /// Connected to the server.
    Connected,
    /// Matched, and messages may be sent.
    Met,
    /// A message; `None` for one without a stamp.
    Message(Option<Stamp>),
    /// The own connection is lost.
    Lost,
    /// The chat is resumed after that.
    Resumed,
    /// The peer's connection is lost.
    Away,
    /// There is room again for messages that could not be sent.
    Room,
    /// The chat has ended.
    Over(String),
    /// A request was refused for good.
    Refused(String),
    /// A request was refused because of a rate; the library repeats it.
    Limited,
    /// The connection is closed for good.
    Closed(String),
    /// Anything else.
    Other,
}

/// What became of a message that was to be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SendOutcome {
    /// It was sent.
    Sent,
    /// There is no room for it now.
    Full,
    /// The chat has ended.
    Over,
}

impl Participant {
    /// Opens a session and begins to connect.
    ///
    /// # Errors
    /// If the server opens no session.
    pub(crate) async fn arrive(server: &Server, content: Content) -> Result<Self, RestError> {
        let connection = Session::open(server).await?.connect();
        Ok(match content {
            Content::Opaque => Self::Opaque(connection),
            Content::E2e => Self::E2e(Box::new(Chat::new(connection))),
        })
    }

    /// Asks to be matched by an invite, and first ends any chat.
    pub(crate) async fn find(&mut self, invite: &Invite, role: Role) {
        match self {
            Self::Opaque(connection) => {
                // This always parses.
                let Ok(code) = invite.code().parse() else { return };
                let find = Criteria {
                    by: MatchBy::Invite(code),
                    role: Some(role),
                    language: None,
                    channel: schemas::criteria::ChannelVersion::CURRENT,
                };
                // A closed connection is reported by an event.
                _ = connection.next(find).await;
            }
            Self::E2e(chat) => chat.find(match role {
                Role::Offer => ChatCriteria::create_invite(invite.clone()),
                Role::Seek => ChatCriteria::accept_invite(invite.clone()),
            }),
        }
    }

    /// The next event. Safe to cancel.
    pub(crate) async fn next_event(&mut self) -> ParticipantEvent {
        match self {
            Self::Opaque(connection) => connection.next_event().await.map_or_else(closed, of_connection),
            Self::E2e(chat) => chat.next_event().await.map_or_else(closed, of_chat),
        }
    }

    /// Sends a message.
    pub(crate) async fn send(&mut self, stamp: Stamp, size: usize) -> SendOutcome {
        let text = stamp.write(size);
        match self {
            Self::Opaque(connection) => match connection.send_frame(text.into()).await {
                Ok(()) => SendOutcome::Sent,
                Err(_) => SendOutcome::Over,
            },
            Self::E2e(chat) => match chat.send(&text) {
                Ok(_) => SendOutcome::Sent,
                Err(SendError::Full | SendError::NotSecured) => SendOutcome::Full,
                Err(
                    SendError::Over
                    | SendError::TooLong
                    | SendError::Empty
                    | SendError::NoSuchMessage
                    | SendError::NoHelper,
                ) => SendOutcome::Over,
            },
        }
    }

    /// Breaks the connection, as a network may at any time.
    pub(crate) async fn cut(&mut self) {
        match self {
            Self::Opaque(connection) => connection.reconnect().await,
            Self::E2e(chat) => chat.reconnect(),
        }
    }

    /// Leaves the chat and closes the connection.
    pub(crate) async fn part(self) {
        let goodbye = async {
            match self {
                // The session expires by itself: without a connection it costs the server nothing.
                Self::Opaque(mut connection) => {
                    _ = connection.leave().await;
                    connection.close().await;
                    while connection.next_event().await.is_some() {}
                }
                Self::E2e(chat) => chat.close().await,
            }
        };
        // A server that does not answer in time is not waited for.
        _ = timeout(GOODBYE_TIMEOUT, goodbye).await;
    }
}

fn closed() -> ParticipantEvent {
    ParticipantEvent::Closed(Closed::Asked.to_string())
}

fn refused(code: ErrorCode) -> ParticipantEvent {
    match code {
        ErrorCode::Rate => ParticipantEvent::Limited,
        ErrorCode::Unavailable => ParticipantEvent::Other,
        code => ParticipantEvent::Refused(format!("the server refused a request: {}", code.word())),
    }
}

fn of_connection(event: Event) -> ParticipantEvent {
    match event {
        Event::Connected => ParticipantEvent::Connected,
        Event::Paired { .. } => ParticipantEvent::Met,
        Event::Frame(bytes) => ParticipantEvent::Message(Stamp::read(&bytes)),
        Event::Disconnected { .. } => ParticipantEvent::Lost,
        Event::Resumed => ParticipantEvent::Resumed,
        Event::PeerAway { .. } => ParticipantEvent::Away,
        Event::Ended { reason } => ParticipantEvent::Over(format!("the chat ended: {}", reason.word())),
        Event::Error { code, .. } => refused(code),
        Event::Closed { reason } => ParticipantEvent::Closed(reason.to_string()),
        Event::Waiting(_) | Event::PeerOnline | Event::Reported { .. } | Event::Service(_) => {
            ParticipantEvent::Other
        }
    }
}

fn of_chat(event: chat::Event) -> ParticipantEvent {
    match event {
        chat::Event::Connected => ParticipantEvent::Connected,
        chat::Event::Secured { .. } => ParticipantEvent::Met,
        chat::Event::Message { text, .. } => ParticipantEvent::Message(Stamp::read(text.as_bytes())),
        chat::Event::Disconnected { .. } => ParticipantEvent::Lost,
        chat::Event::Resumed => ParticipantEvent::Resumed,
        chat::Event::PeerAway { .. } => ParticipantEvent::Away,
        chat::Event::WindowOpen => ParticipantEvent::Room,
        chat::Event::Ended { end } => ParticipantEvent::Over(format!("the chat ended: {end}")),
        chat::Event::Error { code, .. } => refused(code),
        chat::Event::Closed { reason } => ParticipantEvent::Closed(reason.to_string()),
        chat::Event::AllReceived
        | chat::Event::Reported { .. }
        | chat::Event::Waiting(_)
        | chat::Event::Met
        | chat::Event::Delivered { .. }
        | chat::Event::NotDelivered { .. }
        | chat::Event::PeerTyping(_)
        | chat::Event::Reaction { .. }
        | chat::Event::Edited { .. }
        | chat::Event::Deleted { .. }
        | chat::Event::Timer { .. }
        | chat::Event::Helper { .. }
        | chat::Event::Handover
        | chat::Event::Unknown { .. }
        | chat::Event::PeerOnline
        | chat::Event::Service(_) => ParticipantEvent::Other,
    }
}
