//! The answer to a node that asks for a sync, one batch at a time: the whole may be far larger than
//! what the bus queues.

use schemas::{KeyId, RoomId, SessionId, UnixMillis, event::SyncAnswer, limits, time::millis};

use super::state::Leases;

/// How much of an answer has been sent. What is learned meanwhile may or may not be in it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SyncCursor {
    key: Option<KeyId>,
    session: Option<SessionId>,
    room: Option<RoomId>,
}

impl Leases {
    /// The batch that follows `cursor`, which advances. The last batch is marked.
    pub fn sync_batch(&self, now: UnixMillis, cursor: &mut SyncCursor) -> SyncAnswer {
        let moment = self.moment(now);
        let mut answer = SyncAnswer::default();
        for (&id, key) in self.keys.after(cursor.key).take(limits::KEY_BATCH) {
            cursor.key = Some(id);
            answer.keys.push(key.announced.clone());
        }
        // Keys with their certificates are large: they fill a batch of their own.
        if !answer.keys.is_empty() {
            return answer;
        }
        let mut room_left = limits::BATCH;
        for (&session, revoked) in self.revoked.after(cursor.session).take(room_left) {
            cursor.session = Some(session);
            answer.revoked.push((session, millis(revoked.until.since(moment))));
        }
        room_left -= answer.revoked.len();
        for (&room, ended) in self.ended.after(cursor.room).take(room_left) {
            cursor.room = Some(room);
            answer.ended.push((room, ended.why.reason, millis(ended.until.since(moment))));
        }
        room_left -= answer.ended.len();
        answer.last = room_left > 0;
        answer
    }
}
