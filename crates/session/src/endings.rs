//! What has ended, for whoever asks later: rooms, matches, sessions and invites. Each is remembered
//! for as long as somebody may come with an old claim to it.

use std::time::Duration;

use schemas::{
    Origin, RoomId, SessionId, Side, Tag, UnixMillis, control::EndReason, criteria::Queue, event::SyncAnswer,
    limits, time::millis,
};

use crate::expiring::Expiring;

/// Ended rooms that are remembered, of those that were here and of all others: one token life of
/// 300 ends a second, 16 MB each.
const ENDED_ROOMS: usize = 200_000;
/// Deleted sessions that are remembered: two token lives of 150 a second in the whole cluster
/// (proofs of work that were used are among them), 12 MB.
const REVOKED_SESSIONS: usize = 200_000;
/// Spent invites that a gateway remembers by itself, best effort: 4 MB.
const SPENT_INVITES: usize = 100_000;
/// Rooms that were not ended but are not here any more; each is remembered for seconds.
const FORMER_ROOMS: usize = 50_000;
/// How long it is remembered that a match came to nothing, or that a room has moved on: longer than
/// anybody waits for a match, and than a repeated match is on its way.
const FORMER_LIFE: Duration = Duration::from_secs(30);

/// What has ended.
pub(crate) struct Endings {
    rooms: Expiring<RoomId, EndReason>,
    /// Rooms that others say have ended. They have room of their own: whoever invents rooms pushes
    /// none of those out that were here.
    elsewhere: Expiring<RoomId, EndReason>,
    /// Who was in the ended rooms, as far as it was here.
    sides: Expiring<RoomId, EndedSides>,
    former: Expiring<RoomId, FormerRoom>,
    revoked: Expiring<SessionId, DeletedAt>,
    spent: Expiring<Tag, ()>,
    /// How long a room's end is remembered.
    life: Duration,
    /// How long a revocation is.
    revoked_life: Duration,
}

/// Which gateway has deleted a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DeletedAt {
    /// This one, which says it again to whoever has missed it.
    Here,
    Elsewhere,
}

/// Whose the sides of an ended room were.
#[derive(Clone, Copy, Debug, Default)]
struct EndedSides([Option<EndedSide>; 2]);

/// Whose a side of an ended room was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct EndedSide {
    pub(crate) session: SessionId,
    /// Where its client came from.
    pub(crate) origin: Option<Origin>,
}

/// What became of a room that is not held here any more, and was not ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum FormerRoom {
    /// A match that came to nothing: whoever joins it is declined.
    Dissolved,
    /// Its people are elsewhere: a match that is repeated is none of this gateway's business.
    MovedOn,
}

impl Endings {
    /// Nothing has ended yet. The ends of rooms are remembered for `life`, revocations for
    /// `revoked_life`.
    pub(crate) fn new(life: Duration, revoked_life: Duration) -> Self {
        Self {
            rooms: Expiring::new(ENDED_ROOMS),
            elsewhere: Expiring::new(ENDED_ROOMS),
            sides: Expiring::new(ENDED_ROOMS),
            former: Expiring::new(FORMER_ROOMS),
            revoked: Expiring::new(REVOKED_SESSIONS),
            spent: Expiring::new(SPENT_INVITES),
            life,
            revoked_life,
        }
    }

    /// A room is over that was here. The first reason stays.
    pub(crate) fn end_room(&mut self, now: UnixMillis, room: RoomId, reason: EndReason) {
        let first = self.reason(now, room).unwrap_or(reason);
        self.rooms.remember(room, first, now + self.life);
    }

    /// Another node says that a room is over which is not here. The first reason stays.
    pub(crate) fn hear_end(&mut self, now: UnixMillis, room: RoomId, reason: EndReason) {
        if self.reason(now, room).is_none() {
            self.elsewhere.remember(room, reason, now + self.life);
        }
    }

    /// The same in answer to a question; the other node remembers it for so long.
    pub(crate) fn learn_end(
        &mut self,
        now: UnixMillis,
        room: RoomId,
        reason: EndReason,
        remaining: Duration,
    ) {
        self.elsewhere.remember(room, reason, now + remaining.min(self.life));
    }

    /// Who was on this side of a room that has ended.
    pub(crate) fn remember_side(&mut self, now: UnixMillis, room: RoomId, side: Side, whose: EndedSide) {
        let mut sides = self.sides.take(now, &room).unwrap_or_default();
        sides.0[side as usize] = Some(whose);
        self.sides.remember(room, sides, now + self.life);
    }

    /// Whose this side of an ended room was, if it was here. Asked once: nobody is reported twice
    /// for one chat.
    pub(crate) fn take_side(&mut self, now: UnixMillis, room: RoomId, side: Side) -> Option<EndedSide> {
        let mut sides = self.sides.take(now, &room)?;
        let whose = sides.0[side as usize].take();
        self.sides.remember(room, sides, now + self.life);
        whose
    }

