//! What a gateway remembers of a session beyond its connection: what its next token is to say, and
//! what its token must not say.

use schemas::{
    RoomId, Side, Stamp, Tag, UnixMillis,
    event::RememberedRoom,
    limits,
    token::{RoomHistory, TokenClaims},
};

use crate::{
    command::ClientOrigin,
    silence::{Conduct, Fine, Verdict},
};

/// What is remembered of one session.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Memory {
    /// What its token says.
    pub(crate) history: RoomHistory,
    /// The rooms in which it was reported, the oldest first. Its owner is not to know.
    reported_by_others: Vec<Tag>,
    /// The chat that has ended last.
    last: Option<LastChat>,
    /// Where its client comes from; known once it has looked for somebody.
    pub(crate) client: Option<ClientOrigin>,
    /// How it is in the chat that it is in, or how it was in the last one, until that is judged.
    pub(crate) conduct: Option<Conduct>,
    /// The attachment that this is known from, once it is over.
    pub(crate) stamp: Stamp,
}

/// A chat that has ended, as one side of it remembers it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LastChat {
    pub(crate) room: RoomId,
    /// The session's own side.
    pub(crate) side: Side,
    ended: UnixMillis,
}

impl Memory {
    /// What a token says; `None` if that is nothing.
    pub(crate) fn of_token(claims: &TokenClaims) -> Option<Box<Self>> {
        let is_new = claims.history == RoomHistory::default();
        let (history, stamp) = (claims.history.clone(), claims.stamp);
        (!is_new).then(|| Box::new(Self { history, stamp, ..Self::default() }))
    }

    /// Adds what this gateway remembers of the session: an older token gains nothing.
    pub(crate) fn unite(&mut self, newer: Self) {
        newer.add_to(newer.stamp, &mut self.history, self.stamp);
        self.stamp = self.stamp.max(newer.stamp);
        newer.reported_by_others.into_iter().for_each(|room| self.reported_by_other(room));
        self.last = newer.last.or(self.last);
        self.client = newer.client.or(self.client);
        self.conduct = newer.conduct.or_else(|| self.conduct.take());
    }

    /// Adds this, which is of one attachment, to what a token of another says. Who has been
    /// elsewhere since pays what it pays there.
    pub(crate) fn add_to(&self, own: Stamp, history: &mut RoomHistory, of_token: Stamp) {
        history.unite(&self.history);
        if own >= of_token {
            history.silent = self.history.silent;
        }
    }

    /// What it pays for silent chats.
    pub(crate) fn fine(&self) -> Fine {
        Fine::of(self.history.silent)
    }

    /// How it was in a chat that is over. Returns whether it pays another fine from now on.
    pub(crate) fn judged(&mut self, verdict: Verdict) -> bool {
        let fine = self.fine();
        self.history.silent = fine.after(verdict).chats();
        self.fine() != fine
    }

    /// A chat has ended.
    pub(crate) fn chat_ended(&mut self, now: UnixMillis, room: RoomId, side: Side) {
        self.history.met(room, now);
        if let Some(conduct) = &mut self.conduct {
            conduct.pause(now);
        }
        self.last = Some(LastChat { room, side, ended: now });
    }

    /// The chat that can still be reported.
    pub(crate) fn last_chat(&self, now: UnixMillis) -> Option<LastChat> {
        self.last.filter(|last| now.since(last.ended) < limits::REPORT_WAIT)
    }

    /// It has reported the other side of a chat. A chat is reported once.
    pub(crate) fn reported(&mut self, room: RoomId) {
        self.history.reported(room);
        self.last = self.last.filter(|last| last.room != room);
    }

    /// It was reported by the other side of this room.
    pub(crate) fn reported_by_other(&mut self, room: Tag) {
        self.reported_by_others.retain(|known| *known != room);
        self.reported_by_others.push(room);
        let surplus = self.reported_by_others.len().saturating_sub(limits::REPORTED_TAGS);
        self.reported_by_others.drain(..surplus);
    }

    /// The rooms that pairing is to know, each with the time for which it keeps two apart. `ends`
    /// is when the session ends.
    pub(crate) fn met(&self, now: UnixMillis, ends: UnixMillis) -> Vec<RememberedRoom> {
        let met = self.history.met.iter().filter(|(_, until)| *until > now.as_secs());
        let met = met.map(|(room, until)| RememberedRoom(*room, UnixMillis::from_secs(*until).since(now)));
        let reported = self.reported_by_others.iter().map(|room| RememberedRoom(*room, ends.since(now)));
        met.chain(reported).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const NOW: UnixMillis = UnixMillis(1_700_000_000_000);

    fn room(n: u8) -> RoomId {
        RoomId::from_bytes([n; 16])
    }

    #[test]
    fn a_chat_can_be_reported_once_and_for_a_minute() {
        let mut memory = Memory::default();
        memory.chat_ended(NOW, room(1), Side::B);
        let last = memory.last_chat(NOW + limits::REPORT_WAIT - Duration::from_millis(1));
        assert_eq!(last.map(|last| (last.room, last.side)), Some((room(1), Side::B)));
        assert_eq!(memory.last_chat(NOW + limits::REPORT_WAIT), None);
        memory.reported(room(1));
        assert_eq!(memory.last_chat(NOW), None);
    }

    #[test]
    fn who_was_reported_is_kept_apart_for_its_life_and_its_token_does_not_say_so() {
        let mut memory = Memory::default();
        memory.chat_ended(NOW, room(1), Side::A);
        let told = memory.history.clone();
        memory.reported_by_other(room(1).tag());
        assert_eq!(memory.history, told);
        let later = NOW + limits::MET_LIFE;
        let ends = later + Duration::from_secs(900);
        assert_eq!(memory.met(later, ends), [RememberedRoom(room(1).tag(), Duration::from_secs(900))]);
        (0..100).for_each(|n| memory.reported_by_other(room(n).tag()));
        assert_eq!(memory.met(later, ends).len(), limits::REPORTED_TAGS);
    }

    #[test]
    fn what_a_session_pays_is_what_it_paid_last_here_or_elsewhere() {
        let paying = |silent, stamp| {
            let history = RoomHistory { silent, ..RoomHistory::default() };
            Memory { history, stamp: Stamp(stamp), ..Memory::default() }
        };
        for (of_token, remembered, pays) in [
            (paying(0, 5), paying(2, 5), 2),
            (paying(3, 4), paying(2, 5), 2),
            (paying(1, 6), paying(3, 5), 1),
            (paying(3, 6), paying(0, 5), 3),
        ] {
            let mut united = of_token;
            united.unite(remembered);
            assert_eq!(united.history.silent, pays);
        }
    }

    #[test]
    fn an_older_token_gains_nothing() {
        let (mut newer, mut older) = (Memory::default(), Memory::default());
        newer.chat_ended(NOW, room(1), Side::A);
        newer.reported(room(1));
        newer.reported_by_other(room(2).tag());
        let expected = newer.clone();
        older.unite(newer);
        assert_eq!(older, expected);
    }
}
