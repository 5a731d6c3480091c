//! A message on the bus as the services see it: its receiver and its event. Services see neither
//! subjects nor bytes.

mod publishers;

use crate::{
    KeyId, NodeId, RoomId, Service, SessionId, Stamp, UnixMillis,
    codec::{self, DecodeError, EncodeError},
    event::{
        Heartbeat, KeyEvent, Lease, MatchEvent, OrdersAnswer, Presence, Report, RoomEvent, SessionAnswer,
        SessionEvent, SyncAnswer, WantEvent,
    },
    order::{Receipt, SignedOrder},
    origin_keys::OriginEvent,
    outlook::QueueStates,
    subject::Subject,
};

/// An event or a question. Chat frames are sent separately and unread ([`crate::frame`]).
#[derive(Clone, Debug, PartialEq)]
pub enum Message {
    /// A room event for the gateway `to`.
    Peer {
        /// The room.
        room: RoomId,
        /// The gateway that holds the other side.
        to: NodeId,
        /// What happened.
        event: RoomEvent,
    },
    /// A room event for every gateway.
    Room {
        /// The room.
        room: RoomId,
        /// The role of the publisher.
        speaker: Service,
        /// What happened.
        event: RoomEvent,
    },
    /// The rooms that the publisher shares with the gateway `to`.
    Presence {
        /// The receiver.
        to: NodeId,
        /// The rooms.
        presence: Presence,
    },
    /// An event of the wants that the gateway `from` holds.
    Want {
        /// The gateway.
        from: NodeId,
        /// What happened.
        event: WantEvent,
    },
    /// Somebody who was on the gateway `from` was reported.
    Report {
        /// The gateway.
        from: NodeId,
        /// Who, and where.
        report: Report,
    },
    /// The gateway `from` tells, or asks for, the keys by which gateways make origins.
    Origin {
        /// The gateway.
        from: NodeId,
        /// A question, an offer or an answer.
        event: OriginEvent,
    },
    /// A match for the gateway `to`.
    Match {
        /// The gateway.
        to: NodeId,
        /// The match.
        event: MatchEvent,
    },
    /// How it stands in classes in which the gateway `to` has somebody who waits.
    Queue {
        /// The gateway.
        to: NodeId,
        /// The classes.
        states: QueueStates,
    },
    /// An event of a session.
    Session {
        /// The session.
        session: SessionId,
        /// The role of the publisher.
        speaker: Service,
        /// What happened.
        event: SessionEvent,
    },
    /// What the gateway `from` says of an attachment of its own ([`Message::claimant`]), on a
    /// subject that names it: permissions hold each gateway to its own name.
    Own {
        /// The gateway.
        from: NodeId,
        /// What it says.
        message: Box<Message>,
    },
    /// Where is this session? Answered with [`Answer::Session`].
    Ask {
        /// The session.
        session: SessionId,
    },
    /// An event of a signing key.
    Key {
        /// The key.
        key: KeyId,
        /// The role of the publisher.
        speaker: Service,
        /// The publisher, which need not be the gateway that made the key.
        from: NodeId,
        /// What happened.
        event: KeyEvent,
    },
    /// What the gateway `from` holds.
    Lease {
        /// The gateway.
        from: NodeId,
        /// What it holds.
        lease: Lease,
    },
    /// What has `from` missed? Answered with [`Answer::Sync`].
    Sync {
        /// The asker.
        from: NodeId,
    },
    /// The node `from` is running.
    Heartbeat {
        /// Its role.
        service: Service,
        /// Its id.
        from: NodeId,
        /// Its boot id, version and load.
        heartbeat: Heartbeat,
    },
    /// An order of the operator. Each node answers with [`Answer::Receipt`].
    Order(Box<SignedOrder>),
    /// Which orders are in force? Answered with [`Answer::Orders`].
    OrdersAsk,
}

/// The answer to a question.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// To [`Message::Ask`].
    Session(SessionAnswer),
    /// To [`Message::Sync`].
    Sync(SyncAnswer),
    /// To [`Message::Order`].
    Receipt(Receipt),
    /// To [`Message::OrdersAsk`].
    Orders(OrdersAnswer),
}

/// Why a message from the bus was dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MessageError {
    /// The body is not what the subject demands.
    #[error(transparent)]
    Body(#[from] DecodeError),
    /// An event that the publisher's role may not publish, or a key, or a kind of order, that is
    /// not that of the subject.
    #[error("the publisher's role may not publish this event")]
    Speaker,
    /// Frames, or a subject on which there are no events.
    #[error("there are no events on this subject")]
    Subject,
}

