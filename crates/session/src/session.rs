//! What a gateway knows of one session.

use schemas::{
    RoomId, SessionId, Side, Stamp, UnixMillis, control::Expectation, event::SessionLease, limits,
    session::SessionState, token::PassGrant,
};

use crate::{
    effect::{ConnId, SessionGrant, TicketGrant},
    memory::Memory,
    want::OwnWant,
};

/// A session that is connected here, or whose connection was lost while in a room.
pub(crate) struct Session {
    pub(crate) conn: Option<ConnId>,
    pub(crate) stamp: Stamp,
    /// When it began, in seconds since the Unix epoch.
    pub(crate) start: u64,
    /// What its pass allows. Boxed: most have none.
    pub(crate) pass: Option<Box<PassGrant>>,
    /// Boxed: most have met nobody yet.
    pub(crate) memory: Option<Box<Memory>>,
    pub(crate) want: Option<Box<OwnWant>>,
    /// What the other side of its last match is to show.
    pub(crate) expect: Option<Expectation>,
    pub(crate) seat: Option<(RoomId, Side)>,
    /// Whether its client may know of the room: not while the other half of the match has yet to
    /// come.
    pub(crate) shown: bool,
    /// Whether it was attached before, and may hold a room elsewhere to which it has not come back.
    pub(crate) may_hold_room: bool,
}

impl Session {
    /// The room that its client has been shown, or that it may come back to.
    pub(crate) fn room_shown(&self) -> Option<RoomId> {
        self.seat.filter(|_| self.shown).map(|(room, _)| room)
    }

    pub(crate) fn state(&self) -> SessionState {
        if self.room_shown().is_some() {
            SessionState::Paired
        } else if self.want.is_some() || self.seat.is_some() {
            SessionState::Waiting
        } else {
            SessionState::Idle
        }
    }

    /// When it has lasted for [`limits::SESSION_LIFE`], or its pass is over.
    pub(crate) fn ends(&self) -> UnixMillis {
        let last = UnixMillis::from_secs(self.start) + limits::SESSION_LIFE;
        self.pass.as_ref().map_or(last, |pass| last.min(UnixMillis::from_secs(pass.exp)))
    }

    /// What is remembered of it, as its present attachment knows it.
    pub(crate) fn take_memory(&mut self) -> Option<Box<Memory>> {
        let mut memory = self.memory.take()?;
        memory.stamp = self.stamp;
        Some(memory)
    }

    /// What its next token is to say.
    pub(crate) fn grant(&self, id: SessionId) -> SessionGrant {
        SessionGrant {
            session: id,
            start: self.start,
            stamp: self.stamp,
            pass: self.pass.as_deref().cloned(),
            history: self.memory.as_ref().map(|memory| memory.history.clone()).unwrap_or_default(),
        }
    }

    /// What a ticket for its seat is to say.
    pub(crate) fn ticket(&self, id: SessionId) -> Option<TicketGrant> {
        let (room, side) = self.seat?;
        Some(TicketGrant { session: id, room, side, stamp: self.stamp })
    }

    /// What the janitors are to know of it.
    pub(crate) fn lease(&self, id: SessionId) -> SessionLease {
        SessionLease {
            session: id,
            stamp: self.stamp,
            state: self.state(),
            connected: self.conn.is_some(),
            room: self.room_shown(),
            ends: self.ends(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_takes_no_more_memory_than_ten_words() {
        assert!(size_of::<Session>() <= 80, "{}", size_of::<Session>());
    }
}
