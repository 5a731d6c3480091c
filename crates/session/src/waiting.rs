//! Waiting for a match: `find`, `cancel`, and what pairing says of a want.

use schemas::{
    NodeId, RoomId, SessionId, Side, UnixMillis, WantId,
    control::{ControlError, ErrorCode, Find},
    criteria::{Language, Queue, Role},
    event::{Half, MatchEvent, RoomEvent, Want, WantEvent},
    limits,
    message::Message,
};

use super::{
    BusState, Sessions, ToClient, invite_spent, refuse,
    rooms::{JOIN_PATIENCE, Joining, Phase},
};

/// A want that has been published.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Waiting {
    pub(super) id: WantId,
    pub(super) since: UnixMillis,
    pub(super) queue: Queue,
    role: Option<Role>,
    language: Option<Language>,
}

impl Waiting {
    fn is_for(&self, find: &Find) -> bool {
        (self.queue, self.role, &self.language) == (find.queue(), find.role, &find.language)
    }
}

impl Sessions {
    /// Whether a want could be published now.
    pub(super) fn check_find(&self, now: UnixMillis, find: &Find) -> Result<(), ControlError> {
        if self.draining || self.bus != BusState::Up {
            return Err(refuse(ErrorCode::Unavailable, "nobody can be found from here now; try again"));
        }
        if find.queue().invite_tag().is_some_and(|tag| self.spent.get(now, &tag).is_some()) {
            return Err(invite_spent());
        }
        Ok(())
    }

    pub(super) fn find(&mut self, now: UnixMillis, id: SessionId, find: Find) -> Result<(), ControlError> {
        self.check_find(now, &find)?;
        if !self.waiting(id).is_some_and(|waiting| waiting.is_for(&find)) {
            self.stop_waiting(now, id);
            self.leave_old_seat(now, id);
            let waiting = Waiting {
                id: self.draw_want_id(),
                since: now,
                queue: find.queue(),
                role: find.role,
                language: find.language,
            };
            self.wait(now, id, Box::new(waiting));
        }
        self.send(id, ToClient::Waiting);
        Ok(())
    }

    /// What a session waits for, matched meanwhile or not.
    fn waiting(&self, id: SessionId) -> Option<&Waiting> {
        let session = self.sessions.get(&id)?;
        match (&session.waiting, session.seat) {
            (Some(waiting), _) => Some(waiting),
            (None, Some((room, side))) => match &self.rooms.get(&room)?.seat(side)?.phase {
                Phase::Joining(joining) => Some(&joining.waiting),
                _ => None,
            },
            (None, None) => None,
        }
    }

    /// Publishes a want and keeps it.
    fn wait(&mut self, now: UnixMillis, id: SessionId, waiting: Box<Waiting>) {
        let Some(session) = self.sessions.get_mut(&id) else { return };
        self.wants.insert(waiting.id, id);
        session.waiting = Some(waiting);
        if let Some(want) = self.want(now, id) {
            self.say_wants(WantEvent::Waiting(vec![want]));
        }
    }

    /// The want of a session as pairing is to know it.
    pub(super) fn want(&self, now: UnixMillis, id: SessionId) -> Option<Want> {
        let session = self.sessions.get(&id)?;
        let waiting = session.waiting.as_ref()?;
        Some(Want {
            id: waiting.id,
            session: id,
            stamp: session.stamp,
            age: now.since(waiting.since),
            queue: waiting.queue,
            role: waiting.role,
            language: waiting.language.clone(),
            tags: session.history.as_ref().map(|history| history.live_tags(now)).unwrap_or_default(),
        })
    }

    /// Back into the queue under a new id, its age kept: the pool ignores the old id for a while.
    pub(super) fn wait_again(&mut self, now: UnixMillis, id: SessionId, mut waiting: Box<Waiting>) {
        waiting.id = self.draw_want_id();
        self.wait(now, id, waiting);
    }

    /// Withdraws the want or dissolves the match that has not become a room yet.
    pub(super) fn stop_waiting(&mut self, now: UnixMillis, id: SessionId) {
        let Some(session) = self.sessions.get_mut(&id) else { return };
        let seat = session.seat;
        if let Some(waiting) = session.waiting.take() {
            self.wants.remove(&waiting.id);
            self.say_wants(WantEvent::Withdrawn(vec![waiting.id]));
        }
        if let Some((room, side)) = seat
            && self.is_joining(room, side)
        {
            self.dissolve(now, room, Some(id));
        }
    }

    pub(super) fn say_wants(&mut self, event: WantEvent) {
        self.publish(Message::Want { from: self.settings.node.clone(), event });
    }

