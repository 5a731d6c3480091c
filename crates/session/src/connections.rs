//! Connections that come and go.

use schemas::{
    CloseCode, SessionId, Stamp, UnixMillis,
    token::{RoomHistory, TokenClaims},
};

use crate::{
    effect::{ConnId, Unsigned},
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
        let has_history = claims.history != RoomHistory::default();
        let session = Session {
            conn: Some(conn),
            stamp,
            start: claims.start,
            history: has_history.then(|| Box::new(claims.history.clone())),
            want: None,
            seat,
            shown,
            may_hold_room: seat.is_none() && claims.stamp.max(before) != Stamp::NONE,
        };
        self.sessions.insert(id, Box::new(session));
        self.send_token(id, Unsigned::Ready);
        self.announce(now, id, order);
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
