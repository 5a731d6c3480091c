//! One person of a pair, over either layer of the client library.

use std::time::Duration;

use client::{
    Chat, ChatCriteria, Closed, Connection, RestError, Server, Session, channel::SendError, chat,
    connection::Event, invite::Invite,
};
use schemas::{
    control::{ErrorCode, Find, FindBy},
    criteria::Role,
};
use tokio::time::timeout;

use super::{ledger::Stamp, plan::Content};

/// How long a goodbye may take: the end-to-end channel takes 3 s for one at most.
pub(crate) const GOODBYE_PATIENCE: Duration = Duration::from_secs(5);

/// Somebody who chats.
pub(crate) enum Member {
    /// Frames as they are.
    Opaque(Connection),
    /// Texts, end-to-end encrypted.
    E2e(Box<Chat>),
}

/// What somebody hears that matters to a pair.
#[derive(Debug, PartialEq)]
pub(crate) enum Heard {
    /// The server is reached.
    Connected,
    /// The other is there, and messages may be sent.
    Met,
    /// A message; `None` for one without a stamp.
    Message(Option<Stamp>),
    /// The own connection is lost.
    Lost,
    /// The chat goes on after that.
    Resumed,
    /// The other's connection is lost.
    Away,
    /// What could not be sent for want of room can be sent now.
    Room,
    /// The chat is over.
    Over(String),
    /// A request was refused, for good.
    Refused(String),
    /// A request was refused; it is said again by itself.
    Limited,
    /// The end.
    Closed(String),
    /// Anything else.
    Other,
}

/// What became of a message that was to be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Said {
    /// It is on its way.
    Sent,
    /// There is no room for it now.
    Full,
    /// The chat is over.
    Over,
}

impl Member {
    /// Opens a session and begins to connect it.
    ///
    /// # Errors
    /// If there is no session to be had.
    pub(crate) async fn arrive(server: &Server, content: Content) -> Result<Self, RestError> {
        let connection = Session::open(server).await?.connect();
        Ok(match content {
            Content::Opaque => Self::Opaque(connection),
            Content::E2e => Self::E2e(Box::new(Chat::new(connection))),
        })
    }

    /// Looks for whoever has the same invite, after the end of any chat before.
    pub(crate) async fn find(&mut self, invite: &Invite, role: Role) {
        match self {
            Self::Opaque(connection) => {
                // An invite's code is an invite code.
                let Ok(code) = invite.code().parse() else { return };
                let find = Find { by: FindBy::Invite(code), role: Some(role), language: None };
                // A closed connection tells so by its event.
                _ = connection.next(find).await;
            }
            Self::E2e(chat) => chat.find(match role {
                Role::Offer => ChatCriteria::create_invite(invite.clone()),
                Role::Seek => ChatCriteria::accept_invite(invite.clone()),
            }),
        }
    }

    /// What comes next. Nothing is lost if the future is dropped.
    pub(crate) async fn hear(&mut self) -> Heard {
        match self {
            Self::Opaque(connection) => connection.next_event().await.map_or_else(closed, of_connection),
            Self::E2e(chat) => chat.next_event().await.map_or_else(closed, of_chat),
        }
    }

    /// Sends a message.
    pub(crate) async fn say(&mut self, stamp: Stamp, size: usize) -> Said {
        let text = stamp.write(size);
        match self {
            Self::Opaque(connection) => match connection.send_frame(text.into()).await {
                Ok(()) => Said::Sent,
                Err(_) => Said::Over,
            },
            Self::E2e(chat) => match chat.send(&text) {
                Ok(_) => Said::Sent,
                Err(SendError::Full | SendError::NotSecured) => Said::Full,
                Err(SendError::Over | SendError::TooLong | SendError::Empty) => Said::Over,
            },
        }
    }

    /// Loses the connection, as a network may at any time.
    pub(crate) async fn cut(&mut self) {
        match self {
            Self::Opaque(connection) => connection.reconnect().await,
            Self::E2e(chat) => chat.reconnect(),
        }
    }

    /// Says goodbye, leaves, and closes the connection.
    pub(crate) async fn part(self) {
        let goodbye = async {
            match self {
                // Its session is left to expire: without a connection it costs the server nothing.
                Self::Opaque(mut connection) => {
                    _ = connection.leave().await;
                    connection.close().await;
                    while connection.next_event().await.is_some() {}
                }
                Self::E2e(chat) => chat.close().await,
            }
        };
        // Whoever does not answer is left without a word.
        _ = timeout(GOODBYE_PATIENCE, goodbye).await;
    }
}

fn closed() -> Heard {
    Heard::Closed(Closed::Asked.to_string())
}

fn refused(code: ErrorCode) -> Heard {
    match code {
        ErrorCode::Rate => Heard::Limited,
        ErrorCode::Unavailable => Heard::Other,
        code => Heard::Refused(format!("the server refused a request: {}", code.word())),
    }
}

fn of_connection(event: Event) -> Heard {
    match event {
        Event::Connected => Heard::Connected,
        Event::Paired { .. } => Heard::Met,
        Event::Frame(bytes) => Heard::Message(Stamp::read(&bytes)),
        Event::Disconnected { .. } => Heard::Lost,
        Event::Resumed => Heard::Resumed,
        Event::PeerAway => Heard::Away,
        Event::Ended { reason } => Heard::Over(format!("the chat ended: {}", reason.word())),
        Event::Error { code, .. } => refused(code),
        Event::Closed { reason } => Heard::Closed(reason.to_string()),
        Event::Waiting | Event::PeerOnline => Heard::Other,
    }
}

fn of_chat(event: chat::Event) -> Heard {
    match event {
        chat::Event::Connected => Heard::Connected,
        chat::Event::Secured { .. } => Heard::Met,
        chat::Event::Message { text, .. } => Heard::Message(Stamp::read(text.as_bytes())),
        chat::Event::Disconnected { .. } => Heard::Lost,
        chat::Event::Resumed => Heard::Resumed,
        chat::Event::PeerAway => Heard::Away,
        chat::Event::WindowOpen => Heard::Room,
        chat::Event::Ended { end } => Heard::Over(format!("the chat ended: {end}")),
        chat::Event::Error { code, .. } => refused(code),
        chat::Event::Closed { reason } => Heard::Closed(reason.to_string()),
        chat::Event::Waiting
        | chat::Event::Met
        | chat::Event::Delivered { .. }
        | chat::Event::NotDelivered { .. }
        | chat::Event::PeerTyping(_)
        | chat::Event::PeerOnline => Heard::Other,
    }
}
