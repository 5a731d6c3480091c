//! What goes into a [`ConnectionMachine`](super::ConnectionMachine) and what comes out of it. None
//! of it shows a token, a ticket or a frame in `Debug`.

use std::{fmt, time::Duration};

use bytes::Bytes;
use schemas::{
    RoomId, Side,
    control::{Category, ClientMessage, EndReason, ErrorCode, ServerMessage, ServiceState},
    criteria::{Criteria, MatchBy, Role},
    outlook::Outlook,
};

use crate::secret::Secret;

/// Something that happened outside.
#[derive(Clone, PartialEq)]
pub(crate) enum Input {
    /// A command of the owner.
    Command(Command),
    /// The WebSocket is open.
    Opened,
    /// The WebSocket could not be opened.
    Refused(Refusal),
    /// Something arrived that only shows that the connection works, such as a ping.
    Activity,
    /// A control message arrived.
    Control(ServerMessage),
    /// The peer's bytes arrived.
    Binary(Bytes),
    /// The WebSocket is gone, with the code of the server's close frame if there was one.
    Lost(Option<u16>),
    /// One of these happened on the second socket, which is to replace a silent one.
    Spare(Box<Input>),
    /// The deadline has passed.
    Tick,
}

/// What the owner may ask for.
#[derive(Clone, PartialEq)]
pub(crate) enum Command {
    /// Wait for a match.
    Find(Criteria),
    /// End the chat, if there is one, and wait for a match.
    Next(Criteria),
    /// Stop waiting.
    Cancel,
    /// End the chat.
    Leave,
    /// End the chat with a report, or report the one that has just ended. [`Event::Reported`]
    /// follows.
    Report(Category),
    /// Bytes for the peer; dropped while there is no path to it.
    Frame(Bytes),
    /// The same, if the peer will answer them.
    Question(Bytes),
    /// Treat the connection as lost.
    Reconnect,
    /// End the connection for good.
    Close,
}

/// Why a WebSocket could not be opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// The server answered with another status than 101.
    Status {
        /// The HTTP status.
        status: u16,
        /// From its `Retry-After`.
        retry_after: Option<Duration>,
    },
    /// There was no answer that could be understood.
    Unreachable,
}

/// What is to be done outside, in this order.
#[derive(Clone, PartialEq)]
pub(crate) enum Effect {
    /// Open a WebSocket to the server of this index; there is none at this time.
    Connect {
        /// Counted around the server's addresses.
        url: usize,
        /// Who this is.
        token: Secret,
    },
    /// Write a control message.
    SendControl(ClientMessage),
    /// Write a binary message.
    SendFrame(Bytes),
    /// Close the WebSocket (close code 1000) and forget it: nothing that comes from it counts any
    /// more.
    Close,
    /// Forget the WebSocket, or the attempt to open one: it is lost.
    Drop,
    /// Open a second WebSocket beside the first, which has gone silent.
    ConnectSpare {
        /// Counted around the server's addresses.
        url: usize,
        /// Who this is.
        token: Secret,
    },
    /// Forget the second WebSocket, or the attempt to open it.
    DropSpare,
    /// The second WebSocket, or the attempt to open it, takes the place of the first, which is
    /// closed if it is still there.
    TakeSpare,
    /// From now on this is the session's token; it is valid for this long.
    KeepToken(Secret, Duration),
    /// The owner should know.
    Emit(Event),
}

/// What a connection notifies its owner of.
#[derive(Clone, PartialEq, Eq)]
pub enum Event {
    /// The connection is open. A command given before is sent now.
    Connected,
    /// Waiting has begun, with what may be expected as far as it is known. This event comes again
    /// when that changes, at most every 5 s, and when waiting begins again after a loss of the
    /// connection.
    Waiting(Outlook),
    /// Matched with somebody who is connected: frames may be sent.
    Paired {
        /// The room.
        room: RoomId,
        /// This client's side in it.
        side: Side,
        /// By what the two were to be matched, as the `find` said that was in force.
        by: MatchBy,
        /// The part that this client takes, as the same `find` said.
        role: Option<Role>,
    },
    /// Back in the room after a loss of the connection: frames may be sent. The peer is online
    /// unless [`Event::PeerAway`] follows.
    Resumed,
    /// The peer is connected again.
    PeerOnline,
    /// The peer has lost its connection and may come back; what is sent now does not arrive.
    PeerAway {
        /// How long the server keeps its place.
        kept: Duration,
    },
    /// The peer's bytes, as they were sent. Frames may be lost when a connection breaks, on either
    /// side; [`channel`](crate::channel) makes up for that.
    Frame(Bytes),
    /// The room is over, for good.
    Ended {
        /// Why.
        reason: EndReason,
    },
    /// What has become of a report. One that came too fast was sent again until then.
    Reported {
        /// Whether the server has taken it. If not, it may have taken it all the same, where a
        /// connection was lost before its answer.
        taken: bool,
    },
    /// A command was refused. After [`ErrorCode::Unavailable`] and [`ErrorCode::Rate`] it is sent
    /// again without further action; after any other code, waiting is over.
    Error {
        /// For programs.
        code: ErrorCode,
        /// For people; may quote what was asked.
        message: String,
    },
    /// What the operator has ordered for the service as a whole: at the start, if something is not
    /// as usual, and when it changes. Chats go on.
    Service(ServiceState),
    /// The connection is lost. It is opened again without further action; then waiting, or the
    /// chat, goes on.
    Disconnected {
        /// When the next attempt begins.
        retry_in: Duration,
    },
    /// The end of this connection: no event follows.
    Closed {
        /// Why.
        reason: Closed,
    },
}

