//! What the relay path has counted of a client, and what follows from it.

use schemas::{SessionId, UnixMillis};

use crate::{
    effect::{ConnId, Unsigned},
    sessions::Sessions,
    silence::Traffic,
};

impl Sessions {
    /// What a connection has counted since its chat began: to be told when the chat is over, before
    /// the client does something, and before its connection is over. A chat that is over is judged.
    pub fn note_traffic(&mut self, now: UnixMillis, id: SessionId, conn: ConnId, traffic: Traffic) {
        let Some(session) = self.sessions.get_mut(&id).filter(|session| session.conn == Some(conn)) else {
            return;
        };
        let is_over = session.seat.is_none();
        let Some(memory) = &mut session.memory else { return };
        let Some(conduct) = &mut memory.conduct else { return };
        conduct.count(traffic);
        if !is_over {
            return;
        }
        let verdict = conduct.verdict();
        memory.conduct = None;
        let is_other_fine = memory.judged(verdict);
        if let Some(origin) = memory.client.and_then(|client| client.origin) {
            self.silent_origins.add(now, origin, id, verdict);
        }
        if is_other_fine {
            // Its next gateway is to know, too.
            self.send_token(id, |grant| Unsigned::Token(grant, None));
        }
    }
}
