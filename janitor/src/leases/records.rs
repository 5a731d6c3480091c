//! What is remembered of each session, room, key and gateway. In `serve` the janitor shares a
//! process with the connections, so a session's record is small: 56 bytes with its id, about 90 in
//! the tree.

use schemas::{
    BootId, RoomId, SessionId, Stamp, UnixMillis, announcement::Announcement, control::EndReason,
    event::SessionLease, limits,
};

use super::{
    bounded::{Aged, Moment},
    policy::{LEASES_PER_GATEWAY, NEW_ROOMS_PER_GATEWAY},
};

/// The gateway, and the start of it, that holds a session: half the bits of its boot id. The chance
/// that two of some hundred starts share them is one in many thousands. Then a session of a lost
/// gateway would look connected until its lease is stale.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct BootTag(u32);

impl BootTag {
    pub(super) fn of(boot: BootId) -> Self {
        Self((boot.0 ^ (boot.0 >> 32)) as u32)
    }
}

/// A session as in its last lease.
#[derive(Debug)]
pub(super) struct Held {
    pub(super) stamp: Stamp,
    pub(super) heard: Moment,
    pub(super) boot: BootTag,
    /// In seconds since the Unix epoch, as in tokens.
    ends_secs: u32,
    pub(super) room: Option<RoomId>,
    pub(super) connected: bool,
    /// Whether it was published that the session has expired.
    pub(super) notice: ExpiryNotice,
}

/// Whether an expiry was published. Once is enough: a gateway with another clock may go on
/// renewing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ExpiryNotice {
    /// Not yet.
    NotSent,
    /// By this janitor or another.
    Sent,
}

const _: () = assert!(size_of::<SessionId>() + size_of::<Held>() <= 56);

impl Held {
    pub(super) fn new(lease: &SessionLease, boot: BootTag, heard: Moment) -> Self {
        Self {
            stamp: lease.stamp,
            heard,
            boot,
            ends_secs: u32::try_from(lease.ends.as_secs()).unwrap_or(u32::MAX),
            room: lease.room,
            connected: lease.connected,
            notice: ExpiryNotice::NotSent,
        }
    }

    /// Replaces this record by that of a newer lease.
    pub(super) fn renew(&mut self, newer: Self) {
        let notice = if newer.ends_secs == self.ends_secs { self.notice } else { ExpiryNotice::NotSent };
        *self = Self { notice, ..newer };
    }

    pub(super) fn is_past_its_life(&self, now: UnixMillis) -> bool {
        now.as_secs() > u64::from(self.ends_secs)
    }
}

impl Aged for Held {
    fn age(&self) -> Moment {
        self.heard
    }
}

/// A room that a lease or an event of a side has named.
#[derive(Debug)]
pub(super) struct LeasedRoom {
    /// When it was last named.
    pub(super) heard: Moment,
    pub(super) named_by: NamedBy,
}

/// What has named a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NamedBy {
    /// An event, which does not tell its publisher: it may be of a room that never was.
    Event,
    /// A lease. How many rooms a gateway may lease is limited.
    Lease,
}

impl Aged for LeasedRoom {
    fn age(&self) -> Moment {
        self.heard
    }
}

/// A signing key.
#[derive(Debug)]
pub(super) struct Key {
    /// As it was announced: each node judges it by its own clock.
    pub(super) announced: Announcement,
    /// When it was first received.
    pub(super) heard: Moment,
    /// Whether its expiry was published.
    pub(super) notice: ExpiryNotice,
}

impl Aged for Key {
    fn age(&self) -> Moment {
        self.heard
    }
}

/// A gateway from which something was received lately.
#[derive(Debug)]
pub(super) struct Gateway {
    pub(super) boot: BootTag,
    pub(super) heard: Moment,
    pub(super) leased: Leased,
    /// Whether it names itself in subjects, by its last heartbeat.
    pub(super) names_itself: bool,
}

/// What a gateway has leased since the start of a period, so that none fills the others' place.
#[derive(Clone, Copy, Debug)]
pub(super) struct Leased {
    since: Moment,
    sessions: u32,
    new_rooms: u32,
}

impl Leased {
    pub(super) fn from(since: Moment) -> Self {
        Self { since, sessions: 0, new_rooms: 0 }
    }

    /// The same, or nothing if another period has begun.
    pub(super) fn at(self, now: Moment) -> Self {
        if now.since(self.since) >= limits::RENEWAL { Self::from(now) } else { self }
    }

    /// Whether there is room for one more session.
    pub(super) fn take_session(&mut self) -> bool {
        self.sessions += 1;
        self.sessions <= LEASES_PER_GATEWAY
    }

    /// Whether there is room for one more room that is not known yet.
    pub(super) fn take_room(&mut self) -> bool {
        self.new_rooms += 1;
        self.new_rooms <= NEW_ROOMS_PER_GATEWAY
    }
}

impl Aged for Gateway {
    fn age(&self) -> Moment {
        self.heard
    }
}

/// A record of something that has ended. It is kept for as long as a token or ticket could bring it
/// back.
#[derive(Debug)]
pub(super) struct Tombstone<T> {
    pub(super) until: Moment,
    pub(super) why: T,
}

/// A room that has ended.
pub(super) type EndedRoom = Tombstone<RoomEnd>;
/// A session that was deleted.
pub(super) type RevokedSession = Tombstone<()>;

/// Why a room has ended, and what had named it before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct RoomEnd {
    pub(super) reason: EndReason,
    pub(super) named_by: NamedBy,
}

impl Aged for EndedRoom {
    fn age(&self) -> Moment {
        self.until
    }

    fn is_confirmed(&self) -> bool {
        self.why.named_by == NamedBy::Lease
    }
}

impl Aged for RevokedSession {
    fn age(&self) -> Moment {
        self.until
    }
}
