//! What is known here, for whoever asks. Nothing changes.

use schemas::{
    NodeId, SessionId, UnixMillis,
    criteria::Criteria,
    event::{Load, SessionAnswer, SyncAnswer},
    session::SessionState,
    token::{RoomHistory, TokenClaims},
};

use crate::sessions::Sessions;

impl Sessions {
    /// What is known here of a session: of one that is connected, or was, or is the other side of a
    /// room that is.
    pub fn locate(&self, id: SessionId) -> Option<SessionAnswer> {
        let Some(session) = self.sessions.get(&id) else {
            let room = self.rooms.of_owner(id.tag())?;
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

    /// What a new token of a session is to say: what its present one says, and what is remembered
    /// here.
    pub fn united_history(&self, now: UnixMillis, claims: TokenClaims) -> RoomHistory {
        let TokenClaims { sub: id, stamp, mut history, .. } = claims;
        let attached = self.sessions.get(&id).and_then(|it| Some((it.memory.as_ref()?, it.stamp)));
        let remembered = || self.memories.get(now, &id).map(|memory| (memory, memory.stamp));
        if let Some((memory, own)) = attached.or_else(remembered) {
            memory.add_to(own, &mut history, stamp);
        }
        history
    }

    /// Whether a session that is attached here has a pass that allows what it looks for.
    pub fn is_covered(&self, id: SessionId, find: &Criteria) -> bool {
        let pass = self.sessions.get(&id).and_then(|session| session.pass.as_ref());
        pass.is_some_and(|pass| pass.covers(find))
    }

    /// Whether the session has been deleted.
    pub fn is_revoked(&self, now: UnixMillis, id: SessionId) -> bool {
        self.endings.is_revoked(now, id)
    }

    /// Everything that a node which starts now has missed, in batches; the last is marked.
    pub fn sync_answers(&self, now: UnixMillis) -> Vec<SyncAnswer> {
        self.endings.sync_answers(now)
    }

    /// Whether another gateway is running.
    pub fn has_neighbours(&self) -> bool {
        self.neighbours.are_running()
    }

    /// Whether this gateway is the first of all that serve: it speaks for them. `but` does not
    /// count.
    pub fn is_first(&self, but: Option<&NodeId>) -> bool {
        self.neighbours.is_first(&self.settings.node, but)
    }

    /// How much this gateway carries. Counting walks over all that is held here, so it is repeated
    /// only when somebody has come, gone or been sent something, and after each renewal round.
    pub fn load(&self) -> Load {
        let waiting = count(self.wants.len());
        let load = self.counted.get().unwrap_or_else(|| Load {
            connections: count(self.sessions.values().filter(|session| session.conn.is_some()).count()),
            waiting,
            chatting: count(self.rooms.people()),
        });
        self.counted.set(Some(load));
        Load { waiting, ..load }
    }

    /// How much all running gateways carry, this one included.
    pub fn cluster_load(&self) -> Load {
        let (here, there) = (self.load(), self.neighbours.load());
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
