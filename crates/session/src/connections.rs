//! Connections that come and go.

use schemas::{CloseCode, SessionId, Stamp, UnixMillis, token::TokenClaims};

use crate::{
    effect::{ConnId, Unsigned},
    memory::Memory,
    session::Session,
    sessions::Sessions,
};

impl Sessions {
    /// A client has connected with a valid session token. Whatever else is attached in the
    /// session's name is over.
    pub fn connected(&mut self, now: UnixMillis, conn: ConnId, claims: &TokenClaims) {
        let id = claims.sub;
        let before = self.sessions.get(&id).map_or(Stamp::NONE, |session| session.stamp);
        let (stamp, order) = self.stamps.next(now, id, claims.stamp.max(before));
        self.detach(now, id, CloseCode::Replaced);
        let (seat, shown) =
            self.sessions.get(&id).map_or((None, false), |session| (session.seat, session.shown));
        let session = Session {
            conn: Some(conn),
            stamp,
            start: claims.start,
            pass: claims.pass.clone().map(Box::new),
            memory: self.united_memory(now, claims),
            want: None,
            expect: None,
            seat,
            shown,
            may_hold_room: seat.is_none() && claims.stamp.max(before) != Stamp::NONE,
        };
        self.sessions.insert(id, Box::new(session));
        self.send_token(id, Unsigned::Ready);
        self.announce(now, id, order);
    }

    /// What a token says of its session, and what is remembered here of it.
    fn united_memory(&mut self, now: UnixMillis, claims: &TokenClaims) -> Option<Box<Memory>> {
        let attached = self.sessions.get_mut(&claims.sub).and_then(|session| session.take_memory());
        let remembered = attached.or_else(|| self.memories.take(now, &claims.sub));
        match (Memory::of_token(claims), remembered) {
            (Some(mut memory), Some(newer)) => {
                memory.unite(*newer);
                Some(memory)
            }
            (memory, remembered) => memory.or(remembered),
        }
    }

    /// A connection that was opened in the name of a session is gone.
    pub fn disconnected(&mut self, now: UnixMillis, id: SessionId, conn: ConnId) {
        if let Some(session) = self.sessions.get_mut(&id).filter(|session| session.conn == Some(conn)) {
            session.conn = None;
            self.counted.set(None);
            self.lose_connection(now, id);
        }
    }
}