impl Message {
    /// The subject on which it is published.
    pub fn subject(&self) -> Subject {
        match self {
            Self::Peer { room, to, .. } => Subject::Peer(*room, to.clone()),
            Self::Room { room, speaker, .. } => Subject::Room(*room, *speaker),
            Self::Presence { to, .. } => Subject::Presence(to.clone()),
            Self::Want { from, .. } => Subject::Want(from.clone()),
            Self::Report { from, .. } => Subject::Report(from.clone()),
            Self::Origin { from, .. } => Subject::Origin(from.clone()),
            Self::Match { to, .. } => Subject::Match(to.clone()),
            Self::Queue { to, .. } => Subject::Queue(to.clone()),
            Self::Session { session, speaker, .. } => Subject::Session(*session, *speaker),
            Self::Own { from, message } => match &**message {
                Self::Peer { room, to, .. } => Subject::OwnPeer(*room, from.clone(), to.clone()),
                Self::Room { room, .. } => Subject::OwnRoom(*room, from.clone()),
                Self::Presence { to, .. } => Subject::OwnPresence(from.clone(), to.clone()),
                Self::Session { session, .. } => Subject::OwnSession(*session, from.clone()),
                // There is no such message: see `own`.
                other => other.subject(),
            },
            Self::Ask { session } => Subject::Ask(*session),
            Self::Key { key, speaker, from, .. } => Subject::Key(*key, *speaker, from.clone()),
            Self::Lease { from, .. } => Subject::Lease(from.clone()),
            Self::Sync { from } => Subject::Sync(from.clone()),
            Self::Heartbeat { service, from, .. } => Subject::Node(*service, from.clone()),
            Self::Order(order) => Subject::Order(order.kind()),
            Self::OrdersAsk => Subject::OrdersAsk,
        }
    }

    /// Its body. A question has none.
    ///
    /// # Errors
    /// If the event is larger than a message may be.
    pub fn encode(&self) -> Result<Vec<u8>, EncodeError> {
        match self {
            Self::Peer { event, .. } | Self::Room { event, .. } => codec::encode(event),
            Self::Presence { presence, .. } => codec::encode(presence),
            Self::Want { event, .. } => codec::encode(event),
            Self::Report { report, .. } => codec::encode(report),
            Self::Origin { event, .. } => codec::encode(event),
            Self::Match { event, .. } => codec::encode(event),
            Self::Queue { states, .. } => codec::encode(states),
            Self::Session { event, .. } => codec::encode(event),
            Self::Key { event, .. } => codec::encode(event),
            Self::Lease { lease, .. } => codec::encode(lease),
            Self::Heartbeat { heartbeat, .. } => codec::encode(heartbeat),
            Self::Own { message, .. } => message.encode(),
            Self::Order(order) => codec::encode(order),
            Self::Ask { .. } | Self::Sync { .. } | Self::OrdersAsk => Ok(Vec::new()),
        }
    }

    /// Decodes a message.
    ///
    /// # Errors
    /// If the body does not fit the subject, or the publisher's role may not publish it.
    pub fn decode(subject: Subject, body: &[u8]) -> Result<Self, MessageError> {
        let message = match subject {
            Subject::Frames(..) => return Err(MessageError::Subject),
            Subject::Peer(room, to) => Self::Peer { room, to, event: codec::decode(body)? },
            Subject::Room(room, speaker) => Self::Room { room, speaker, event: codec::decode(body)? },
            Subject::Presence(to) => Self::Presence { to, presence: codec::decode(body)? },
            Subject::Want(from) => Self::Want { from, event: codec::decode(body)? },
            Subject::Origin(from) => Self::Origin { from, event: codec::decode(body)? },
            Subject::Report(from) => Self::Report { from, report: codec::decode(body)? },
            Subject::Match(to) => Self::Match { to, event: codec::decode(body)? },
            Subject::Queue(to) => Self::Queue { to, states: codec::decode(body)? },
            Subject::Session(session, speaker) => {
                Self::Session { session, speaker, event: codec::decode(body)? }
            }
            Subject::Key(key, speaker, from) => Self::Key { key, speaker, from, event: codec::decode(body)? },
            Subject::Lease(from) => Self::Lease { from, lease: codec::decode(body)? },
            Subject::Node(service, from) => {
                Self::Heartbeat { service, from, heartbeat: codec::decode(body)? }
            }
            Subject::OwnPeer(room, from, to) => {
                Self::said_by(from, Self::Peer { room, to, event: codec::decode(body)? })
            }
            Subject::OwnRoom(room, from) => {
                let speaker = Service::Gateway;
                Self::said_by(from, Self::Room { room, speaker, event: codec::decode(body)? })
            }
            Subject::OwnPresence(from, to) => {
                Self::said_by(from, Self::Presence { to, presence: codec::decode(body)? })
            }
            Subject::OwnSession(session, from) => {
                let speaker = Service::Gateway;
                Self::said_by(from, Self::Session { session, speaker, event: codec::decode(body)? })
            }
            Subject::Ask(session) => Self::Ask { session },
            Subject::Sync(from) => Self::Sync { from },
            Subject::Order(kind) => {
                let order: SignedOrder = codec::decode(body)?;
                if order.kind() != kind {
                    return Err(MessageError::Speaker);
                }
                Self::Order(Box::new(order))
            }
            Subject::OrdersAsk => Self::OrdersAsk,
        };
        if message.may_be_published() { Ok(message) } else { Err(MessageError::Speaker) }
    }