/// Why a connection is not opened again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Closed {
    /// The owner closed it.
    #[error("closed")]
    Asked,
    /// The server closed it with a code that says not to reconnect (see [`schemas::CloseCode`]).
    #[error("the server closed the connection: {}", reason(*.0))]
    ByServer(u16),
    /// The token is not accepted any more: it has expired while there was no connection, or the
    /// session was deleted.
    #[error("the session is over")]
    Unauthorized,
    /// The server does not accept this client at all.
    #[error("the server refused the connection with HTTP status {0}")]
    Refused(u16),
}

fn reason(code: u16) -> String {
    let known = schemas::CloseCode::ALL.iter().find(|known| known.code() == code);
    known.map_or_else(|| format!("code {code}"), |known| known.reason().to_owned())
}

impl fmt::Debug for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connected => f.write_str("Connected"),
            Self::Waiting(_) => f.write_str("Waiting"),
            Self::Paired { room, side, .. } => write!(f, "Paired({room:?}, {side:?})"),
            Self::Resumed => f.write_str("Resumed"),
            Self::PeerOnline => f.write_str("PeerOnline"),
            Self::PeerAway { kept } => write!(f, "PeerAway({kept:?})"),
            Self::Frame(bytes) => write!(f, "Frame({} bytes)", bytes.len()),
            Self::Ended { reason } => write!(f, "Ended({reason:?})"),
            Self::Reported { taken } => write!(f, "Reported({taken})"),
            Self::Error { code, .. } => write!(f, "Error({code:?})"),
            Self::Service(state) => write!(f, "Service({})", state.strangers.word()),
            Self::Disconnected { retry_in } => write!(f, "Disconnected({retry_in:?})"),
            Self::Closed { reason } => write!(f, "Closed({reason:?})"),
        }
    }
}

impl fmt::Debug for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Find(find) => write!(f, "Find({find:?})"),
            Self::Next(find) => write!(f, "Next({find:?})"),
            Self::Cancel => f.write_str("Cancel"),
            Self::Leave => f.write_str("Leave"),
            Self::Report(category) => write!(f, "Report({category:?})"),
            Self::Frame(bytes) => write!(f, "Frame({} bytes)", bytes.len()),
            Self::Question(bytes) => write!(f, "Question({} bytes)", bytes.len()),
            Self::Reconnect => f.write_str("Reconnect"),
            Self::Close => f.write_str("Close"),
        }
    }
}

impl fmt::Debug for Input {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Command(command) => write!(f, "Command({command:?})"),
            Self::Opened => f.write_str("Opened"),
            Self::Refused(refusal) => write!(f, "Refused({refusal:?})"),
            Self::Activity => f.write_str("Activity"),
            Self::Control(message) => write!(f, "Control({})", type_of(message)),
            Self::Binary(bytes) => write!(f, "Binary({} bytes)", bytes.len()),
            Self::Lost(code) => write!(f, "Lost({code:?})"),
            Self::Spare(input) => write!(f, "Spare({input:?})"),
            Self::Tick => f.write_str("Tick"),
        }
    }
}

impl fmt::Debug for Effect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connect { url, .. } => write!(f, "Connect({url})"),
            Self::SendControl(ClientMessage::Resume(_)) => f.write_str("SendControl(Resume)"),
            Self::SendControl(message) => write!(f, "SendControl({message:?})"),
            Self::SendFrame(bytes) => write!(f, "SendFrame({} bytes)", bytes.len()),
            Self::Close => f.write_str("Close"),
            Self::Drop => f.write_str("Drop"),
            Self::ConnectSpare { url, .. } => write!(f, "ConnectSpare({url})"),
            Self::DropSpare => f.write_str("DropSpare"),
            Self::TakeSpare => f.write_str("TakeSpare"),
            Self::KeepToken(..) => f.write_str("KeepToken"),
            Self::Emit(event) => write!(f, "Emit({event:?})"),
        }
    }
}

/// The `type` of a message: the rest may be secret.
fn type_of(message: &ServerMessage) -> &'static str {
    match message {
        ServerMessage::Ready { .. } => "ready",
        ServerMessage::Waiting(_) => "waiting",
        ServerMessage::Paired(_) => "paired",
        ServerMessage::Resumed(_) => "resumed",
        ServerMessage::Peer { .. } => "peer",
        ServerMessage::Ended { .. } => "ended",
        ServerMessage::Token { .. } => "token",
        ServerMessage::Drain { .. } => "drain",
        ServerMessage::Service(_) => "service",
        ServerMessage::Pong => "pong",
        ServerMessage::Error { .. } => "error",
    }
}