    /// Why a room is over, if it is.
    pub(crate) fn reason(&self, now: UnixMillis, room: RoomId) -> Option<EndReason> {
        self.rooms.get(now, &room).or_else(|| self.elsewhere.get(now, &room)).copied()
    }

    /// A match has come to nothing.
    pub(crate) fn dissolve(&mut self, now: UnixMillis, room: RoomId) {
        self.former.remember(room, FormerRoom::Dissolved, now + FORMER_LIFE);
    }

    /// Nobody here is in this room any more. If it was dissolved, that stays.
    pub(crate) fn move_on(&mut self, now: UnixMillis, room: RoomId) {
        self.former.remember(room, FormerRoom::MovedOn, now + FORMER_LIFE);
    }

    /// Whether a match has come to nothing.
    pub(crate) fn is_dissolved(&self, now: UnixMillis, room: RoomId) -> bool {
        self.former.get(now, &room) == Some(&FormerRoom::Dissolved)
    }

    /// Whether a room was here and is not any more, for whatever reason.
    pub(crate) fn is_former(&self, now: UnixMillis, room: RoomId) -> bool {
        self.reason(now, room).is_some() || self.former.get(now, &room).is_some()
    }

    /// A session has been deleted; whoever publishes it remembers it for so long.
    pub(crate) fn revoke(&mut self, now: UnixMillis, session: SessionId, at: DeletedAt, remaining: Duration) {
        self.revoked.remember(session, at, now + remaining.min(self.revoked_life));
    }

    /// For how long a session is remembered that was deleted here.
    pub(crate) fn deleted_here(&self, now: UnixMillis, session: SessionId) -> Option<Duration> {
        let (at, until) = self.revoked.entry(now, &session)?;
        (*at == DeletedAt::Here).then(|| until.since(now))
    }

    /// Whether a session has been deleted.
    pub(crate) fn is_revoked(&self, now: UnixMillis, session: SessionId) -> bool {
        self.revoked.get(now, &session).is_some()
    }

    /// Sessions that have been deleted since then, each with the time for which that is remembered.
    pub(crate) fn revoked_since(&self, now: UnixMillis, since: UnixMillis) -> Vec<(SessionId, Duration)> {
        let revoked = self.revoked.iter(now).filter(|(_, _, until)| *until >= since + self.revoked_life);
        revoked.map(|(id, _, until)| (*id, until.since(now))).collect()
    }

    /// The two people of an invite have met. A topic is never spent.
    pub(crate) fn spend(&mut self, now: UnixMillis, queue: Queue) {
        if let Some(tag) = queue.invite_tag() {
            self.spent.remember(tag, (), now + limits::SPENT_LIFE);
        }
    }

    /// Whether the two people of an invite have met.
    pub(crate) fn is_spent(&self, now: UnixMillis, queue: Queue) -> bool {
        queue.invite_tag().is_some_and(|tag| self.spent.get(now, &tag).is_some())
    }

    /// What a node that starts now has missed, in batches; the last is marked.
    pub(crate) fn sync_answers(&self, now: UnixMillis) -> Vec<SyncAnswer> {
        let remaining = |until: UnixMillis| millis(until.since(now));
        let revoked: Vec<_> = self.revoked.iter(now).map(|(id, _, until)| (*id, remaining(until))).collect();
        let elsewhere = self.elsewhere.iter(now).filter(|(id, ..)| self.rooms.get(now, id).is_none());
        let ended = self.rooms.iter(now).chain(elsewhere);
        let ended = ended.map(|(id, reason, until)| (*id, *reason, remaining(until)));
        let ended: Vec<_> = ended.collect();
        let revoked = revoked
            .chunks(limits::BATCH)
            .map(|batch| SyncAnswer { revoked: batch.to_vec(), ..SyncAnswer::default() });
        let ended = ended
            .chunks(limits::BATCH)
            .map(|batch| SyncAnswer { ended: batch.to_vec(), ..SyncAnswer::default() });
        let last = SyncAnswer { last: true, ..SyncAnswer::default() };
        revoked.chain(ended).chain([last]).collect()
    }

    /// Forgets what nobody can claim any more.
    pub(crate) fn expire(&mut self, now: UnixMillis) {
        self.rooms.expire(now);
        self.elsewhere.expire(now);
        self.sides.expire(now);
        self.former.expire(now);
        self.revoked.expire(now);
        self.spent.expire(now);
    }