    fn said_by(from: NodeId, message: Self) -> Self {
        Self::Own { from, message: Box::new(message) }
    }

    /// Whether it names a stamp that no honest gateway can have made yet: further than
    /// [`crate::limits::STAMP_AHEAD`] ahead of the clock. What is above the highest stamp counts
    /// for ever, so a forged one would lock a session out.
    pub fn is_ahead_of(&self, now: UnixMillis) -> bool {
        self.highest_stamp().is_ahead_of(now)
    }

    /// The highest stamp that it names; [`Stamp::NONE`] if there is none. A new event does not
    /// compile without its line here.
    fn highest_stamp(&self) -> Stamp {
        match self {
            Self::Peer { event, .. } | Self::Room { event, .. } => match event {
                RoomEvent::Joined(at)
                | RoomEvent::Present(at)
                | RoomEvent::Detached(at)
                | RoomEvent::NotHere(at) => at.stamp,
                RoomEvent::Declined | RoomEvent::Ended(_) | RoomEvent::Reported(_) | RoomEvent::Expired => {
                    Stamp::NONE
                }
            },
            Self::Presence { presence, .. } => {
                highest(presence.rooms.iter().map(|(_, attached)| attached.stamp.max(attached.peer)))
            }
            Self::Want { event: WantEvent::Waiting(wants), .. } => {
                highest(wants.iter().map(|want| want.stamp))
            }
            Self::Want {
                event: WantEvent::Withdrawn(_) | WantEvent::Met(_) | WantEvent::Asked(_), ..
            } => Stamp::NONE,
            Self::Session { event, .. } => match event {
                SessionEvent::Attached { stamp, .. } | SessionEvent::StartedOver { stamp } => *stamp,
                SessionEvent::Revoked { .. }
                | SessionEvent::Left(_)
                | SessionEvent::Expired
                | SessionEvent::HeldTwice => Stamp::NONE,
            },
            Self::Lease { lease, .. } => highest(lease.sessions.iter().map(|session| session.stamp)),
            Self::Own { message, .. } => message.highest_stamp(),
            Self::Report { .. }
            | Self::Origin { .. }
            | Self::Match { .. }
            | Self::Queue { .. }
            | Self::Ask { .. }
            | Self::Key { .. }
            | Self::Sync { .. }
            | Self::Heartbeat { .. }
            | Self::Order(_)
            | Self::OrdersAsk => Stamp::NONE,
        }
    }
}

fn highest(stamps: impl Iterator<Item = Stamp>) -> Stamp {
    stamps.max().unwrap_or(Stamp::NONE)
}

impl Answer {
    /// As [`Message::is_ahead_of`].
    pub fn is_ahead_of(&self, now: UnixMillis) -> bool {
        match self {
            Self::Session(answer) => answer.stamp.is_ahead_of(now),
            Self::Sync(_) | Self::Receipt(_) | Self::Orders(_) => false,
        }
    }

    /// The roles that may give it.
    pub const fn publishers(&self) -> &'static [Service] {
        match self {
            Self::Session(_) | Self::Sync(_) | Self::Orders(_) => &[Service::Gateway, Service::Janitor],
            Self::Receipt(_) => &Service::ALL,
        }
    }

    /// Its body.
    ///
    /// # Errors
    /// If the answer is larger than a message may be.
    pub fn encode(&self) -> Result<Vec<u8>, EncodeError> {
        match self {
            Self::Session(answer) => codec::encode(answer),
            Self::Sync(answer) => codec::encode(answer),
            Self::Receipt(receipt) => codec::encode(receipt),
            Self::Orders(answer) => codec::encode(answer),
        }
    }

    /// Reads the answer to `question`.
    ///
    /// # Errors
    /// If the body is not its answer, or it was no question.
    pub fn decode(question: &Message, body: &[u8]) -> Result<Self, MessageError> {
        match question {
            Message::Ask { .. } => Ok(Self::Session(codec::decode(body)?)),
            Message::Sync { .. } => Ok(Self::Sync(codec::decode(body)?)),
            Message::Order(_) => Ok(Self::Receipt(codec::decode(body)?)),
            Message::OrdersAsk => Ok(Self::Orders(codec::decode(body)?)),
            _ => Err(MessageError::Subject),
        }
    }
}
