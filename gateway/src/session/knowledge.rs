//! What the machine knows, for whoever asks.

use schemas::{
    RoomId, SessionId,
    event::{Load, SessionAnswer},
    session::SessionState,
};

use super::{Session, Sessions};

impl Sessions {
    /// What is known here of a session: of one that is attached, or was, or is the other side of a room that is.
    pub fn locate(&self, id: SessionId) -> Option<SessionAnswer> {
        let Some(session) = self.sessions.get(&id) else {
            let room = *self.owners.get(&id.tag())?;
            let stamp = self.rooms.get(&room)?.away_stamp(id.tag())?;
            return Some(SessionAnswer {
                state: SessionState::Paired,
                connected: false,
                stamp,
                room: Some(room),
            });
        };
        let room = self.room_shown(session);
        Some(SessionAnswer {
            state: session.state(room),
            connected: session.conn.is_some(),
            stamp: session.stamp,
            room,
        })
    }

    /// How much this gateway carries. Counting walks over all that is held here, so it is done anew only when somebody has come, gone or
    /// been told something, and after each round of leases.
    pub fn load(&self) -> Load {
        let waiting = count(self.wants.len());
        let load = self.counted.get().unwrap_or_else(|| Load {
            connections: count(self.sessions.values().filter(|session| session.conn.is_some()).count()),
            waiting,
            chatting: count(self.rooms.values().map(|room| room.people()).sum()),
        });
        self.counted.set(Some(load));
        Load { waiting, ..load }
    }

    /// How much all living gateways carry, this one included.
    pub fn crowd(&self) -> Load {
        let (here, there) = (self.load(), self.gateways.load());
        Load {
            connections: here.connections.saturating_add(there.connections),
            waiting: here.waiting.saturating_add(there.waiting),
            chatting: here.chatting.saturating_add(there.chatting),
        }
    }

    /// The room that the client has been shown, or that waits for it.
    pub(super) fn room_shown(&self, session: &Session) -> Option<RoomId> {
        session.seat.filter(|(room, side)| !self.is_joining(*room, *side)).map(|(room, _)| room)
    }
}

fn count(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}
