//! What the machine knows, for whoever asks.

use schemas::{
    SessionId,
    event::{Load, SessionAnswer},
    session::SessionState,
};

use super::Sessions;

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
        Some(SessionAnswer {
            state: session.state(),
            connected: session.conn.is_some(),
            stamp: session.stamp,
            room: session.room_shown(),
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
}

fn count(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}