    /// How many rooms are remembered.
    #[cfg(test)]
    pub(crate) fn rooms(&self, now: UnixMillis) -> usize {
        self.rooms.iter(now).count() + self.elsewhere.iter(now).count() + self.former.iter(now).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: UnixMillis = UnixMillis(1_000_000);
    const LIFE: Duration = Duration::from_secs(600);

    fn room(n: u8) -> RoomId {
        RoomId::from_bytes([n; 16])
    }

    fn session(n: u8) -> SessionId {
        SessionId::from_random([n; 16])
    }

    #[test]
    fn the_first_reason_stays_for_one_token_life() {
        let mut endings = Endings::new(LIFE, LIFE * 2);
        endings.end_room(START, room(1), EndReason::Reported);
        endings.end_room(START, room(1), EndReason::Left);
        assert_eq!(endings.reason(START, room(1)), Some(EndReason::Reported));
        assert_eq!(endings.reason(START + LIFE, room(1)), None);
    }

    #[test]
    fn rooms_that_nobody_knows_push_out_none_that_was_here() {
        let mut endings = Endings::new(LIFE, LIFE * 2);
        endings.end_room(START, room(1), EndReason::Reported);
        for n in 0..=ENDED_ROOMS as u128 {
            endings.hear_end(START, RoomId::from_bytes(n.to_be_bytes()), EndReason::Left);
        }
        assert_eq!(endings.reason(START, room(1)), Some(EndReason::Reported));
        assert_eq!(endings.rooms(START), ENDED_ROOMS + 1);
    }

    #[test]
    fn a_room_that_others_ended_first_is_told_once_with_the_first_reason() {
        let mut endings = Endings::new(LIFE, LIFE * 2);
        endings.hear_end(START, room(1), EndReason::Expired);
        endings.end_room(START, room(1), EndReason::Left);
        endings.hear_end(START, room(1), EndReason::Reported);
        assert_eq!(endings.reason(START, room(1)), Some(EndReason::Expired));
        let told: Vec<_> = endings.sync_answers(START).into_iter().flat_map(|answer| answer.ended).collect();
        assert_eq!(told, [(room(1), EndReason::Expired, LIFE.as_millis() as u64)]);
    }

    #[test]
    fn what_another_node_remembers_is_not_remembered_for_longer_than_one_token_life() {
        let mut endings = Endings::new(LIFE, LIFE * 2);
        endings.learn_end(START, room(1), EndReason::Left, Duration::from_secs(1));
        endings.learn_end(START, room(2), EndReason::Left, Duration::MAX);
        endings.revoke(START, session(1), DeletedAt::Elsewhere, Duration::MAX);
        let later = START + Duration::from_secs(2);
        assert_eq!(
            (endings.reason(later, room(1)), endings.reason(later, room(2))),
            (None, Some(EndReason::Left))
        );
        assert!(endings.is_revoked(later, session(1)));
        let over = START + LIFE;
        assert!(endings.reason(over, room(2)).is_none() && endings.is_revoked(over, session(1)));
        assert!(!endings.is_revoked(START + LIFE * 2, session(1)));
    }

    #[test]
    fn a_dissolved_match_is_told_from_a_room_that_moved_on() {
        let mut endings = Endings::new(LIFE, LIFE * 2);
        endings.dissolve(START, room(1));
        endings.move_on(START, room(1));
        endings.move_on(START, room(2));
        assert!(endings.is_dissolved(START, room(1)) && !endings.is_dissolved(START, room(2)));
        assert!(endings.is_former(START, room(1)) && endings.is_former(START, room(2)));
        assert!(!endings.is_former(START, room(3)) && !endings.is_former(START + FORMER_LIFE, room(1)));
    }

    #[test]
    fn deletions_since_a_time_are_those_that_were_made_since_then() {
        let mut endings = Endings::new(LIFE, LIFE * 2);
        endings.revoke(START, session(1), DeletedAt::Here, LIFE * 2);
        let second = START + Duration::from_secs(10);
        endings.revoke(second, session(2), DeletedAt::Elsewhere, LIFE * 2);
        assert_eq!(endings.revoked_since(second, second), [(session(2), LIFE * 2)]);
        assert_eq!(endings.revoked_since(second, START).len(), 2);
        let here = |n| endings.deleted_here(second, session(n));
        assert_eq!((here(1), here(2), here(3)), (Some(LIFE * 2 - Duration::from_secs(10)), None, None));
    }

    #[test]
    fn only_an_invite_is_spent() {
        let mut endings = Endings::new(LIFE, LIFE * 2);
        let invite = Queue::of_invite(&"AAAAAAAAAAAAAAAAAAAAAA".parse().unwrap());
        for queue in [invite, Queue::of_topic(None)] {
            assert!(!endings.is_spent(START, queue));
            endings.spend(START, queue);
        }
        assert!(endings.is_spent(START, invite) && !endings.is_spent(START, Queue::of_topic(None)));
    }
}
