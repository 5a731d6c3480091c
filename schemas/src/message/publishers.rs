//! Who may publish a message, and in whose name.

use super::Message;
use crate::{
    NodeId, Service,
    event::{KeyEvent, MatchEvent, RoomEvent, SessionEvent, WantEvent},
    origin_keys::OriginEvent,
};

impl Message {
    /// The roles that may publish this. Each message and each event has its line here: a new one
    /// does not compile without.
    pub fn publishers(&self) -> &'static [Service] {
        use Service::{Gateway, Janitor, Pairing};
        match self {
            Self::Own { message, .. } => message.publishers(),
            Self::Peer { event, .. } => match event {
                RoomEvent::Joined(_)
                | RoomEvent::Present(_)
                | RoomEvent::Detached(_)
                | RoomEvent::NotHere(_)
                | RoomEvent::Declined
                | RoomEvent::Ended(_)
                | RoomEvent::Reported(_) => &[Gateway],
                RoomEvent::Expired => &[],
            },
            Self::Room { event, .. } => match event {
                RoomEvent::Joined(_) | RoomEvent::Reported(_) => &[Gateway],
                RoomEvent::Ended(_) => &[Gateway, Janitor],
                RoomEvent::Expired => &[Janitor],
                RoomEvent::Present(_)
                | RoomEvent::Detached(_)
                | RoomEvent::NotHere(_)
                | RoomEvent::Declined => &[],
            },
            Self::Session { event, .. } => match event {
                SessionEvent::Attached { .. } | SessionEvent::Left(_) | SessionEvent::StartedOver { .. } => {
                    &[Gateway]
                }
                SessionEvent::Revoked { .. } => &[Gateway, Janitor],
                SessionEvent::Expired | SessionEvent::HeldTwice => &[Janitor],
            },
            Self::Key { event, .. } => match event {
                KeyEvent::Announced(_) => &[Gateway],
                KeyEvent::Expired => &[Janitor],
            },
            Self::Want { event, .. } => match event {
                WantEvent::Waiting(_) | WantEvent::Withdrawn(_) | WantEvent::Met(_) | WantEvent::Asked(_) => {
                    &[Gateway]
                }
            },
            Self::Match { event, .. } => match event {
                MatchEvent::Pair(_) | MatchEvent::Spent(_) => &[Pairing],
            },
            Self::Queue { .. } => &[Pairing],
            Self::Origin { event, .. } => match event {
                OriginEvent::Asked(_) | OriginEvent::Offered(_) | OriginEvent::Sealed(_) => &[Gateway],
            },
            Self::Presence { .. } | Self::Ask { .. } | Self::Lease { .. } | Self::Report { .. } => &[Gateway],
            Self::Sync { .. } => &[Gateway, Janitor],
            Self::Heartbeat { .. } | Self::OrdersAsk => &Service::ALL,
            // The operator's, who has no role.
            Self::Order(_) => &[],
        }
    }

    /// Whether `role` may publish this: it is one of the publishers, and the one that the subject
    /// names if it names a role.
    pub fn may_be_published_by(&self, role: Service) -> bool {
        self.publishers().contains(&role)
            && self.speaker().is_none_or(|speaker| speaker == role)
            && self.is_of_its_speaker()
    }

    /// Whether the subject names a role that may publish this, and a key's subject its key. If the
    /// subject names no role, there must be one that may.
    pub(super) fn may_be_published(&self) -> bool {
        let publishers = self.publishers();
        let speaker_may = match self.speaker() {
            Some(speaker) => publishers.contains(&speaker),
            None => !publishers.is_empty() || matches!(self, Self::Order(_)),
        };
        speaker_may && self.key_is_that_of_its_subject() && self.is_of_its_speaker()
    }

    /// Whether what is said on a subject that names a gateway is said of its own attachments, and
    /// of nothing else.
    fn is_of_its_speaker(&self) -> bool {
        match self {
            Self::Own { from, message } => {
                message.claimant() == Some(from)
                    && message.speaker().is_none_or(|speaker| speaker == Service::Gateway)
            }
            _ => true,
        }
    }

    /// The role that the subject names.
    const fn speaker(&self) -> Option<Service> {
        match self {
            Self::Room { speaker, .. } | Self::Session { speaker, .. } | Self::Key { speaker, .. } => {
                Some(*speaker)
            }
            Self::Heartbeat { service, .. } => Some(*service),
            Self::Peer { .. }
            | Self::Presence { .. }
            | Self::Own { .. }
            | Self::Want { .. }
            | Self::Report { .. }
            | Self::Origin { .. }
            | Self::Match { .. }
            | Self::Queue { .. }
            | Self::Ask { .. }
            | Self::Lease { .. }
            | Self::Sync { .. }
            | Self::Order(_)
            | Self::OrdersAsk => None,
        }
    }

    fn key_is_that_of_its_subject(&self) -> bool {
        match self {
            Self::Key { key, event: KeyEvent::Announced(announced), .. } => announced.id() == *key,
            _ => true,
        }
    }

    /// The gateway of whose attachment this says something: in whose name it is said. `None` for
    /// whatever else is said of a room or a session.
    pub fn claimant(&self) -> Option<&NodeId> {
        match self {
            Self::Peer { event, .. } | Self::Room { event, .. } => match event {
                RoomEvent::Joined(at)
                | RoomEvent::Present(at)
                | RoomEvent::Detached(at)
                | RoomEvent::NotHere(at) => Some(&at.node),
                RoomEvent::Declined | RoomEvent::Ended(_) | RoomEvent::Reported(_) | RoomEvent::Expired => {
                    None
                }
            },
            Self::Presence { presence, .. } => Some(&presence.node),
            Self::Session { event, .. } => match event {
                SessionEvent::Attached { node, .. } => Some(node),
                SessionEvent::Revoked { .. }
                | SessionEvent::Left(_)
                | SessionEvent::StartedOver { .. }
                | SessionEvent::Expired
                | SessionEvent::HeldTwice => None,
            },
            Self::Own { .. }
            | Self::Want { .. }
            | Self::Report { .. }
            | Self::Origin { .. }
            | Self::Match { .. }
            | Self::Queue { .. }
            | Self::Ask { .. }
            | Self::Key { .. }
            | Self::Lease { .. }
            | Self::Sync { .. }
            | Self::Heartbeat { .. }
            | Self::Order(_)
            | Self::OrdersAsk => None,
        }
    }

    /// The same on a subject that names its speaker; `None` if it says nothing of an attachment.
    pub fn own(&self) -> Option<Self> {
        let from = self.claimant()?.clone();
        Some(Self::Own { from, message: Box::new(self.clone()) })
    }
}
