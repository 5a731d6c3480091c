//! Sessions that wait for a match: their wants, as pairing is to know them.

use rand::Rng;
use schemas::{
    SessionId, UnixMillis, WantId,
    control::ControlError,
    criteria::{Criteria, Queue},
    event::{Want, WantEvent},
    limits,
};

use crate::{
    command::{cannot_find_now, invite_spent},
    effect::ToClient,
    sessions::Sessions,
    want::OwnWant,
};

impl Sessions {
    /// Whether a want could be published now.
    pub(crate) fn check_find(&self, now: UnixMillis, find: &Criteria) -> Result<(), ControlError> {
        if self.draining || !self.graces.is_bus_up() {
            return Err(cannot_find_now());
        }
        if self.endings.is_spent(now, find.queue()) {
            return Err(invite_spent());
        }
        Ok(())
    }

    /// What a session waits for, matched meanwhile or not.
    pub(crate) fn want(&self, id: SessionId) -> Option<&OwnWant> {
        let session = self.sessions.get(&id)?;
        match (&session.want, session.seat) {
            (Some(want), _) => Some(want),
            (None, Some((room, side))) => self.rooms.get(&room)?.seat(side)?.want(),
            (None, None) => None,
        }
    }

    /// A session begins to wait.
    pub(crate) fn wait(&mut self, now: UnixMillis, id: SessionId, find: Criteria) {
        let want = OwnWant::new(now, self.draw_want_id(), find);
        self.publish_want(now, id, Box::new(want));
    }

    /// Back into the queue under a new id, its age kept: the pool ignores the old id for a while.
    pub(crate) fn wait_again(&mut self, now: UnixMillis, id: SessionId, mut want: Box<OwnWant>) {
        want.id = self.draw_want_id();
        self.publish_want(now, id, want);
    }

    fn publish_want(&mut self, now: UnixMillis, id: SessionId, want: Box<OwnWant>) {
        let Some(session) = self.sessions.get_mut(&id) else { return };
        self.wants.insert(want.id, id);
        session.want = Some(want);
        if let Some(want) = self.publication(now, id) {
            self.publish_wants(WantEvent::Waiting(vec![want]));
        }
    }

    /// The want of a session as pairing is to know it.
    fn publication(&self, now: UnixMillis, id: SessionId) -> Option<Want> {
        let session = self.sessions.get(&id)?;
        let tags = session.history.as_ref().map(|history| history.live_tags(now)).unwrap_or_default();
        Some(session.want.as_ref()?.publication(now, id, session.stamp, tags))
    }

    /// A session waits no longer; pairing is to know. Returns what it waited for, unless it did
    /// not, or was matched meanwhile.
    pub(crate) fn withdraw(&mut self, id: SessionId) -> Option<Box<OwnWant>> {
        let want = self.take_want(id)?;
        self.publish_wants(WantEvent::Withdrawn(vec![want.id]));
        Some(want)
    }

    fn take_want(&mut self, id: SessionId) -> Option<Box<OwnWant>> {
        let want = self.sessions.get_mut(&id)?.want.take()?;
        self.wants.remove(want.id);
        Some(want)
    }

    /// The same by the id of the want. Returns whose it was, too.
    pub(crate) fn withdraw_want(&mut self, want: WantId) -> Option<(SessionId, Box<OwnWant>)> {
        let id = self.wants.session(want)?;
        Some((id, self.withdraw(id)?))
    }

    /// Nobody will come with the code of this want any more, which pairing has forgotten already.
    pub(crate) fn want_spent(&mut self, now: UnixMillis, want: WantId) {
        let Some(id) = self.wants.session(want) else { return };
        let Some(want) = self.take_want(id) else { return };
        self.endings.spend(now, want.queue);
        self.send(id, ToClient::Error(invite_spent()));
    }

    /// The two people of a match have met: if it was by an invite nobody else is to wait for it.
    pub(crate) fn have_met(&mut self, now: UnixMillis, queue: Queue) {
        if queue.invite_tag().is_some() && !self.endings.is_spent(now, queue) {
            self.endings.spend(now, queue);
            self.publish_wants(WantEvent::Met(queue));
        }
    }

    /// Publishes all current wants again.
    pub(crate) fn repeat_wants(&mut self, now: UnixMillis) {
        for batch in self.wants.sessions().chunks(limits::WANT_BATCH) {
            let wants = batch.iter().filter_map(|id| self.publication(now, *id)).collect();
            self.publish_wants(WantEvent::Waiting(wants));
        }
    }

    fn draw_want_id(&mut self) -> WantId {
        WantId::from_bytes(self.rng.random())
    }
}
