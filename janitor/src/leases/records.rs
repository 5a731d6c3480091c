//! What is remembered of each session, room, key and gateway. In `serve` the janitor shares a process with the connections, so a
//! session's record is kept small: 56 bytes with its id, about 90 in the tree.

use schemas::{
    BootId, RoomId, SessionId, Stamp, UnixMillis,
    control::EndReason,
    event::{PublicKey, SessionLease},
};

use super::bounded::{Aged, Moment};

/// Which run of which gateway holds a session: half the bits of its boot id. That two of some hundred runs share them has a
/// chance of one in many thousands, and would make a dead gateway's session look connected until its lease is stale.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Run(u32);

impl Run {
    pub(super) fn of(boot: BootId) -> Self {
        Self((boot.0 ^ (boot.0 >> 32)) as u32)
    }
}

/// A session as its last lease had it.
#[derive(Debug)]
pub(super) struct Held {
    pub(super) stamp: Stamp,
    pub(super) heard: Moment,
    pub(super) run: Run,
    /// In seconds since the Unix epoch, as in tokens.
    ends_secs: u32,
    pub(super) room: Option<RoomId>,
    pub(super) connected: bool,
    /// Whether it has been said that its life is over.
    pub(super) life: Life,
}

/// Whether a session is past its life, by the janitor's clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Life {
    /// Not that one knew.
    Running,
    /// It is, and that was said: once is enough, for its gateway may know better and go on with its lease.
    Over,
}

const _: () = assert!(size_of::<SessionId>() + size_of::<Held>() <= 56);

impl Held {
    pub(super) fn new(lease: &SessionLease, run: Run, heard: Moment) -> Self {
        Self {
            stamp: lease.stamp,
            heard,
            run,
            ends_secs: u32::try_from(lease.ends.as_secs()).unwrap_or(u32::MAX),
            room: lease.room,
            connected: lease.connected,
            life: Life::Running,
        }
    }

    /// A newer lease takes the place of this one.
    pub(super) fn renew(&mut self, newer: Self) {
        let life = if newer.ends_secs == self.ends_secs { self.life } else { Life::Running };
        *self = Self { life, ..newer };
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

/// A room that a lease or a side's arrival has named.
#[derive(Debug)]
pub(super) struct Named(pub(super) Moment);

impl Aged for Named {
    fn age(&self) -> Moment {
        self.0
    }
}

/// A signing key.
#[derive(Debug)]
pub(super) struct Key {
    /// As it was announced: whoever is told of it judges it by a clock of its own.
    pub(super) public: PublicKey,
    /// When it was heard of first.
    pub(super) heard: Moment,
    /// Whether its expiry has been said.
    pub(super) expiry: Expiry,
}

/// Whether a key's expiry has been said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Expiry {
    /// Not yet.
    Ahead,
    /// By this janitor or another.
    Said,
}

impl Aged for Key {
    fn age(&self) -> Moment {
        self.heard
    }
}

/// A gateway that has been heard lately.
#[derive(Debug)]
pub(super) struct Gateway {
    pub(super) run: Run,
    pub(super) heard: Moment,
}

impl Aged for Gateway {
    fn age(&self) -> Moment {
        self.heard
    }
}

/// Something that is over for good and must stay so for as long as a token or ticket could bring it back.
#[derive(Debug)]
pub(super) struct Tombstone<T> {
    pub(super) until: Moment,
    pub(super) why: T,
}

/// Why a room is over.
pub(super) type EndedRoom = Tombstone<EndReason>;
/// A session is deleted, and that is all there is to say.
pub(super) type RevokedSession = Tombstone<()>;

impl<T> Aged for Tombstone<T> {
    fn age(&self) -> Moment {
        self.until
    }
}