    pub(super) fn hear_match(&mut self, now: UnixMillis, event: &MatchEvent) {
        match event {
            MatchEvent::Pair([first, second]) if first.want != second.want => {
                self.matched(now, first, second)
            }
            MatchEvent::Pair(_) => {}
            MatchEvent::Spent(want) => self.want_spent(now, *want),
        }
    }

    /// Two wants fit. Joins the halves that are current here; a half that is not is declined at once, so that the other half
    /// does not wait for it.
    fn matched(&mut self, now: UnixMillis, first: &Half, second: &Half) {
        let (room, first_side) = RoomId::of_match(first.want, second.want);
        let known = self.rooms.contains_key(&room)
            || self.ended.get(now, &room).is_some()
            || self.past.get(now, &room).is_some();
        if known {
            return; // said again: what became of it goes on by itself
        }
        let me = self.settings.node.clone();
        let current = |half: &Half| half.node == me && self.wants.contains_key(&half.want);
        match (current(first), current(second)) {
            (true, true) if self.wants[&first.want] == self.wants[&second.want] => {}
            (true, true) => {
                self.take_seat(now, first.want, room, first_side, &me);
                self.take_seat(now, second.want, room, first_side.other(), &me);
                self.settle(now, room);
            }
            (true, false) => self.matched_here(now, first, second, room, first_side),
            (false, true) => self.matched_here(now, second, first, room, first_side.other()),
            (false, false) => {
                self.decline(room, first, second);
                self.decline(room, second, first);
            }
        }
    }

    /// One half is current here; the other is elsewhere, or gone.
    fn matched_here(&mut self, now: UnixMillis, mine: &Half, other: &Half, room: RoomId, side: Side) {
        if other.node != self.settings.node {
            self.take_seat(now, mine.want, room, side, &other.node.clone());
            self.settle(now, room);
            return;
        }
        self.say_wants(WantEvent::Withdrawn(vec![other.want]));
        // Pairing has taken this want out of its pool: it waits on under a new id.
        if let Some(id) = self.wants.remove(&mine.want)
            && let Some(waiting) = self.sessions.get_mut(&id).and_then(|session| session.waiting.take())
        {
            self.say_wants(WantEvent::Withdrawn(vec![mine.want]));
            self.wait_again(now, id, waiting);
        }
    }

    /// Tells pairing, and the gateway of the other half, that a want is not there any more.
    fn decline(&mut self, room: RoomId, gone: &Half, other: &Half) {
        if gone.node == self.settings.node {
            self.say_wants(WantEvent::Withdrawn(vec![gone.want]));
            if other.node != self.settings.node {
                self.publish(Message::Peer { room, to: other.node.clone(), event: RoomEvent::Declined });
            }
        }
    }

    /// Turns a want into a seat in a room whose other side may not be there yet.
    fn take_seat(&mut self, now: UnixMillis, want: WantId, room: RoomId, side: Side, peer: &NodeId) {
        let Some(id) = self.wants.remove(&want) else { return };
        let Some(waiting) = self.sessions.get_mut(&id).and_then(|session| session.waiting.take()) else {
            return;
        };
        self.say_wants(WantEvent::Withdrawn(vec![want]));
        let joining = Joining { until: now + JOIN_PATIENCE, peer: peer.clone(), waiting };
        self.sit_down(now, id, room, side, Phase::Joining(Box::new(joining)));
    }

    /// Nobody will come with this code any more.
    fn want_spent(&mut self, now: UnixMillis, want: WantId) {
        let Some(id) = self.wants.remove(&want) else { return };
        let Some(waiting) = self.sessions.get_mut(&id).and_then(|session| session.waiting.take()) else {
            return;
        };
        self.remember_spent(now, waiting.queue);
        self.send(id, ToClient::Error(invite_spent()));
    }

    /// The two people of an invite have met.
    pub(super) fn met(&mut self, now: UnixMillis, queue: Queue) {
        if queue.invite_tag().is_some_and(|tag| self.spent.get(now, &tag).is_none()) {
            self.remember_spent(now, queue);
            self.say_wants(WantEvent::Met(queue));
        }
    }

    fn remember_spent(&mut self, now: UnixMillis, queue: Queue) {
        if let Some(tag) = queue.invite_tag() {
            self.spent.remember(tag, (), now + limits::SPENT_LIFE);
        }
    }

    /// Says all waiting wants again.
    pub(super) fn repeat_wants(&mut self, now: UnixMillis) {
        let mut ids: Vec<_> = self.wants.values().copied().collect();
        ids.sort_unstable(); // in the order in which the sessions lie in memory
        for batch in ids.chunks(limits::WANT_BATCH) {
            let wants = batch.iter().filter_map(|id| self.want(now, *id)).collect();
            self.say_wants(WantEvent::Waiting(wants));
        }
    }
}
