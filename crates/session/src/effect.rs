//! What the sessions' state machine decides.

use schemas::{
    CloseCode, NodeId, RoomId, SessionId, Side, Stamp,
    control::{ControlError, EndReason, Expectation, PeerState},
    message::Message,
    outlook::Outlook,
    token::{PassGrant, RoomHistory},
};

/// A WebSocket connection of this process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnId(pub u64);

/// One thing to do. Effects are carried out in the order in which they were decided.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Queue a control message. One that opens a room ([`Unsigned::opens_room`]), and what follows
    /// it, waits for [`Effect::Release`].
    Send(ConnId, ToClient),
    /// From now on the connection's frames go there, and only that room's frames come to it.
    Route(ConnId, Route),
    /// What waits since a message that opens a room may leave. Such a message is queued before the
    /// room's routes are set, so that no frame of the peer overtakes it; and it leaves after all
    /// that was decided with it, so that the client's first frame finds the routes of both sides.
    Release(ConnId),
    /// Close the connection with this code.
    Close(ConnId, CloseCode),
    /// Publish something on the bus. Losing it is allowed.
    Publish(Message),
}

/// Where a connection's frames go.
#[derive(Clone, Debug, PartialEq)]
pub enum Route {
    /// Dropped and counted: outside a room, or while the peer is away.
    Nowhere,
    /// To a connection of this process, which holds the other side.
    Local {
        /// The room.
        room: RoomId,
        /// The other side's connection.
        peer: ConnId,
    },
    /// To the gateway that holds the other side.
    Remote {
        /// The room.
        room: RoomId,
        /// The connection's own side.
        side: Side,
        /// The connection's own stamp.
        stamp: Stamp,
        /// Where the other side is.
        node: NodeId,
        /// The other side's stamp: its frames with a lower one are of a connection that is over.
        fence: Stamp,
    },
}

/// A control message for a client.
#[derive(Clone, Debug, PartialEq)]
pub enum ToClient {
    /// One with tokens that only the gateway can sign.
    Unsigned(Unsigned),
    /// The want has been published, or the outlook has changed.
    Waiting(Outlook),
    /// The other side lost or regained its connection.
    Peer(PeerState),
    /// The room is over.
    Ended(EndReason),
    /// This node goes away.
    Drain {
        /// Come back after this time.
        reconnect_in_ms: u64,
        /// To this gateway, if one is known that stays and says where clients reach it.
        to: Option<String>,
    },
    /// What the client asked for came to nothing.
    Error(ControlError),
}

/// A control message whose tokens are not signed yet.
#[derive(Clone, Debug, PartialEq)]
pub enum Unsigned {
    /// The first message on the connection.
    Ready(SessionGrant),
    /// In a room, where the other side may be expected to show something first.
    Paired(TicketGrant, Option<Expectation>),
    /// Back in the room.
    Resumed(TicketGrant),
    /// New tokens.
    Token(SessionGrant, Option<TicketGrant>),
}

impl Unsigned {
    /// Whether the client may send frames as soon as it has received this. It is queued before the
    /// routes of the room are set, and leaves only with [`Effect::Release`].
    pub fn opens_room(&self) -> bool {
        matches!(self, Self::Paired(..) | Self::Resumed(_))
    }
}

/// What a session token is to say.
#[derive(Clone, Debug, PartialEq)]
pub struct SessionGrant {
    /// The session.
    pub session: SessionId,
    /// When it began, in seconds since the Unix epoch.
    pub start: u64,
    /// Its attachment.
    pub stamp: Stamp,
    /// What its pass allows, if it has one.
    pub pass: Option<PassGrant>,
    /// What it remembers.
    pub history: RoomHistory,
}

/// What a room ticket is to say.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TicketGrant {
    /// The session.
    pub session: SessionId,
    /// The room.
    pub room: RoomId,
    /// Its side.
    pub side: Side,
    /// Its attachment.
    pub stamp: Stamp,
}
