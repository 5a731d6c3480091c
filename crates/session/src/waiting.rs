//! Sessions that wait for a match: their wants, as pairing is to know them.

use std::time::Duration;

use rand::Rng;
use schemas::{
    Origin, SessionId, UnixMillis, WantId,
    control::ControlError,
    criteria::{ChannelVersion, Criteria, Queue},
    event::{Want, WantEvent},
    limits,
};

use crate::{
    command::{cannot_find_now, invite_spent, other_version, strangers_not_offered, too_many_wait},
    effect::ToClient,
    sessions::Sessions,
    silence::Fine,
    timers::Timer,
    want::OwnWant,
};

impl Sessions {
    /// Whether a want could be published now.
    pub(crate) fn check_find(
        &self,
        now: UnixMillis,
        id: SessionId,
        find: &Criteria,
    ) -> Result<(), ControlError> {
        if self.draining || !self.graces.is_bus_up() {
            return Err(cannot_find_now());
        }
        if self.endings.is_spent(now, find.queue()) {
            return Err(invite_spent());
        }
        let most = self.settings.waiting_per_network;
        let is_new = self.want(id).is_none_or(|want| want.network().is_none());
        match self.network_of(id, find.queue()) {
            Some(network) if most > 0 && is_new && self.wants.waiting_at(network) >= most => {
                Err(too_many_wait())
            }
            _ => Ok(()),
        }
    }

    /// The network of a session that looks for strangers. Who waits for somebody in particular
    /// waits long, and takes nobody's place.
    fn network_of(&self, id: SessionId, queue: Queue) -> Option<u64> {
        let client = self.sessions.get(&id)?.memory.as_ref()?.client?;
        queue.invite_tag().is_none().then_some(client.network)
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
        let network = self.network_of(id, find.queue());
        let pass = self.is_covered(id, &find);
        let want = OwnWant::new(now, self.draw_want_id(), find, pass, network);
        self.publish_want(now, id, Box::new(want));
    }

    /// Back into the queue under a new id, its age kept: the pool ignores the old id for a while.
    pub(crate) fn wait_again(&mut self, now: UnixMillis, id: SessionId, mut want: Box<OwnWant>) {
        want.id = self.draw_want_id();
        self.publish_want(now, id, want);
    }

    fn publish_want(&mut self, now: UnixMillis, id: SessionId, want: Box<OwnWant>) {
        let Some(session) = self.sessions.get_mut(&id) else { return };
        self.wants.insert(want.id, id, want.network());
        if want.channel != ChannelVersion::CURRENT {
            self.timers.at(now + limits::VERSION_PATIENCE, Timer::OtherVersion(want.id));
        }
        session.want = Some(want);
        self.publish_want_of(now, id);
    }

    /// Publishes the want of a session, if it has one: it is new, or something has changed.
    pub(crate) fn publish_want_of(&mut self, now: UnixMillis, id: SessionId) {
        if let Some(want) = self.publication(now, id) {
            self.publish_wants(WantEvent::Waiting(vec![want]));
        }
    }

    /// The want of a session as pairing is to know it.
    fn publication(&self, now: UnixMillis, id: SessionId) -> Option<Want> {
        let session = self.sessions.get(&id)?;
        let want = session.want.as_ref()?.publication(now, id, session.stamp);
        let origin = session.memory.as_ref().and_then(|memory| memory.client?.origin);
        Some(match &session.memory {
            None => want,
            Some(memory) => Want {
                met: memory.met(now, session.ends()),
                reported: memory.history.reported.clone(),
                origin,
                delay: self.delay(now, memory.fine(), origin),
                ..want
            },
        })
    }

    /// So much later than others somebody is offered, because of silent chats.
    fn delay(&self, now: UnixMillis, fine: Fine, origin: Option<Origin>) -> Duration {
        let of_origin = origin.map(|origin| self.silent_origins.delay(now, origin));
        fine.delay().max(of_origin.unwrap_or_default())
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
        self.wants.remove(want.id, want.network());
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

    /// A want that nobody who speaks the version of this server's page can answer has waited for
    /// long enough, unless it was matched or withdrawn meanwhile.
    pub(crate) fn give_up_other_version(&mut self, want: WantId) {
        if let Some((id, _)) = self.withdraw_want(want) {
            self.send(id, ToClient::Error(other_version()));
        }
    }

    /// Strangers do not meet here any more, by an order of the operator: whoever waits for one is
    /// told so, and waits no longer.
    pub fn stop_waiting_for_strangers(&mut self) {
        for id in self.wants.sessions() {
            let is_strangers = self.sessions.get(&id).and_then(|session| session.want.as_ref());
            if is_strangers.is_some_and(|want| want.queue.invite_tag().is_none()) {
                self.withdraw(id);
                self.send(id, ToClient::Error(strangers_not_offered()));
            }
        }
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
